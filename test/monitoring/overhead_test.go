package monitoring_test

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"testing"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/decision"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/review"
	"portcullis.dev/portcullis/pkg/validate"
	"portcullis.dev/portcullis/policies"
)

// BenchmarkWatching is what metrics and the decision log add to a decision: the same request is decided in turns with
// and without them, while the log writes and somebody scrapes.
func BenchmarkWatching(b *testing.B) {
	reviewer := reviewerOf(b)
	plain, watched := &validate.Handler{Validator: reviewer}, &validate.Handler{Validator: reviewer, Recorder: recording(b)}
	request := update(b, reviewer)
	var without, with []time.Duration
	for b.Loop() {
		without = append(without, timed(b, plain, request))
		with = append(with, timed(b, watched, request))
	}
	slices.Sort(without)
	slices.Sort(with)
	at := func(all []time.Duration, share float64) float64 {
		return float64(all[int(share*float64(len(all)-1))].Microseconds())
	}
	for name, share := range map[string]float64{"p10": 0.1, "p50": 0.5, "p90": 0.9} {
		b.ReportMetric(at(without, share), name+"-plain-µs")
		b.ReportMetric(at(with, share), name+"-watched-µs")
		b.ReportMetric(100*(at(with, share)/at(without, share)-1), name+"-overhead-%")
	}
}

// timed is how long a handler takes to let a request in.
func timed(b *testing.B, handler *validate.Handler, request admission.Request) time.Duration {
	began := time.Now()
	response := handler.Handle(b.Context(), request)
	took := time.Since(began)
	if !response.Allowed {
		b.Fatal(response.Result)
	}
	return took
}

// recording is a recorder as the webhook makes it, with a log that writes and metrics that are scraped.
func recording(b *testing.B) *decision.Recorder {
	b.Helper()
	registry := prom.NewRegistry()
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
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	go func() { _ = logged.Start(ctx) }()
	go func() {
		for tick := time.Tick(time.Second); ctx.Err() == nil; <-tick {
			_, _ = registry.Gather()
		}
	}()
	return &decision.Recorder{Listeners: []func(decision.Record){counted.Observe, logged.Listen}}
}

// reviewerOf decides by our own rules about gateways in two clusters.
func reviewerOf(b *testing.B) *review.Reviewer {
	b.Helper()
	engine, err := policy.New(b.Context(), policies.FS, policy.Options{Deadline: time.Second})
	if err != nil {
		b.Fatal(err)
	}
	registered := make([]v1alpha1.GatewayCluster, 2)
	for i, name := range []string{"away", "home"} {
		if err := yaml.Unmarshal([]byte(cluster(name, "local: true", "a")), &registered[i]); err != nil {
			b.Fatal(err)
		}
	}
	return &review.Reviewer{
		Engine:   func() *policy.Engine { return engine },
		Clusters: func(context.Context) ([]v1alpha1.GatewayCluster, error) { return registered, nil },
		Now:      time.Now,
	}
}

// update is an edit that restarts nothing, as it is after mutation.
func update(b *testing.B, reviewer *review.Reviewer) admission.Request {
	b.Helper()
	object := func(replicas int32) runtime.RawExtension {
		gw := &v1beta1.IstioGateway{}
		if err := yaml.Unmarshal([]byte(gateway("edge", "[away, home]")), gw); err != nil {
			b.Fatal(err)
		}
		gw.UID, gw.Generation = "1", 1
		gw.Spec.ReplicaCount = &replicas
		text, err := json.Marshal(gw)
		if err != nil {
			b.Fatal(err)
		}
		return runtime.RawExtension{Raw: text}
	}
	in := admissionv1.AdmissionRequest{
		UID: "1", Operation: admissionv1.Update, Namespace: namespace, Name: "edge", Object: object(3), OldObject: object(2),
		Kind: metav1.GroupVersionKind{Group: v1beta1.GroupVersion.Group, Version: v1beta1.GroupVersion.Version, Kind: "IstioGateway"},
	}
	asked, err := review.FromAdmission(in)
	if err != nil {
		b.Fatal(err)
	}
	filled, err := reviewer.Mutate(b.Context(), asked)
	if err != nil {
		b.Fatal(err)
	}
	if in.Object.Raw, err = json.Marshal(filled); err != nil {
		b.Fatal(err)
	}
	return admission.Request{AdmissionRequest: in}
}
