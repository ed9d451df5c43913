package collector

import (
	"context"
	"fmt"

	"github.com/open-policy-agent/opa/v1/logging"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// logger writes what OPA says into our log, for those who look closely: what goes wrong is said once, by sender, where
// OPA says it with each attempt.
type logger struct {
	mumble func(message string, fields ...any)
}

// newLogger writes into the log of a context.
func newLogger(ctx context.Context) logger {
	return logger{log.FromContext(ctx).WithName("opa").V(1).Info}
}

// Debug writes nothing.
func (logger) Debug(string, ...any) {}

// Info writes for those who look closely, and so do the others.
func (l logger) Info(format string, args ...any) { l.mumble(fmt.Sprintf(format, args...)) }

// Warn writes as Info does.
func (l logger) Warn(format string, args ...any) { l.Info(format, args...) }

// Error writes as Info does.
func (l logger) Error(format string, args ...any) { l.Info(format, args...) }

// WithFields leaves fields out: they name a plugin, of which there is one.
func (l logger) WithFields(map[string]any) logging.Logger { return l }

// GetLevel is what OPA may write.
func (logger) GetLevel() logging.Level { return logging.Info }

// SetLevel does nothing: the log has a level of its own.
func (logger) SetLevel(logging.Level) {}
