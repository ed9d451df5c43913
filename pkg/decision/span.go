package decision

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// traceOf is the trace that a request belongs to; empty where it belongs to none.
func traceOf(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		return span.TraceID().String()
	}
	return ""
}

// tell tells the span of a request, if there is one, what was decided.
func tell(ctx context.Context, record *Record) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(
		attribute.String("portcullis.decision", record.ID),
		attribute.String("portcullis.webhook", record.Webhook),
		attribute.String("portcullis.operation", record.Operation),
		attribute.String("portcullis.gateway", record.Gateway),
		attribute.String("portcullis.verdict", string(record.Verdict)),
		attribute.String("portcullis.revision", record.Revision),
		attribute.Bool("portcullis.dry_run", record.DryRun),
	)
}
