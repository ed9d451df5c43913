package policy

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// What the engine asks of the rules: the two documents of policies/main.
const (
	mutateQuery   = "data.main.mutate"
	validateQuery = "data.main.validate"
)

// defaultDeadline leaves an admission webhook, which has five seconds, time to answer.
const defaultDeadline = time.Second

// Engine holds compiled rules. What it decides never changes, and any number of goroutines may ask it at once.
type Engine struct {
	// mutate and validate are compiled once: compiling takes a thousand times as long as asking.
	mutate, validate rego.PreparedEvalQuery
	// revision of the rules and parameters.
	revision string
	// deadline of one evaluation.
	deadline time.Duration
	// layouts of the types that callers describe clusters with.
	layouts layouts
}

// Options are what an installation may decide about the rules.
type Options struct {
	// Parameters by the rule's code. Objects are merged over those of parameters.yaml key by key, lists and
	// scalars replace them, and null takes them away. A parameter that parameters.yaml does not have is refused:
	// it is a misspelt one, and its author would think it holds.
	Parameters map[string]any
	// Deadline of one evaluation, one second by default. What takes longer is an error, never a yes.
	Deadline time.Duration
}

// New compiles the rules in a file system: main/ lib/ mutate/<rule>/ validate/<rule>/ and parameters.yaml. Tests
// (_test.rego) are left out. Rules that cannot be trusted to decide are refused here, before anything asks
// them: none at all, ones that do not compile, reach outside or do not say what they are for.
func New(ctx context.Context, rules fs.FS, opts Options) (*Engine, error) {
	set, err := load(rules, opts.Parameters)
	if err != nil {
		return nil, err
	}
	compiler, err := set.compile()
	if err != nil {
		return nil, err
	}
	engine := &Engine{revision: set.revision(), deadline: opts.Deadline}
	if engine.deadline <= 0 {
		engine.deadline = defaultDeadline
	}
	store := set.store()
	for query, prepared := range map[string]*rego.PreparedEvalQuery{
		mutateQuery:   &engine.mutate,
		validateQuery: &engine.validate,
	} {
		// Asked of nobody, a query compiles and is undefined for ever.
		if len(compiler.GetRulesExact(ast.MustParseRef(query))) == 0 {
			return nil, fmt.Errorf("rules must define %s, define none", query)
		}
		*prepared, err = rego.New(
			rego.Query(query),
			rego.Compiler(compiler),
			rego.Store(store),
			rego.StrictBuiltinErrors(true),
		).PrepareForEval(ctx)
		if err != nil {
			return nil, fmt.Errorf("preparing %s: %w", query, err)
		}
	}
	return engine, nil
}

// Revision names the rules and parameters that the engine decides by. It is the same wherever they are the
// same, so that a decision can be traced to what made it.
func (e *Engine) Revision() string {
	return e.revision
}

// Mutate says what the rules fill into a gateway. Any error means that nothing was decided.
func (e *Engine) Mutate(ctx context.Context, in Input) (Mutation, error) {
	answer, err := e.ask(ctx, e.mutate, in)
	if err != nil {
		return Mutation{}, fmt.Errorf("asking the mutating rules: %w", err)
	}
	mutation, err := readMutation(answer)
	if err != nil {
		return Mutation{}, fmt.Errorf("reading the answer of the mutating rules: %w", err)
	}
	return mutation, nil
}

// Validate says what the rules refuse and warn of. Any error means that nothing was decided: it is never a
// yes, and never a no with reasons either.
func (e *Engine) Validate(ctx context.Context, in Input) (Verdict, error) {
	answer, err := e.ask(ctx, e.validate, in)
	if err != nil {
		return Verdict{}, fmt.Errorf("asking the validating rules: %w", err)
	}
	verdict, err := readVerdict(answer)
	if err != nil {
		return Verdict{}, fmt.Errorf("reading the answer of the validating rules: %w", err)
	}
	return verdict, nil
}
