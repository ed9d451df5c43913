// Package review makes one decision of one change to a gateway. Both webhooks, the command line and the
// audit ask it, so that they cannot disagree.
package review

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
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
	// Approvals lists the approvals of a gateway. It must answer from the API server, not from memory: an approval counts
	// from the instant it is made, and no longer from the instant it is used. It is asked on the rare admission that
	// needs one.
	Approvals func(ctx context.Context, namespace, gateway string) ([]v1alpha1.ChangeApproval, error)
	// Gateways lists all gateways. It is asked on the rare admission of one on the network of its nodes, of which there is
	// no room for many, or with further load balancers, and answers from the API server.
	Gateways func(context.Context) ([]v1beta1.IstioGateway, error)
	// Gateway reads a gateway from the API server, not from memory: it may be a minute old. nil when there is none. It is
	// asked where an approval is made, and where a gateway arrives whose name another one's Service may have.
	Gateway func(ctx context.Context, namespace, name string) (*v1beta1.IstioGateway, error)
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
	// Approvals are the names of those that are valid for the change; admitted, it uses them up.
	Approvals []string
	// Revision of the rules that decided.
	Revision string
	// Input is what they were asked.
	Input policy.Input
}

// mostPasses bounds how often the rules are asked what to fill in. What one fills in may be what another reads: a
// default places a gateway, and only then is it known what fits its clusters. A gateway that is filled in already
// takes one pass, a new one mostly two.
const mostPasses = 4

// Mutate returns the gateway with what the rules fill in, and with the guard's own annotations as they must be. An
// error means that nothing could be decided, and the request must be refused.
func (r *Reviewer) Mutate(ctx context.Context, request Request) (map[string]any, error) {
	if request.Gateway.Typed.DeletionTimestamp != nil {
		return stamped(request.Gateway.Raw, stored(request.Old)), nil
	}
	r, err := r.frozen(ctx)
	if err != nil {
		return nil, err
	}
	if request.Gateway, err = r.fill(ctx, request); err != nil {
		return nil, err
	}
	effect, err := r.change(ctx, request)
	if err != nil {
		return nil, err
	}
	approvals, err := r.approvals(ctx, request, effect)
	if err != nil {
		return nil, err
	}
	stamps, err := r.stamps(request, effect, approvals)
	if err != nil {
		return nil, err
	}
	return stamped(request.Gateway.Raw, stamps), nil
}

// fill returns the gateway with what the rules fill in.
func (r *Reviewer) fill(ctx context.Context, request Request) (*Object, error) {
	// A gateway on its way out is left as it is: filling a default could only get in the way of removing
	// its finalizers.
	if request.Gateway.Typed.DeletionTimestamp != nil {
		return request.Gateway, nil
	}
	// So is one whose author changes nothing of what runs: a default that is filled in on the way of a label could
	// restart pods.
	if untouched, err := isUntouched(request); err != nil || untouched {
		return request.Gateway, err
	}
	for range mostPasses {
		filled, err := r.ask(ctx, request)
		if err != nil {
			return nil, err
		}
		if reflect.DeepEqual(filled, request.Gateway.Raw) {
			return request.Gateway, nil
		}
		if request.Gateway, err = rewritten(filled); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("rules must have nothing more to fill in after %d passes, have", mostPasses)
}

// ask asks the rules once what to fill in.
func (r *Reviewer) ask(ctx context.Context, request Request) (map[string]any, error) {
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

// isUntouched says whether a request leaves alone what runs: the spec as it is written, and the annotations that count.
func isUntouched(request Request) (bool, error) {
	if request.Old == nil || !reflect.DeepEqual(request.Gateway.Raw["spec"], request.Old.Raw["spec"]) {
		return false, nil
	}
	before, err := change.Fingerprint(request.Old.Typed)
	if err != nil {
		return false, err
	}
	after, err := change.Fingerprint(request.Gateway.Typed)
	return before == after, err
}

// rewritten is a gateway that was written as JSON's types and is read again.
func rewritten(gateway map[string]any) (*Object, error) {
	raw, err := json.Marshal(gateway)
	if err != nil {
		return nil, fmt.Errorf("writing the gateway as JSON: %w", err)
	}
	return NewObject(raw)
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
	if err := r.surround(ctx, request, &input); err != nil {
		return Decision{}, err
	}
	effect, err := r.change(ctx, request)
	if err != nil {
		return Decision{}, err
	}
	approvals, err := r.approvals(ctx, request, effect)
	if err != nil {
		return Decision{}, err
	}
	input.Change, input.Approvals = effect, r.judged(request, effect, approvals)
	engine := r.Engine()
	verdict, err := engine.Validate(ctx, input)
	if err != nil {
		return Decision{}, err
	}
	decision := Decision{Denials: verdict.Denials, Warnings: verdict.Warnings, Audits: verdict.Audits, Change: effect, Revision: engine.Revision(), Input: input}
	decision.Approvals = r.valid(request, effect, approvals)
	if request.Gateway == nil {
		return decision, nil
	}
	if request.Old != nil && len(decision.Denials) > 0 {
		if decision, err = r.forgive(ctx, request, decision); err != nil {
			return Decision{}, err
		}
	}
	stamps, err := r.stamps(request, effect, approvals)
	if err != nil {
		return Decision{}, err
	}
	decision.Denials = append(decision.Denials, checkStamps(request.Gateway.Typed, stamps)...)
	slices.SortFunc(decision.Denials, policy.Finding.Compare)
	return decision, nil
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
	frozen := *r
	frozen.Engine = func() *policy.Engine { return engine }
	frozen.Clusters = func(context.Context) ([]v1alpha1.GatewayCluster, error) { return registered, nil }
	frozen.Now = func() time.Time { return now }
	gateways := sync.OnceValues(func() ([]v1beta1.IstioGateway, error) { return r.Gateways(ctx) })
	frozen.Gateways = func(context.Context) ([]v1beta1.IstioGateway, error) { return gateways() }
	return &frozen, nil
}

// change says what a request does to traffic in the clusters.
func (r *Reviewer) change(ctx context.Context, request Request) (change.Change, error) {
	if request.Operation == Release {
		return pendingChange(request.Old.Typed)
	}
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
