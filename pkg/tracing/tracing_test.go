package tracing

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	spanID  = "b7ad6b7169203331"
)

// environment is what os.Getenv would say.
func environment(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

// inMemory makes spans that a test can look at.
func inMemory() (*Tracing, *tracetest.SpanRecorder) {
	recorder := tracetest.NewSpanRecorder()
	return with(trace.WithSpanProcessor(recorder)), recorder
}

func TestNothingIsDoneWithoutAnEndpoint(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"with no word about it": {},
		"when it is turned off": {envEndpoint: "http://127.0.0.1:4318", envDisabled: "true"},
	} {
		traced, err := New(t.Context(), "s", environment(env))
		if err != nil || traced != nil {
			t.Errorf("%s: got %v and %v", name, traced, err)
		}
	}
	var nobody *Tracing
	handler := http.NotFoundHandler()
	if got := nobody.Handler("h", handler); got == nil {
		t.Error("got no handler")
	}
	config := &rest.Config{}
	if nobody.Client(config); config.WrapTransport != nil {
		t.Error("the client is another one")
	}
	reconciler := reconcile.Func(func(context.Context, reconcile.Request) (reconcile.Result, error) { return reconcile.Result{}, nil })
	if got := Reconciler[reconcile.Request](nobody, "r", reconciler); got == nil {
		t.Error("got no reconciler")
	}
	if err := nobody.AddTo(nil); err != nil {
		t.Error(err)
	}
}

func TestAnEndpointThatCannotBeIsRefused(t *testing.T) {
	for want, env := range map[string]map[string]string{
		`OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL, is "collector:4317"`: {envEndpoint: "collector:4317"},
		`OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL, is "http://"`:        {envTracesEndpoint: "http://", envEndpoint: "http://a"},
		`OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf, is "grpc"`:                  {envEndpoint: "http://a", envProtocol: "grpc"},
	} {
		if _, err := New(t.Context(), "s", environment(env)); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// receiver takes spans over OTLP.
type receiver struct {
	*httptest.Server
	mutex sync.Mutex
	// spans are the names of those that came, by the service that sent them.
	spans map[string][]string
}

// newReceiver starts one.
func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{spans: map[string][]string{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		sent := &collector.ExportTraceServiceRequest{}
		if err := errors.Join(err, proto.Unmarshal(body, sent)); err != nil || request.URL.Path != "/v1/traces" {
			http.Error(w, "what", http.StatusBadRequest)
			return
		}
		r.mutex.Lock()
		defer r.mutex.Unlock()
		for _, from := range sent.GetResourceSpans() {
			service := ""
			for _, attribute := range from.GetResource().GetAttributes() {
				if attribute.GetKey() == "service.name" {
					service = attribute.GetValue().GetStringValue()
				}
			}
			for _, scoped := range from.GetScopeSpans() {
				for _, span := range scoped.GetSpans() {
					r.spans[service] = append(r.spans[service], span.GetName())
				}
			}
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func TestSpansReachTheConfiguredEndpointAtTheLatestAtTheEnd(t *testing.T) {
	receiver := newReceiver(t)
	t.Setenv(envEndpoint, receiver.URL)
	traced, err := New(t.Context(), "portcullis-webhook", environment(map[string]string{envEndpoint: receiver.URL}))
	if err != nil {
		t.Fatal(err)
	}
	traced.Handler("/validate", http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/validate", nil))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := traced.Start(ctx); err != nil {
		t.Error(err)
	}
	if got := receiver.spans["portcullis-webhook"]; len(got) != 1 || got[0] != "/validate" {
		t.Errorf("got %v", receiver.spans)
	}
}

func TestAnEndpointThatIsDownIsNoError(t *testing.T) {
	receiver := newReceiver(t)
	receiver.Close()
	t.Setenv(envEndpoint, receiver.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "100")
	traced, err := New(t.Context(), "s", environment(map[string]string{envEndpoint: receiver.URL}))
	if err != nil {
		t.Fatal(err)
	}
	for range 10000 {
		traced.Handler("/validate", http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/validate", nil))
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := traced.Start(ctx); err != nil {
		t.Error(err)
	}
}

func TestTheTraceOfWhoAsksIsCarriedOnToTheAPIServer(t *testing.T) {
	traced, recorder := inMemory()
	carried := make(chan string, 2)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { carried <- r.Header.Get("Traceparent") }))
	t.Cleanup(server.Close)
	config := &rest.Config{Host: server.URL}
	traced.Client(config)
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	get := func(ctx context.Context) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		if err != nil {
			t.Error(err)
			return
		}
		response, err := client.Do(request)
		if err != nil {
			t.Error(err)
			return
		}
		_ = response.Body.Close()
	}
	asked := httptest.NewRequest(http.MethodPost, "/validate", nil)
	asked.Header.Set("Traceparent", "00-"+traceID+"-"+spanID+"-01")
	traced.Handler("/validate", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { get(r.Context()) })).
		ServeHTTP(httptest.NewRecorder(), asked)
	spans := recorder.Ended()
	if len(spans) != 2 || spans[1].SpanContext().TraceID().String() != traceID || spans[1].Parent().SpanID().String() != spanID {
		t.Fatalf("got %d spans: %v", len(spans), spans)
	}
	if got, want := <-carried, "00-"+traceID+"-"+spans[0].SpanContext().SpanID().String()+"-01"; got != want {
		t.Errorf("got traceparent %s, want %s", got, want)
	}
	// A watch belongs to no request, and would be a span for hours.
	get(t.Context())
	if got := <-carried; got != "" || len(recorder.Ended()) != 2 {
		t.Errorf("got traceparent %q and %d spans", got, len(recorder.Ended()))
	}
}

func TestAReconciliationIsASpan(t *testing.T) {
	traced, recorder := inMemory()
	reconciler := Reconciler[reconcile.Request](traced, "gateway", reconcile.Func(func(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
		if !isTraced(ctx) {
			t.Error("the reconciliation belongs to no trace")
		}
		return reconcile.Result{}, errors.New("gone")
	}))
	_, err := reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "n", Name: "g"}})
	if err == nil || err.Error() != "gone" {
		t.Errorf("got %v", err)
	}
	span := recorder.Ended()[0]
	if span.Name() != "gateway" || span.Attributes()[0].Value.AsString() != "n/g" || span.Status().Description != "gone" {
		t.Errorf("got %s %v %v", span.Name(), span.Attributes(), span.Status())
	}
}
