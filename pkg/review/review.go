// Package review makes one decision of one change to a gateway. Both webhooks, the command line and the
// audit ask it, so that they cannot disagree.
package review

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/policy"
)

// Reviewer decides with one set of rules and what is known of the clusters.
type Reviewer struct {
	// Engine holds the rules that are in force now; nil says that none are yet. It is asked once for each decision, so
	// that none sees half of one set of rules and half of the next.
	Engine func() *policy.Engine
	// Clusters lists the registered clusters. It must answer from memory: it is asked on every admission.
	Clusters func(context.Context) ([]v1alpha1.GatewayCluster, error)
	// Now is the clock; time.Now outside tests.
	Now func() time.Time
}

// Decision is what all rules say of one request.
type Decision struct {
	// Denials, sorted; the request is admitted when there are none.
	Denials []policy.Finding
	// Warnings, sorted; they refuse nothing.
	Warnings []policy.Finding
	// Audits, sorted; they refuse nothing, and only the records hold them.
	Audits []policy.Finding
	// Change is what the request does to traffic.
	Change change.Change
	// Revision of the rules that decided.
	Revision string
	// Input is what they were asked.
	Input policy.Input
}

// Mutate returns the gateway with what the rules fill in. An error means that nothing could be decided, and
// the request must be refused.
func (r *Reviewer) Mutate(ctx context.Context, request Request) (map[string]any, error) {
	// A gateway on its way out is left as it is: filling a default could only get in the way of removing
	// its finalizers.
	if request.Gateway.Typed.DeletionTimestamp != nil {
		return request.Gateway.Raw, nil
	}
	engine, err := r.engine()
	if err != nil {
		return nil, err
	}
	input, err := r.input(ctx, request)
	if err != nil {
		return nil, err
	}
	mutation, err := engine.Mutate(ctx, input)
	if err != nil {
		return nil, err
	}
	return mutation.Apply(request.Gateway.Raw)
}

// Validate says whether a change may go in. An error means that nothing could be decided, and the request
// must be refused.
func (r *Reviewer) Validate(ctx context.Context, request Request) (Decision, error) {
	r, err := r.frozen(ctx)
	if err != nil {
		return Decision{}, err
	}
	input, err := r.input(ctx, request)
	if err != nil {
		return Decision{}, err
	}
	effect, err := r.change(ctx, request)
	if err != nil {
		return Decision{}, err
	}
	input.Change = effect
	engine := r.Engine()
	verdict, err := engine.Validate(ctx, input)
	if err != nil {
		return Decision{}, err
	}
	decision := Decision{Denials: verdict.Denials, Warnings: verdict.Warnings, Audits: verdict.Audits, Change: effect, Revision: engine.Revision(), Input: input}
	if len(decision.Denials) == 0 || request.Gateway == nil || request.Old == nil {
		return decision, nil
	}
	return r.forgive(ctx, request, decision)
}

// engine is what decides now.
func (r *Reviewer) engine() (*policy.Engine, error) {
	engine := r.Engine()
	if engine == nil {
		return nil, errors.New("rules must be compiled before they are asked, are not yet")
	}
	return engine, nil
}

// frozen is the reviewer as it is at this instant: the parts of one decision must not see different clusters or rules.
func (r *Reviewer) frozen(ctx context.Context) (*Reviewer, error) {
	engine, err := r.engine()
	if err != nil {
		return nil, err
	}
	registered, err := r.Clusters(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the registered clusters: %w", err)
	}
	now := r.Now()
	return &Reviewer{
		Engine:   func() *policy.Engine { return engine },
		Clusters: func(context.Context) ([]v1alpha1.GatewayCluster, error) { return registered, nil },
		Now:      func() time.Time { return now },
	}, nil
}

// change says what a request does to traffic in the clusters.
func (r *Reviewer) change(ctx context.Context, request Request) (change.Change, error) {
	registered, err := r.Clusters(ctx)
	if err != nil {
		return change.Change{}, fmt.Errorf("listing the registered clusters: %w", err)
	}
	var old, gw *v1beta1.IstioGateway
	if request.Old != nil {
		old = request.Old.Typed
	}
	if request.Gateway != nil {
		gw = request.Gateway.Typed
	}
	return change.Between(old, gw, registered)
}

// forgive turns each denial that the stored gateway already deserved into a warning: rules judge the
// change, not the past. It costs a second evaluation, which only a refused update pays.
//
// What the stored gateway deserved is judged by the policies that match its own labels: what they let in by is no sin
// of the past where an edit of labels brings the gateway under others.
func (r *Reviewer) forgive(ctx context.Context, request Request, decision Decision) (Decision, error) {
	past, err := r.past(ctx, request)
	if err != nil {
		return Decision{}, err
	}
	input, err := r.input(ctx, past)
	if err != nil {
		return Decision{}, err
	}
	before, err := r.Engine().Validate(ctx, input)
	if err != nil {
		return Decision{}, err
	}
	old, denials := before.Denials, []policy.Finding(nil)
	for _, finding := range decision.Denials {
		i := slices.IndexFunc(old, func(sin policy.Finding) bool {
			return samePlace(sin, finding) && sameAt(sin.Field, past.Gateway.Raw, finding.Field, request.Gateway.Raw)
		})
		if i < 0 {
			denials = append(denials, finding)
			continue
		}
		// Each old sin forgives one: a second one of its kind is new.
		old = slices.Delete(old, i, i+1)
		decision.Warnings = append(decision.Warnings, finding)
	}
	decision.Denials = denials
	slices.SortFunc(decision.Warnings, policy.Finding.Compare)
	return decision, nil
}

// samePlace says whether two findings are the same, wherever in a list.
func samePlace(a, b policy.Finding) bool {
	a.Field, b.Field = unindexed(a.Field), unindexed(b.Field)
	return a == b
}

// past is the request to store the old gateway as it is. It is filled in like the new one was: what a rule
// filled in is no change that its author made.
func (r *Reviewer) past(ctx context.Context, request Request) (Request, error) {
	past := request
	past.Gateway = request.Old
	filled, err := r.Mutate(ctx, past)
	if err != nil {
		return Request{}, err
	}
	raw, err := json.Marshal(filled)
	if err != nil {
		return Request{}, fmt.Errorf("writing the stored gateway as JSON: %w", err)
	}
	past.Gateway, err = NewObject(raw)
	return past, err
}
