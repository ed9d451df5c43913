package policy

import (
	"context"
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/rego"
)

// ask evaluates a query and reads what came of it in three ways: an error, no answer, or exactly one. Only the
// last is an answer. Rego is silent about what is undefined, and silence must not pass for consent.
func (e *Engine) ask(ctx context.Context, query rego.PreparedEvalQuery, in Input) (any, error) {
	tooLate := fmt.Errorf("rules must answer within %s, have not", e.deadline)
	ctx, cancel := context.WithTimeoutCause(ctx, e.deadline, tooLate)
	defer cancel()
	// OPA looks at the context between two steps. One step may take long, a regular expression on a large text
	// for example; then it is left alone with its work, which nobody waits for.
	done := make(chan evaluation, 1)
	go func() {
		growStack()
		done <- e.evaluate(ctx, query, in)
	}()
	select {
	case evaluated := <-done:
		if cause := context.Cause(ctx); cause != nil {
			// OPA only says that it was interrupted, and not even that when it was nearly done; the context
			// knows why, and an answer that came too late is none.
			return nil, fmt.Errorf("evaluating: %w", cause)
		}
		if evaluated.err != nil {
			return nil, evaluated.err
		}
		return onlyAnswer(evaluated.results)
	case <-ctx.Done():
		return nil, fmt.Errorf("evaluating: %w", context.Cause(ctx))
	}
}

// stackBytes is about as much stack as the library takes.
const stackBytes = 100 << 10

// growStack grows the stack of a goroutine before it evaluates. OPA nests its calls deeply, and a stack that grows
// meanwhile is copied again and again, with all that is on it.
//
//go:noinline
func growStack() {
	var room [stackBytes]byte
	occupy(&room)
}

// occupy keeps the compiler from leaving out what nothing reads.
//
//go:noinline
func occupy(*[stackBytes]byte) {}

// evaluation is what came of a query.
type evaluation struct {
	results rego.ResultSet
	err     error
}

// evaluate evaluates a query.
func (e *Engine) evaluate(ctx context.Context, query rego.PreparedEvalQuery, in Input) (out evaluation) {
	// An evaluation that panics has decided nothing, and must not take the decisions of other requests with it.
	defer func() {
		if cause := recover(); cause != nil {
			out = evaluation{err: fmt.Errorf("evaluating: panic: %v", cause)}
		}
	}()
	value, err := in.value(&e.layouts)
	if err != nil {
		return evaluation{err: fmt.Errorf("reading the input: %w", err)}
	}
	results, err := query.Eval(ctx, rego.EvalParsedInput(value))
	if err != nil {
		return evaluation{err: fmt.Errorf("evaluating: %w", err)}
	}
	return evaluation{results: results}
}

// onlyAnswer is the answer, if there is exactly one.
func onlyAnswer(results rego.ResultSet) (any, error) {
	if len(results) == 0 {
		return nil, errors.New("rules must give an answer, gave none: it is undefined")
	}
	if len(results) > 1 || len(results[0].Expressions) != 1 {
		return nil, fmt.Errorf("rules must give one answer, gave %d", len(results))
	}
	return results[0].Expressions[0].Value, nil
}
