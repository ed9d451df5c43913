package policy_test

import (
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
)

// read is what rules read of an input: all of it, or what a Rego expression makes of it.
func read(t *testing.T, in policy.Input, expression string) string {
	t.Helper()
	engine := newEngine(t, answering(noFills, `{"deny": [{"code": "c", "field": "f", "message": json.marshal(`+expression+`)}], "warn": []}`))
	verdict, err := engine.Validate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return verdict.Denials[0].Message
}

func TestRulesReadTheWholeInput(t *testing.T) {
	in := policy.Input{
		Request: policy.Request{
			Operation: "UPDATE", User: policy.User{Username: "ann", Groups: []string{"edge", "dev"}},
			DryRun: true, Name: "edge", Namespace: "istio-system",
		},
		Gateway: object(t, `{"spec": {"replicaCount": 2}}`),
		Old:     object(t, `{"spec": {"replicaCount": 1}}`),
		Clusters: map[string]policy.Cluster{"c1": {
			Registered: true, Reachable: true, Managed: true,
			Facts:     v1alpha1.ClusterFacts{KubernetesVersion: "v1.36.3", VirtualNodes: v1alpha1.VirtualNodesAll, Nodes: new(int32(3)), LoadBalancer: new(false)},
			Effective: &v1beta1.IstioGatewaySpec{GatewayType: new(v1beta1.GatewayTypeEgress)},
			Mesh:      policy.Mesh{Version: "1.26.0.1"},
		}},
		Mesh:      policy.Mesh{Version: "1.16"},
		Change:    map[string]any{"digest": "sha256:0"},
		Approvals: []any{map[string]any{"used": false}},
		Now:       "2026-11-21T06:00:00Z",
	}
	var got any
	if err := json.Unmarshal([]byte(read(t, in, "input")), &got); err != nil {
		t.Fatal(err)
	}
	expectJSON(t, got, `{
		"request": {"operation": "UPDATE", "user": {"username": "ann", "groups": ["edge", "dev"]}, "dryRun": true, "name": "edge", "namespace": "istio-system"},
		"gateway": {"spec": {"replicaCount": 2}},
		"old": {"spec": {"replicaCount": 1}},
		"clusters": {"c1": {
			"registered": true, "reachable": true, "managed": true,
			"facts": {"kubernetesVersion": "v1.36.3", "virtualNodes": "All", "nodes": 3, "loadBalancer": false},
			"effective": {"gatewayType": "egress"},
			"mesh": {"version": "1.26.0.1"}
		}},
		"mesh": {"version": "1.16"},
		"change": {"digest": "sha256:0"},
		"approvals": [{"used": false}],
		"now": "2026-11-21T06:00:00Z"
	}`)
}

func TestWhatIsNotKnownIsAbsent(t *testing.T) {
	in := creating(map[string]any{})
	in.Clusters = map[string]policy.Cluster{"c1": {}}
	var got any
	if err := json.Unmarshal([]byte(read(t, in, "input")), &got); err != nil {
		t.Fatal(err)
	}
	expectJSON(t, got, `{
		"request": {"operation": "CREATE", "user": {"username": "", "groups": []}, "dryRun": false, "name": "", "namespace": ""},
		"gateway": {},
		"clusters": {"c1": {"registered": false, "reachable": false, "managed": false, "mesh": {}}},
		"mesh": {},
		"now": ""
	}`)
}

// TestRulesReadTypesAsJSON holds the opening of structs to what encoding/json writes: what is omitted, what is
// written inline, and what writes itself.
func TestRulesReadTypesAsJSON(t *testing.T) {
	full := v1beta1.IstioGatewaySpec{GatewayType: new(v1beta1.GatewayTypeIngress), ClusterIDs: []string{"c1"}}
	full.ReplicaCount, full.AutoscaleEnabled, full.MinReplicas = new(int32(0)), new(false), new(int32(2))
	full.CPU = &v1beta1.HpaCPU{TargetAverageUtilization: new(int32(80))}
	full.Memory = &v1beta1.HpaMemory{}
	full.RollingMaxSurge = new("")
	full.Ports = []corev1.ServicePort{{Name: "http", Port: 80}}
	full.ServiceType = new(corev1.ServiceTypeClusterIP)
	full.ServiceAnnotations = map[string]string{"a": "b"}
	full.PodLabels = map[string]string{}
	full.Resources = &corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2")}}
	full.EnvVars = []corev1.EnvVar{}
	full.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists, TolerationSeconds: new(int64(5))}}
	full.Kernel = &v1beta1.KernelConfiguration{Enabled: new(true), Parameters: &v1beta1.KernelParameters{SoMaxConn: new("1024")}}
	full.Compression = &v1beta1.CompressorConfiguration{MinContentLength: new(int64(30))}
	full.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{}}}
	full.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{
		HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(80)}, Sleep: &corev1.SleepAction{Seconds: 5},
	}}
	full.Overrides = map[string]v1beta1.IstioGatewayBasicConfiguration{"c1": {}}

	// unnamed has fields that JSON writes by other rules than those of our types.
	type embedded struct {
		Promoted *bool `json:"promoted,omitempty"`
	}
	type unnamed struct {
		embedded
		Ignored  string `json:"-"`
		Untagged int64
		Empty    []string          `json:"empty"`
		Struct   struct{ A int32 } `json:"struct,omitempty"`
		Quantity resource.Quantity `json:"quantity"`
	}
	for name, part := range map[string]any{
		"an empty spec":            v1beta1.IstioGatewaySpec{},
		"a full spec":              full,
		"a pointer to a spec":      &full,
		"empty facts":              v1alpha1.ClusterFacts{},
		"facts":                    v1alpha1.ClusterFacts{KernelVersions: []string{"5.10"}, Nodes: new(int32(0)), LoadBalancer: new(true)},
		"an object":                map[string]any{"a": []any{1.5, "b", nil}},
		"fields that write others": unnamed{embedded: embedded{Promoted: new(false)}, Ignored: "a", Untagged: 7, Empty: []string{}, Quantity: resource.MustParse("1500m")},
	} {
		t.Run(name, func(t *testing.T) {
			want, err := json.Marshal(part)
			if err != nil {
				t.Fatal(err)
			}
			in := creating(map[string]any{})
			in.Clusters = map[string]policy.Cluster{"c1": {Effective: part}}
			var got any
			if err := json.Unmarshal([]byte(read(t, in, "{field: value | some field, value in input.clusters.c1.effective}")), &got); err != nil {
				t.Fatal(err)
			}
			expectJSON(t, got, string(want))
		})
	}
}

func TestFactsThatAreNoObjectAreAnError(t *testing.T) {
	in := creating(map[string]any{})
	in.Clusters = map[string]policy.Cluster{"c1": {Facts: "none"}}
	_, err := newEngine(t, answering(noFills, noFindings)).Validate(t.Context(), in)
	expectError(t, err, "reading the input: clusters[c1]: facts must be an object, is string")
}
