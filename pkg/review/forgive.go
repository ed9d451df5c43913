package review

import (
	"context"
	"slices"

	admissionv1 "k8s.io/api/admission/v1"

	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/policy"
)

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
	if err := r.surround(ctx, past, &input); err != nil {
		return Decision{}, err
	}
	if err := r.identifyToo(ctx, past, decision.Input, &input); err != nil {
		return Decision{}, err
	}
	// What a change does is never of the past: nothing of it is forgiven.
	input.Change, input.Approvals = change.None(), []any{}
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
	if untouched, err := isUntouched(request); err != nil || untouched {
		return past, err
	}
	// As if it were new: an update of itself would be left as it is.
	var err error
	past.Gateway, err = r.fill(ctx, Request{
		Operation: admissionv1.Create, Namespace: past.Namespace, Name: past.Name, User: past.User, DryRun: past.DryRun, Gateway: past.Gateway,
	})
	return past, err
}
