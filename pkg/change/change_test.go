package change

import (
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// gatewayOf reads a gateway's spec and annotations from YAML.
func gatewayOf(t *testing.T, text string) *v1beta1.IstioGateway {
	t.Helper()
	gw := &v1beta1.IstioGateway{}
	if err := yaml.UnmarshalStrict([]byte(text), gw); err != nil {
		t.Fatal(err)
	}
	if gw.Spec.Ports == nil {
		gw.Spec.Ports = []corev1.ServicePort{{Port: 80}}
	}
	gw.Namespace, gw.Name, gw.UID = "istio-system", "edge", "7c4f"
	return gw
}

// clustersOf are registered clusters, each with a mesh version.
func clustersOf(versions map[string]string) []v1alpha1.GatewayCluster {
	var out []v1alpha1.GatewayCluster
	for _, id := range []string{"c1", "c2"} {
		cluster := v1alpha1.GatewayCluster{}
		cluster.Name = id
		cluster.Spec.Mesh = &v1alpha1.MeshProfile{Version: versions[id]}
		out = append(out, cluster)
	}
	return out
}

func TestBetweenSaysWhatAChangeDoesAndWhichFieldsDoIt(t *testing.T) {
	tests := map[string]struct {
		old, new string
		versions map[string]string
		restart  []string
		loss     []string
		blamed   []string
	}{
		"nothing differs": {
			old: `{spec: {clusterIds: [c1]}}`, new: `{spec: {clusterIds: [c1]}}`,
		},
		"a quantity is written differently": {
			old: `{spec: {clusterIds: [c1], resources: {limits: {cpu: 2000m, memory: 1024Mi}}}}`,
			new: `{spec: {clusterIds: [c1], resources: {limits: {cpu: "2", memory: 1Gi}}}}`,
		},
		"a default is written out": {
			old: `{spec: {clusterIds: [c1]}}`, new: `{spec: {clusterIds: [c1], hostNetwork: false, dnsPolicy: ClusterFirst}}`,
		},
		"an environment variable comes": {
			old: `{spec: {clusterIds: [c1, c2]}}`, new: `{spec: {clusterIds: [c1, c2], env: [{name: A, value: b}]}}`,
			restart: []string{"c1", "c2"}, blamed: []string{"spec.env"},
		},
		"an override changes in one cluster": {
			old:     `{spec: {clusterIds: [c1, c2]}}`,
			new:     `{spec: {clusterIds: [c1, c2], overrides: {c2: {resources: {limits: {cpu: "4"}}}}}}`,
			restart: []string{"c2"}, blamed: []string{"spec.overrides.c2.resources.limits.cpu"},
		},
		"replicas change": {
			old: `{spec: {clusterIds: [c1], replicaCount: 1}}`, new: `{spec: {clusterIds: [c1], replicaCount: 3}}`,
		},
		"ports change before and after mesh 1.16": {
			old:      `{spec: {clusterIds: [c1, c2], ports: [{port: 80}]}}`,
			new:      `{spec: {clusterIds: [c1, c2], ports: [{port: 80}, {port: 443}]}}`,
			versions: map[string]string{"c1": "1.15.3"},
			restart:  []string{"c1"}, blamed: []string{"spec.ports"},
		},
		"the drain annotation changes": {
			old:     `{metadata: {annotations: {asm.alibabacloud.com/gateway-drain-timeout-seconds: "30"}}, spec: {clusterIds: [c1]}}`,
			new:     `{metadata: {annotations: {asm.alibabacloud.com/gateway-drain-timeout-seconds: "60"}}, spec: {clusterIds: [c1]}}`,
			restart: []string{"c1"}, blamed: []string{"metadata.annotations[asm.alibabacloud.com/gateway-drain-timeout-seconds]"},
		},
		"somebody's own annotation changes": {
			old: `{metadata: {annotations: {team: a}}, spec: {clusterIds: [c1]}}`, new: `{metadata: {annotations: {team: b}}, spec: {clusterIds: [c1]}}`,
		},
		"kernel tuning is switched on for parameters that were there": {
			old:     `{spec: {clusterIds: [c1], kernel: {enabled: false, parameters: {net.ipv4.tcp_fin_timeout: "30"}}}}`,
			new:     `{spec: {clusterIds: [c1], kernel: {enabled: true, parameters: {net.ipv4.tcp_fin_timeout: "30"}}}}`,
			restart: []string{"c1"}, blamed: []string{"spec.kernel.enabled"},
		},
		"two fields restart only together": {
			old:     `{spec: {clusterIds: [c1]}}`,
			new:     `{spec: {clusterIds: [c1], kernel: {enabled: true, parameters: {net.ipv4.tcp_fin_timeout: "30"}}}}`,
			restart: []string{"c1"}, blamed: []string{"spec.kernel.enabled", "spec.kernel.parameters[net.ipv4.tcp_fin_timeout]"},
		},
		"the service type changes": {
			old: `{spec: {clusterIds: [c1, c2]}}`, new: `{spec: {clusterIds: [c1, c2], serviceType: NodePort}}`,
			loss: []string{"c1", "c2"}, blamed: []string{"spec.serviceType"},
		},
		"a cluster is removed": {
			old: `{spec: {clusterIds: [c1, c2]}}`, new: `{spec: {clusterIds: [c1]}}`,
			loss: []string{"c2"}, blamed: []string{"spec.clusterIds"},
		},
		"a cluster is removed from a gateway without load balancer": {
			old: `{spec: {clusterIds: [c1, c2], serviceType: ClusterIP}}`, new: `{spec: {clusterIds: [c1], serviceType: ClusterIP}}`,
		},
		"an attribute changes that a live load balancer cannot change": {
			old:  `{spec: {clusterIds: [c1], serviceAnnotations: {service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type: intranet}}}`,
			new:  `{spec: {clusterIds: [c1], serviceAnnotations: {service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type: internet}}}`,
			loss: []string{"c1"}, blamed: []string{"spec.serviceAnnotations[service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type]"},
		},
		"an attribute moves to its new keyword": {
			old: `{spec: {clusterIds: [c1], serviceAnnotations: {service.beta.kubernetes.io/alicloud-loadbalancer-address-type: intranet}}}`,
			new: `{spec: {clusterIds: [c1], serviceAnnotations: {service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type: intranet}}}`,
		},
		"an attribute changes that can change": {
			old: `{spec: {clusterIds: [c1], serviceAnnotations: {service.beta.kubernetes.io/alibaba-cloud-loadbalancer-spec: slb.s1.small}}}`,
			new: `{spec: {clusterIds: [c1], serviceAnnotations: {service.beta.kubernetes.io/alibaba-cloud-loadbalancer-spec: slb.s2.small}}}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			old, changed := gatewayOf(t, test.old), gatewayOf(t, test.new)
			before := old.DeepCopy()
			got, err := Between(old, changed, clustersOf(test.versions))
			if err != nil {
				t.Fatal(err)
			}
			if !equal(got.Effects[Restart], test.restart) || !equal(got.Effects[AddressLoss], test.loss) {
				t.Errorf("got effects %v, want restart %v and address loss %v", got.Effects, test.restart, test.loss)
			}
			if blamed := blamedIn(got); !equal(blamed, test.blamed) {
				t.Errorf("got %v blamed, want %v", blamed, test.blamed)
			}
			if !reflect.DeepEqual(old, before) {
				t.Error("the old gateway was changed")
			}
		})
	}
}

// blamedIn lists the paths that cause an effect.
func blamedIn(change Change) []string {
	var out []string
	for _, field := range change.Changes {
		if len(field.Effects) > 0 {
			out = append(out, field.Path)
		}
	}
	return out
}

// equal compares two lists; none and empty are the same.
func equal(a, b []string) bool {
	return strings.Join(a, " ") == strings.Join(b, " ")
}

func TestBetweenOfANewGatewayHasNoEffect(t *testing.T) {
	got, err := Between(nil, gatewayOf(t, `{spec: {clusterIds: [c1]}}`), clustersOf(nil))
	if err != nil || len(got.Changes) > 0 || len(got.Effects[Restart])+len(got.Effects[AddressLoss]) > 0 || got.Digest != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestBetweenOfADeletedGatewayLosesItsAddresses(t *testing.T) {
	got, err := Between(gatewayOf(t, `{spec: {clusterIds: [c1, c2], overrides: {c2: {serviceType: ClusterIP}}}}`), nil, clustersOf(nil))
	if err != nil || !equal(got.Effects[AddressLoss], []string{"c1"}) || len(got.Effects[Restart]) > 0 {
		t.Errorf("got %v, %v, want the address lost in c1 alone", got.Effects, err)
	}
}

func TestBetweenTakesWhatCannotBeRenderedAsDisruptive(t *testing.T) {
	broken := gatewayOf(t, `{metadata: {annotations: {asm.alibabacloud.com/gateway-drain-timeout-seconds: soon}}, spec: {clusterIds: [c1]}}`)
	mended := gatewayOf(t, `{metadata: {annotations: {asm.alibabacloud.com/gateway-drain-timeout-seconds: "30"}}, spec: {clusterIds: [c1]}}`)
	labelled := broken.DeepCopy()
	labelled.Labels = map[string]string{"team": "edge"}
	tests := map[string]struct {
		old, new      *v1beta1.IstioGateway
		restart, loss []string
	}{
		"when it is mended":  {broken, mended, []string{"c1"}, []string{"c1"}},
		"when it is broken":  {mended, broken, []string{"c1"}, []string{"c1"}},
		"when it is deleted": {broken, nil, nil, []string{"c1"}},
		"but not when nothing changes that decides what runs": {broken, labelled, nil, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Between(test.old, test.new, clustersOf(nil))
			if err != nil {
				t.Fatal(err)
			}
			if !equal(got.Effects[Restart], test.restart) || !equal(got.Effects[AddressLoss], test.loss) {
				t.Errorf("got effects %v, want restart %v and address loss %v", got.Effects, test.restart, test.loss)
			}
		})
	}
}
