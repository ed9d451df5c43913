package bundle

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/logging"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// logger writes what OPA says into our log, mostly for those who look closely: what is in force and what went wrong is
// said by Runner, once, where OPA says it with each attempt.
type logger struct {
	// say and mumble write a line: for everybody, and for those who ask for more.
	say, mumble func(message string, fields ...any)
	fields      []any
	// first is the first error that there was.
	first *atomic.Pointer[string]
}

// newLogger writes into the log of a context.
func newLogger(ctx context.Context) logger {
	out := log.FromContext(ctx).WithName("opa")
	return logger{say: out.Info, mumble: out.V(1).Info, first: &atomic.Pointer[string]{}}
}

// Debug writes nothing: OPA's debugging reads answers of servers, without a limit, to log them.
func (logger) Debug(string, ...any) {}

// Info writes what is of interest only to those who look closely.
func (l logger) Info(format string, args ...any) {
	l.mumble(fmt.Sprintf(format, args...), l.fields...)
}

// Warn writes for everybody.
func (l logger) Warn(format string, args ...any) {
	l.say(fmt.Sprintf(format, args...), l.fields...)
}

// Error writes what Runner has said, and keeps it if it is the first.
func (l logger) Error(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	l.first.CompareAndSwap(nil, &text)
	l.mumble(text, l.fields...)
}

// WithFields is a logger with more fields.
func (l logger) WithFields(fields map[string]any) logging.Logger {
	out := l
	out.fields = slices.Clone(l.fields)
	for key, value := range fields {
		out.fields = append(out.fields, key, value)
	}
	return out
}

// GetLevel is what OPA may write.
func (logger) GetLevel() logging.Level {
	return logging.Info
}

// SetLevel does nothing: the log has a level of its own.
func (logger) SetLevel(logging.Level) {}
