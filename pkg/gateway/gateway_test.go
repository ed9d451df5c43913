package gateway

import (
	"maps"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

func TestPlaceTakesTheIdentityOfGatewayAndCluster(t *testing.T) {
	gw := gatewayOf(t, `{}`)
	gw.Annotations = map[string]string{AnnotationDrainTimeout: "30"}

	placed := Place(gw, clusterOf(first, "1.20.0"))

	if placed.Name != "edge" || placed.Namespace != "istio-system" || placed.UID != "5a1c0f4e" {
		t.Errorf("got gateway %s/%s (%s), want istio-system/edge (5a1c0f4e)", placed.Namespace, placed.Name, placed.UID)
	}
	if placed.ClusterID != first {
		t.Errorf("got cluster %q, want %q", placed.ClusterID, first)
	}
	if placed.Mesh.Version != "1.20.0" {
		t.Errorf("got mesh version %q, want 1.20.0", placed.Mesh.Version)
	}
	if !maps.Equal(placed.Annotations, gw.Annotations) {
		t.Errorf("got annotations %v, want %v", placed.Annotations, gw.Annotations)
	}
}

// everything is a gateway that uses every part of the spec which Place touches.
const everything = `
clusterIds: [c8a4b2e19d04, c9f3e7a51b60]
serviceAnnotations: {a: "1", b: "2"}
podAnnotations: {c: "3"}
env:
- name: LIMIT
  valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1000m}}
ports:
- {port: 80}
- {port: 443, protocol: HTTPS, targetPort: 0}
resources: {limits: {cpu: 2000m, memory: 1024Mi}}
cpu: {targetAverageUtilization: 80}
maxReplicas: 5
compression: {gzip: {}}
kernel: {parameters: {net.core.somaxconn: "4096"}}
overrides:
  c8a4b2e19d04:
    serviceAnnotations: {b: "", d: "4"}
    podAnnotations: {e: "5"}
    resources: {limits: {cpu: 4000m}}
    cpu: {targetAverageUtilization: 60}
    replicaCount: 3
    serviceType: NodePort
`

func TestPlaceChangesNothingThatComesIn(t *testing.T) {
	gw := gatewayOf(t, everything)
	gw.Annotations = map[string]string{"a": "b"}
	cluster := clusterOf(first, "1.26.0")
	cluster.Spec.Mesh.ProxyMetadata = map[string]string{"A": "1"}
	cluster.Spec.Facts = &v1alpha1.ClusterFacts{KernelVersions: []string{"5.10.0"}}
	gwBefore, clusterBefore := gw.DeepCopy(), cluster.DeepCopy()

	placed := Place(gw, cluster)
	// Whatever is done with the result must not reach the input either.
	placed.Annotations["a"] = "changed"
	placed.Spec.PodAnnotations["e"] = "changed"
	placed.Spec.ServiceAnnotations["a"] = "changed"
	placed.Spec.Ports[0].Name = "changed"
	*placed.Spec.ReplicaCount = 99
	*placed.Spec.CPU.TargetAverageUtilization = 99
	clear(placed.Spec.Resources.Limits)
	placed.Mesh.ProxyMetadata["A"] = "changed"
	placed.Facts.KernelVersions[0] = "changed"

	// Semantic equality alone would let one spelling of a quantity pass for another.
	if asJSON(t, gw) != asJSON(t, gwBefore) || !equality.Semantic.DeepEqual(gw, gwBefore) {
		t.Errorf("the gateway is now %s, was %s", asJSON(t, gw), asJSON(t, gwBefore))
	}
	expectSame(t, cluster, clusterBefore)
}

func TestPlaceGivesTheSameForTheSame(t *testing.T) {
	gw, cluster := gatewayOf(t, everything), clusterOf(first, "1.26.0")
	want := asJSON(t, Place(gw, cluster))
	for range 100 {
		if got := asJSON(t, Place(gw, cluster)); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
}

func TestClusters(t *testing.T) {
	managed := func(id string) v1alpha1.GatewayCluster {
		cluster := *clusterOf(id, "")
		cluster.Spec.Managed = new(true)
		return cluster
	}
	for _, test := range []struct {
		name       string
		managed    string
		clusterIDs []string
		registered []v1alpha1.GatewayCluster
		want       []string
	}{
		{name: "lists nothing for a gateway that names nothing", want: nil},
		{name: "sorts the clusters that the gateway names", clusterIDs: []string{"b", "a"}, want: []string{"a", "b"}},
		{name: "lists a cluster once that is named twice", clusterIDs: []string{"b", "a", "b"}, want: []string{"a", "b"}},
		{name: "lists clusters that nobody registered", clusterIDs: []string{"x"}, registered: []v1alpha1.GatewayCluster{*clusterOf("y", "")}, want: []string{"x"}},
		{name: "does not add the managed cluster to those that are named", clusterIDs: []string{"a"}, registered: []v1alpha1.GatewayCluster{managed("m")}, want: []string{"a"}},
		{name: "places a managed gateway in the managed cluster", managed: "true", registered: []v1alpha1.GatewayCluster{*clusterOf("a", ""), managed("m")}, want: []string{"m"}},
		{name: "places a managed gateway in the managed cluster even if it names others", managed: "true", clusterIDs: []string{"a"}, registered: []v1alpha1.GatewayCluster{managed("m")}, want: []string{"m"}},
		{name: "takes the first of several managed clusters by name", managed: "true", registered: []v1alpha1.GatewayCluster{managed("n"), managed("m")}, want: []string{"m"}},
		{name: "has no place for a managed gateway without a managed cluster", managed: "true", registered: []v1alpha1.GatewayCluster{*clusterOf("a", "")}, want: nil},
		{name: "takes no other word than true for managed", managed: "True", clusterIDs: []string{"a"}, registered: []v1alpha1.GatewayCluster{managed("m")}, want: []string{"a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			gw := gatewayOf(t, `{}`)
			gw.Spec.ClusterIDs = test.clusterIDs
			if test.managed != "" {
				gw.Annotations = map[string]string{AnnotationManagedByASM: test.managed}
			}
			before := slices.Clone(test.clusterIDs)

			got := Clusters(gw, test.registered)

			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if !slices.Equal(gw.Spec.ClusterIDs, before) {
				t.Errorf("clusterIds are now %v, were %v", gw.Spec.ClusterIDs, before)
			}
		})
	}
}

func TestManagedReadsTheAnnotation(t *testing.T) {
	gw := gatewayOf(t, `{}`)
	if Managed(gw) {
		t.Error("a gateway without annotations is managed, want not")
	}
	gw.Annotations = map[string]string{AnnotationManagedByASM: "false"}
	if Managed(gw) {
		t.Error("a gateway with the value false is managed, want not")
	}
	gw.Annotations[AnnotationManagedByASM] = "true"
	if !Managed(gw) {
		t.Error("a gateway with the value true is not managed, want managed")
	}
}

func TestObjectNameIsTheOneThatASMDocuments(t *testing.T) {
	if got := ObjectName("ingressgateway"); got != "istio-ingressgateway" {
		t.Errorf("got %q, want istio-ingressgateway", got)
	}
}

func BenchmarkPlace(b *testing.B) {
	gw := gatewayOf(b, everything)
	cluster := clusterOf(first, "1.26.0")
	b.ReportAllocs()
	for b.Loop() {
		Place(gw, cluster)
	}
}

func TestFindGivesTheVeryCluster(t *testing.T) {
	registered := []v1alpha1.GatewayCluster{*clusterOf("away", "1.26.0"), *clusterOf("home", "1.26.0")}
	if got := Find(registered, "home"); got != &registered[1] {
		t.Errorf("got %v, want the second one", got)
	}
	if got := Find(registered, "nowhere"); got != nil {
		t.Errorf("got %v, want nil", got)
	}
}
