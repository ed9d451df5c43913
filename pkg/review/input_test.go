package review

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
)

// inputOf is what the rules get of a request.
func inputOf(t *testing.T, request Request, registered ...v1alpha1.GatewayCluster) policy.Input {
	t.Helper()
	input, err := reviewer(t, registered...).input(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return input
}

func TestRulesLearnWhoAsksForWhat(t *testing.T) {
	asked := request(t, gatewayOf(t, `{clusterIds: [c1]}`), gatewayOf(t, `{clusterIds: [c2]}`))
	asked.User, asked.DryRun = policy.User{Username: "alice", Groups: []string{"platform"}}, true
	input := inputOf(t, asked, known(t)...)
	want := policy.Request{
		Operation: "UPDATE", User: policy.User{Username: "alice", Groups: []string{"platform"}},
		DryRun: true, Name: "edge", Namespace: "istio-system",
	}
	if !reflect.DeepEqual(input.Request, want) {
		t.Errorf("got request %+v, want %+v", input.Request, want)
	}
	if want := "2026-01-01T19:04:05Z"; input.Now != want {
		t.Errorf("got now %s, want %s: the same in every time zone", input.Now, want)
	}
	if !same(t, input.Gateway, asked.Gateway.Raw) || !same(t, input.Old, asked.Old.Raw) {
		t.Errorf("got gateway %v, old %v", input.Gateway, input.Old)
	}
}

// null is a value to a rule: what is not there must be absent.
func TestRulesSeeNoObjectWhereThereIsNone(t *testing.T) {
	created := inputOf(t, request(t, gatewayOf(t, `{}`), nil))
	if created.Gateway == nil || created.Old != nil {
		t.Errorf("creating: got gateway %v, old %v", created.Gateway, created.Old)
	}
	deleted := inputOf(t, request(t, nil, gatewayOf(t, `{}`)))
	if deleted.Gateway != nil || deleted.Old == nil {
		t.Errorf("deleting: got gateway %v, old %v", deleted.Gateway, deleted.Old)
	}
}

func TestRulesLearnWhichClustersAreConcerned(t *testing.T) {
	managedGateway := func(metadata string) map[string]any {
		return fromYAML(t, "{metadata: {name: edge, annotations: {asm.alibabacloud.com/managed-by-asm: 'true'"+metadata+"}}, spec: {}}")
	}
	tests := map[string]struct {
		gateway, old map[string]any
		want         []string
	}{
		"those that the gateway names":         {gatewayOf(t, `{clusterIds: [c1, c2]}`), nil, []string{"c1", "c2"}},
		"one that nobody registered":           {gatewayOf(t, `{clusterIds: [nowhere]}`), nil, []string{"nowhere"}},
		"those that the gateway leaves too":    {gatewayOf(t, `{clusterIds: [c2]}`), gatewayOf(t, `{clusterIds: [c1]}`), []string{"c1", "c2"}},
		"those that a deleted gateway is in":   {nil, gatewayOf(t, `{clusterIds: [c1]}`), []string{"c1"}},
		"the managed one for a managed one":    {managedGateway(""), nil, []string{"ours"}},
		"the one that metrics go to too":       {managedGateway(", asm.alibabacloud.com/export-metrics: c1"), nil, []string{"c1", "ours"}},
		"an unknown one that metrics go to":    {managedGateway(", asm.alibabacloud.com/export-metrics: nowhere"), nil, []string{"nowhere", "ours"}},
		"the managed one, where metrics go":    {managedGateway(", asm.alibabacloud.com/export-metrics: ours"), nil, []string{"ours"}},
		"none that a gateway does not name":    {gatewayOf(t, `{}`), nil, []string{}},
		"each of a repeated one a single time": {gatewayOf(t, `{clusterIds: [c1, c1]}`), nil, []string{"c1"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			input := inputOf(t, request(t, test.gateway, test.old), known(t)...)
			if got := append([]string{}, slices.Sorted(maps.Keys(input.Clusters))...); !slices.Equal(got, test.want) {
				t.Errorf("got clusters %v, want %v", got, test.want)
			}
		})
	}
}

func TestRulesLearnWhatIsKnownOfACluster(t *testing.T) {
	reachable := func(status metav1.ConditionStatus) func(*v1alpha1.GatewayCluster) {
		return func(c *v1alpha1.GatewayCluster) {
			c.Status.Conditions = []metav1.Condition{{Type: "Other", Status: metav1.ConditionFalse}, {Type: v1alpha1.ConditionReachable, Status: status}, {Type: "Another", Status: metav1.ConditionFalse}}
		}
	}
	tests := map[string]struct {
		cluster                        *v1alpha1.GatewayCluster
		registered, reachable, managed bool
		mesh                           string
	}{
		"one that nobody registered":                            {nil, false, true, false, "1.26.0"},
		"one of which nobody found out whether it answers":      {new(cluster("c1")), true, true, false, "1.26.0.1"},
		"one that answers":                                      {new(cluster("c1", reachable(metav1.ConditionTrue))), true, true, false, "1.26.0.1"},
		"one that may answer: what is unknown warns of nothing": {new(cluster("c1", reachable(metav1.ConditionUnknown))), true, true, false, "1.26.0.1"},
		"one that does not answer":                              {new(cluster("c1", reachable(metav1.ConditionFalse))), true, false, false, "1.26.0.1"},
		"one that takes managed gateways":                       {new(cluster("c1", managed)), true, true, true, "1.26.0.1"},
		"one that says it takes none":                           {new(cluster("c1", func(c *v1alpha1.GatewayCluster) { c.Spec.Managed = new(false) })), true, true, false, "1.26.0.1"},
		"one of an old mesh":                                    {new(cluster("c1", mesh("1.15.3"))), true, true, false, "1.15.3"},
		"one that says nothing of its mesh":                     {new(cluster("c1", func(c *v1alpha1.GatewayCluster) { c.Spec.Mesh = nil })), true, true, false, "1.26.0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var registered []v1alpha1.GatewayCluster
			if test.cluster != nil {
				registered = append(registered, *test.cluster)
			}
			got := inputOf(t, request(t, gatewayOf(t, `{clusterIds: [c1]}`), nil), registered...).Clusters["c1"]
			if got.Registered != test.registered || got.Reachable != test.reachable || got.Managed != test.managed || got.Mesh.Version != test.mesh {
				t.Errorf("got %+v, want %+v", got, test)
			}
			// Every other rule judges the gateway in an unknown cluster too, so that its author learns all at once.
			effective, ok := got.Effective.(v1beta1.IstioGatewaySpec)
			if !ok || effective.ReplicaCount == nil || *effective.ReplicaCount != 1 {
				t.Errorf("got effective %v, want a spec with its defaults", got.Effective)
			}
		})
	}
}

func TestRulesLearnTheFactsOfACluster(t *testing.T) {
	registered := cluster("c1",
		facts(v1alpha1.ClusterFacts{KubernetesVersion: "v1.36.3", VirtualNodes: v1alpha1.VirtualNodesAll}),
		func(c *v1alpha1.GatewayCluster) {
			c.Status.Facts = &v1alpha1.ClusterFacts{KubernetesVersion: "v1.30.0", KernelVersions: []string{"5.10.0"}}
		})
	got := inputOf(t, request(t, gatewayOf(t, `{clusterIds: [c1]}`), nil), registered).Clusters["c1"].Facts
	want := v1alpha1.ClusterFacts{KubernetesVersion: "v1.36.3", VirtualNodes: v1alpha1.VirtualNodesAll, KernelVersions: []string{"5.10.0"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want what is stated before what was found out: %+v", got, want)
	}
}

func TestRulesLearnWhatTheGatewayIsInEachCluster(t *testing.T) {
	gateway := gatewayOf(t, `{clusterIds: [c1, old-mesh], replicaCount: 1, overrides: {
		c1: {replicaCount: 3, serviceType: NodePort}, old-mesh: {replicaCount: 4, serviceType: NodePort}}}`)
	input := inputOf(t, request(t, gateway, nil), known(t)...)
	spec := func(id string) v1beta1.IstioGatewaySpec {
		return input.Clusters[id].Effective.(v1beta1.IstioGatewaySpec)
	}
	if got := *spec("c1").ReplicaCount; got != 3 {
		t.Errorf("c1: got %d replicas, want 3", got)
	}
	if got := *spec("old-mesh").ReplicaCount; got != 4 {
		t.Errorf("old-mesh: got %d replicas, want 4", got)
	}
	if got := *spec("c1").ServiceType; got != "NodePort" {
		t.Errorf("c1: got %s, want NodePort", got)
	}
	if got := *spec("old-mesh").ServiceType; got != "LoadBalancer" {
		t.Errorf("old-mesh: got %s, want LoadBalancer: its mesh honours no other", got)
	}
}

// What the gateway shall be wins over what it was.
func TestRulesLearnWhatTheGatewayWillBeInAClusterThatItStaysIn(t *testing.T) {
	input := inputOf(t, request(t, gatewayOf(t, `{clusterIds: [c1], replicaCount: 5}`), gatewayOf(t, `{clusterIds: [c1], replicaCount: 2}`)), known(t)...)
	if got := *input.Clusters["c1"].Effective.(v1beta1.IstioGatewaySpec).ReplicaCount; got != 5 {
		t.Errorf("got %d replicas, want 5", got)
	}
}

func TestRulesLearnNoEffectiveSpecWhereTheGatewayIsOnlyMentioned(t *testing.T) {
	gateway := fromYAML(t, "{metadata: {name: edge, annotations: {asm.alibabacloud.com/managed-by-asm: 'true', asm.alibabacloud.com/export-metrics: c1}}, spec: {}}")
	got := inputOf(t, request(t, gateway, nil), known(t)...).Clusters["c1"]
	if want := (policy.Cluster{Registered: true}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRulesLearnWhatTheGatewayIsWhereItsMetricsGoToo(t *testing.T) {
	gateway := fromYAML(t, "{metadata: {name: edge, annotations: {asm.alibabacloud.com/managed-by-asm: 'true', asm.alibabacloud.com/export-metrics: ours}}, spec: {}}")
	got := inputOf(t, request(t, gateway, nil), known(t)...).Clusters["ours"]
	if !got.Managed || got.Effective == nil {
		t.Errorf("got %+v, want all that is known of a cluster that the gateway is placed in", got)
	}
}

func TestMeshIsTheLowestOfItsClusters(t *testing.T) {
	tests := map[string]struct {
		spec string
		want string
	}{
		"of one cluster":                       {`{clusterIds: [c1]}`, "1.26.0.1"},
		"of two clusters":                      {`{clusterIds: [c1, old-mesh]}`, "1.15.3"},
		"in whichever order they are named":    {`{clusterIds: [old-mesh, c1]}`, "1.15.3"},
		"by number, as 1.9 is lower than 1.15": {`{clusterIds: [ancient, old-mesh]}`, "1.9.1"},
		"without any cluster":                  {`{}`, "1.26.0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			input := inputOf(t, request(t, gatewayOf(t, test.spec), nil), append(known(t), cluster("ancient", mesh("1.9.1")))...)
			if input.Mesh.Version != test.want {
				t.Errorf("got %s, want %s", input.Mesh.Version, test.want)
			}
		})
	}
}

func TestInputChangesNothingThatComesIn(t *testing.T) {
	registered := known(t)
	asked := request(t, gatewayOf(t, `{clusterIds: [c1], overrides: {c1: {replicaCount: 2}}}`), gatewayOf(t, `{clusterIds: [c2]}`))
	gateway, old, clusters := asJSON(t, asked.Gateway), asJSON(t, asked.Old), asJSON(t, registered)
	inputOf(t, asked, registered...)
	if !same(t, asked.Gateway, gateway) || !same(t, asked.Old, old) || !same(t, registered, clusters) {
		t.Error("what came in is changed")
	}
}

func TestInputIsAnErrorWhenClustersCannotBeListed(t *testing.T) {
	r := reviewer(t)
	r.Clusters = func(context.Context) ([]v1alpha1.GatewayCluster, error) { return nil, errors.New("no cache") }
	_, err := r.input(t.Context(), request(t, gatewayOf(t, `{}`), nil))
	if want := "listing the registered clusters: no cache"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
