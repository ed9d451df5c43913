package policy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// mostVariants is how many variants are kept. Labels are their authors' to choose, so that there may be more sets of
// matching policies than anybody foresaw; those beyond are made anew for each request.
const mostVariants = 256

// variant is the rules as they hold where certain policies match. All variants share the compiled rules, and differ in
// the data that the rules read.
type variant struct {
	// mutate and validate are prepared once: preparing takes longer than asking.
	mutate, validate rego.PreparedEvalQuery
	// enforcement of the validating rules, by code.
	enforcement map[string]Enforcement
}

// variants are those that were asked for so far, by the names of the policies that match.
type variants struct {
	known sync.Map
	count atomic.Int64
}

// variant is the rules as they hold where some policies match.
func (e *Engine) variant(ctx context.Context, matching []Policy) (*variant, error) {
	key := strings.Join(names(matching), ",")
	if known, ok := e.variants.known.Load(key); ok {
		return known.(*variant), nil
	}
	made, err := e.newVariant(ctx, matching)
	if err != nil {
		return nil, err
	}
	if e.variants.count.Add(1) <= mostVariants {
		e.variants.known.Store(key, made)
	}
	return made, nil
}

// newVariant makes a variant.
func (e *Engine) newVariant(ctx context.Context, matching []Policy) (*variant, error) {
	out := &variant{enforcement: map[string]Enforcement{}}
	for code, rule := range e.set.rules {
		out.enforcement[code] = e.set.enforcement(rule, matching).enforcement
	}
	var err error
	if out.mutate, err = e.prepare(ctx, mutateQuery, matching); err != nil {
		return nil, err
	}
	out.validate, err = e.prepare(ctx, validateQuery, matching)
	return out, err
}

// prepare makes a query ready to be asked.
func (e *Engine) prepare(ctx context.Context, query string, matching []Policy) (rego.PreparedEvalQuery, error) {
	// Asked of nobody, a query compiles and is undefined for ever.
	if len(e.compiler.GetRulesExact(ast.MustParseRef(query))) == 0 {
		return rego.PreparedEvalQuery{}, fmt.Errorf("rules must define %s, define none", query)
	}
	prepared, err := rego.New(
		rego.Query(query),
		rego.Compiler(e.compiler),
		// In the form that an evaluation reads, so that none converts it.
		rego.Store(inmem.NewFromObjectWithOpts(e.set.data(matching), inmem.OptReturnASTValuesOnRead(true))),
		rego.StrictBuiltinErrors(true),
	).PrepareForEval(ctx)
	if err != nil {
		return rego.PreparedEvalQuery{}, fmt.Errorf("preparing %s: %w", query, err)
	}
	return prepared, nil
}

// data is what rules read beside the input, where some policies match: the parameters, and whose own rules hold.
func (s *ruleSet) data(matching []Policy) map[string]any {
	roots := make([]any, 0, len(matching))
	for _, policy := range matching {
		if len(policy.Modules) > 0 {
			roots = append(roots, policy.root())
		}
	}
	parameters := maps.Clone(s.parameters)
	for _, policy := range matching {
		parameters = merge(parameters, policy.Parameters)
	}
	return map[string]any{"parameters": parameters, "matching": roots}
}

// concerned are the variants that a request is judged by: the one of the gateway as it shall be and, where its labels
// change which policies match, also that of the stored one. What was refused before its labels changed is refused in
// the same breath too, so that no edit of a label is a way around a rule. The input comes back with what rules may know
// of that.
func (e *Engine) concerned(ctx context.Context, in Input) ([]*variant, Input, error) {
	if err := in.check(); err != nil {
		return nil, in, err
	}
	stored, err := e.matching(in.Request.Namespace, in.Old)
	if err != nil {
		return nil, in, fmt.Errorf("matching the stored gateway: %w", err)
	}
	now, err := e.matching(in.Request.Namespace, in.Gateway)
	if err != nil {
		return nil, in, fmt.Errorf("matching the gateway: %w", err)
	}
	if in.Gateway == nil {
		now = stored
	}
	first, err := e.variant(ctx, now)
	if err != nil {
		return nil, in, err
	}
	if in.Old == nil || strings.Join(names(stored), ",") == strings.Join(names(now), ",") {
		return []*variant{first}, in, nil
	}
	in.left, in.joined = without(names(stored), names(now)), without(names(now), names(stored))
	second, err := e.variant(ctx, stored)
	return []*variant{first, second}, in, err
}

// without are the texts of one list that are not in another.
func without(texts, others []string) []any {
	out := []any{}
	for _, text := range texts {
		if !slices.Contains(others, text) {
			out = append(out, text)
		}
	}
	return out
}
