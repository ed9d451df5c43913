// Package tracing tells what happened on the way of a request or a reconciliation as OpenTelemetry spans, when an OTLP
// endpoint is configured by OpenTelemetry's own environment variables. When none is, nothing of it runs.
package tracing

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Environment variables of OpenTelemetry that decide whether there is anything to do.
const (
	envEndpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	envTracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	envProtocol       = "OTEL_EXPORTER_OTLP_PROTOCOL"
	envTracesProtocol = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	envDisabled       = "OTEL_SDK_DISABLED"
)

// protocol is the one that we speak.
const protocol = "http/protobuf"

// farewell is how long the last spans may take at the end.
const farewell = 5 * time.Second

// Tracing makes spans. A nil one makes none, and leaves everything as it is.
type Tracing struct {
	provider   *sdktrace.TracerProvider
	propagator propagation.TextMapPropagator
}

// New reads the environment, and prepares spans of a service; nil when no endpoint is configured.
func New(ctx context.Context, service string, getenv func(string) string) (*Tracing, error) {
	endpoint := cmp.Or(getenv(envTracesEndpoint), getenv(envEndpoint))
	if endpoint == "" || strings.EqualFold(getenv(envDisabled), "true") {
		return nil, nil
	}
	// The exporter would take its default for what it cannot read, and everybody would think that it works.
	if at, err := url.Parse(endpoint); err != nil || (at.Scheme != "http" && at.Scheme != "https") || at.Host == "" {
		return nil, fmt.Errorf("%s must be an http or https URL, is %q", envEndpoint, endpoint)
	}
	if speaks := cmp.Or(getenv(envTracesProtocol), getenv(envProtocol), protocol); speaks != protocol {
		return nil, fmt.Errorf("%s must be %s, is %q", envProtocol, protocol, speaks)
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("making the exporter: %w", err)
	}
	// What the environment says of the service goes before what we say.
	described, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", service)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("reading the resource: %w", err)
	}
	logger := log.FromContext(ctx).WithName("tracing").V(1)
	// One that is down is tried again every few seconds, and says so each time.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Info("Lost spans", "error", err.Error()) }))
	return with(sdktrace.WithBatcher(exporter), sdktrace.WithResource(described)), nil
}

// with makes spans with some options.
func with(options ...sdktrace.TracerProviderOption) *Tracing {
	return &Tracing{provider: sdktrace.NewTracerProvider(options...), propagator: propagation.TraceContext{}}
}

// AddTo has a manager run what sends the spans.
func (t *Tracing) AddTo(mgr manager.Manager) error {
	if t == nil {
		return nil
	}
	return mgr.Add(t)
}

// Start sends spans until the context ends, and then what is left.
func (t *Tracing) Start(ctx context.Context) error {
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		// Nobody restarts a process for spans.
		log.FromContext(ctx).Info("Lost the last spans", "error", err.Error())
	}
	return nil
}

// NeedLeaderElection says that every replica has spans.
func (*Tracing) NeedLeaderElection() bool {
	return false
}

// Handler makes a span of each request, within the trace of whoever asks.
func (t *Tracing) Handler(name string, next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return otelhttp.NewHandler(next, name, otelhttp.WithTracerProvider(t.provider), otelhttp.WithPropagators(t.propagator),
		// Every question is a POST; which one says more.
		otelhttp.WithSpanNameFormatter(func(operation string, _ *http.Request) string { return operation }))
}

// Client makes a span of each request to an API server that belongs to a trace, and carries the trace on.
func (t *Tracing) Client(config *rest.Config) {
	if t == nil {
		return
	}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return otelhttp.NewTransport(next, otelhttp.WithTracerProvider(t.provider), otelhttp.WithPropagators(t.propagator),
			otelhttp.WithFilter(func(r *http.Request) bool { return isTraced(r.Context()) }))
	})
}
