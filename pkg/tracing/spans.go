package tracing

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// scope names who makes the spans.
const scope = "portcullis.dev/portcullis"

// attributeRequest is what is reconciled.
const attributeRequest = attribute.Key("portcullis.request")

// isTraced says whether a context belongs to a trace.
func isTraced(ctx context.Context) bool {
	return trace.SpanContextFromContext(ctx).IsValid()
}

// Reconciler makes a span of each reconciliation.
func Reconciler[R comparable](t *Tracing, name string, next reconcile.TypedReconciler[R]) reconcile.TypedReconciler[R] {
	if t == nil {
		return next
	}
	tracer := t.provider.Tracer(scope)
	return reconcile.TypedFunc[R](func(ctx context.Context, request R) (reconcile.Result, error) {
		ctx, span := tracer.Start(ctx, name, trace.WithAttributes(attributeRequest.String(fmt.Sprint(request))))
		defer span.End()
		result, err := next.Reconcile(ctx, request)
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
		}
		return result, err
	})
}
