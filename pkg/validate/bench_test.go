package validate

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/decision"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/review"
	"portcullis.dev/portcullis/policies"
)

// BenchmarkRecording is what a record of each decision, its metrics and the decision log add to a decision with the
// whole library: an edit of a gateway with an environment, in two clusters. Both kinds of decisions are made in turn, so
// that whatever else the machine does concerns both alike; ratio is that of their medians.
func BenchmarkRecording(b *testing.B) {
	reviewer := reviewing(b)
	request := edit(b, reviewer)
	bare, recorded := &Handler{Validator: reviewer}, &Handler{Validator: reviewer, Recorder: recording(b)}
	handlers := []*Handler{bare, recorded}
	var took [2][]time.Duration
	for round := 0; b.Loop(); round++ {
		// Neither is always the first: what one leaves behind, the other would pay for.
		for _, i := range []int{round % 2, 1 - round%2} {
			began := time.Now()
			response := handlers[i].Handle(b.Context(), request)
			took[i] = append(took[i], time.Since(began))
			if !response.Allowed {
				b.Fatal(response.Result.Message)
			}
		}
	}
	median := func(of []time.Duration) float64 {
		slices.Sort(of)
		return float64(of[len(of)/2])
	}
	b.ReportMetric(median(took[0]), "bare-ns")
	b.ReportMetric(median(took[1]), "recorded-ns")
	b.ReportMetric(median(took[1])/median(took[0]), "ratio")
}

// recording records as the webhook does, with a reader of standard output who keeps up.
func recording(b *testing.B) *decision.Recorder {
	b.Helper()
	registry := prometheus.NewRegistry()
	counted, err := decision.NewMetrics(registry)
	if err != nil {
		b.Fatal(err)
	}
	counts, err := decision.NewCounts(registry, "stdout")
	if err != nil {
		b.Fatal(err)
	}
	logged := decision.NewLog(decision.LogOptions{
		Masking: decision.Masking{Env: true}, Counts: counts,
		Sinks: map[string]decision.Sink{"stdout": decision.NewWriter(io.Discard, counts.Of("stdout"))},
	})
	go func() { _ = logged.Start(b.Context()) }()
	return &decision.Recorder{Listeners: []func(decision.Record){counted.Observe, logged.Listen}}
}

// reviewing decides with the whole library and two clusters.
func reviewing(b *testing.B) *review.Reviewer {
	b.Helper()
	engine, err := policy.New(b.Context(), policies.FS, policy.Options{})
	if err != nil {
		b.Fatal(err)
	}
	registered := make([]v1alpha1.GatewayCluster, 2)
	for i, name := range []string{"c1", "c2"} {
		registered[i].Name, registered[i].Spec.Mesh = name, &v1alpha1.MeshProfile{Version: "1.26.0.1"}
	}
	return &review.Reviewer{
		Engine:    func() *policy.Engine { return engine },
		Clusters:  func(context.Context) ([]v1alpha1.GatewayCluster, error) { return registered, nil },
		Approvals: func(context.Context, string, string) ([]v1alpha1.ChangeApproval, error) { return nil, nil },
		Gateways:  func(context.Context) ([]v1beta1.IstioGateway, error) { return nil, nil },
		Gateway:   func(context.Context, string, string) (*v1beta1.IstioGateway, error) { return nil, nil },
		Now:       time.Now,
	}
}

// edit asks for more replicas of a stored gateway.
func edit(b *testing.B, reviewer *review.Reviewer) admission.Request {
	b.Helper()
	stored := `{"apiVersion":"istio.alibabacloud.com/v1beta1","kind":"IstioGateway","metadata":{"name":"edge","namespace":"istio-system"},
		"spec":{"clusterIds":["c1","c2"],"serviceType":"ClusterIP","replicaCount":2,"env":[{"name":"A","value":"some-secret"}],
		"ports":[{"name":"http2","port":80},{"name":"https","port":443}]}}`
	filled := func(operation admissionv1.Operation, object, old string) map[string]any {
		of, err := review.FromAdmission(request(operation, object, old).AdmissionRequest)
		if err != nil {
			b.Fatal(err)
		}
		out, err := reviewer.Mutate(b.Context(), of)
		if err != nil {
			b.Fatal(err)
		}
		return out
	}
	text := func(object map[string]any) string {
		raw, err := json.Marshal(object)
		if err != nil {
			b.Fatal(err)
		}
		return string(raw)
	}
	old := filled(admissionv1.Create, stored, "")
	before := text(old)
	old["spec"].(map[string]any)["replicaCount"] = 3
	after := text(filled(admissionv1.Update, text(old), before))
	return request(admissionv1.Update, after, before)
}
