package review

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// BenchmarkUpdate is what both webhooks do between reading a request and writing the answer: for an edit that leaves
// the pods alone, and for one that restarts them, of gateways that are the same in all of their clusters.
func BenchmarkUpdate(b *testing.B) {
	edits := map[string]struct {
		edit    map[string]any
		refused []string
	}{
		"scaled":    {edit: map[string]any{"replicaCount": 3}},
		"restarted": {edit: map[string]any{"podAnnotations": map[string]any{"team": "core"}}, refused: []string{"restart_approval"}},
	}
	for name, test := range edits {
		for _, clusters := range []int{2, 50} {
			old, registered := placed(b, clusters)
			edited := placedWith(b, old, test.edit)
			b.Run(fmt.Sprintf("%s/clusters=%d", name, clusters), func(b *testing.B) {
				r := reviewer(b, registered...)
				b.ReportAllocs()
				for b.Loop() {
					updated(b, r, edited, old, test.refused)
				}
			})
		}
	}
}

// updated goes the API server's way: what mutation makes of the new gateway is written and read again for validation, which
// refuses it by some rules.
func updated(b *testing.B, r *Reviewer, gateway, old []byte, refused []string) {
	filled, err := r.Mutate(b.Context(), asked(b, gateway, old))
	if err != nil {
		b.Fatal(err)
	}
	text, err := json.Marshal(filled)
	if err != nil {
		b.Fatal(err)
	}
	decision, err := r.Validate(b.Context(), asked(b, text, old))
	var codes []string
	for _, denial := range decision.Denials {
		codes = append(codes, denial.Code)
	}
	if err != nil || !slices.Equal(codes, refused) {
		b.Fatal(codes, err)
	}
}

// asked is an update as an API server sends it.
func asked(b *testing.B, gateway, old []byte) Request {
	b.Helper()
	in := admissionv1.AdmissionRequest{Operation: admissionv1.Update, Namespace: "istio-system", Name: "edge"}
	in.Kind.Group, in.Kind.Kind = v1beta1.GroupVersion.Group, "IstioGateway"
	in.Object, in.OldObject = runtime.RawExtension{Raw: gateway}, runtime.RawExtension{Raw: old}
	out, err := FromAdmission(in)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// placed is a gateway that is stored already, and the clusters that it names.
func placed(b *testing.B, clusters int) ([]byte, []v1alpha1.GatewayCluster) {
	b.Helper()
	gw := gatewayOf(b, `{
		ports: [{name: status-port, port: 15021}, {name: http2, port: 80}, {name: https, port: 443}],
		minReplicas: 2, maxReplicas: 10, cpu: {targetAverageUtilization: 80}, podAnnotations: {team: edge},
	}`)
	var registered []v1alpha1.GatewayCluster
	var ids []any
	for i := range clusters {
		known := v1alpha1.ClusterFacts{KubernetesVersion: "v1.36.3", KernelVersions: []string{"5.10.134-18.al8.x86_64"}}
		registered = append(registered, cluster(fmt.Sprintf("c%032d", i), facts(known)))
		ids = append(ids, registered[i].Name)
	}
	gw["spec"].(map[string]any)["clusterIds"] = ids
	text, err := json.Marshal(gw)
	if err != nil {
		b.Fatal(err)
	}
	filled, err := reviewer(b, registered...).Mutate(b.Context(), asked(b, text, text))
	if err != nil {
		b.Fatal(err)
	}
	if text, err = json.Marshal(filled); err != nil {
		b.Fatal(err)
	}
	return text, registered
}

// placedWith is a stored gateway with some fields of its spec set.
func placedWith(b *testing.B, old []byte, edit map[string]any) []byte {
	b.Helper()
	gw := fromYAML(b, string(old))
	for field, value := range edit {
		gw["spec"].(map[string]any)[field] = value
	}
	text, err := json.Marshal(gw)
	if err != nil {
		b.Fatal(err)
	}
	return text
}
