package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"portcullis.dev/portcullis/pkg/audit"
	"portcullis.dev/portcullis/pkg/policy"
)

// audited is what came of an audit: the contract of --output json.
type audited struct {
	// Gateways counts those that were asked about, Refused and Undecided those of them that would be refused and of which
	// nothing could be decided.
	Gateways  int `json:"gateways"`
	Refused   int `json:"refused"`
	Undecided int `json:"undecided"`
	// Revision of the rules that were asked.
	Revision string `json:"revision"`
	// Rules that had something to say, the gravest first.
	Rules []auditedRule `json:"rules"`
	// Results, one for each gateway, in their order in the files, or by namespace and name.
	Results []auditedGateway `json:"results"`

	// engine knows what its rules say of themselves.
	engine *policy.Engine
}

// auditedRule is how often one rule spoke.
type auditedRule struct {
	Code string `json:"code"`
	// Denials, Warnings and Audits count its findings.
	Denials  int `json:"denials"`
	Warnings int `json:"warnings"`
	Audits   int `json:"audits"`
	// Gateways counts those that it spoke of.
	Gateways int `json:"gateways"`
}

// auditedGateway is what the rules say of one gateway.
type auditedGateway struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// File and Line are where it is written; absent for one of the cluster.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Verdict is admitted, warned, refused or undecided.
	Verdict string `json:"verdict"`
	// Findings, those that would refuse it first.
	Findings []audit.Finding `json:"findings"`
	// Error is why nothing could be decided.
	Error string `json:"error,omitempty"`

	labels map[string]string
}

// run audits each gateway and prints what came of it.
func (o *auditOptions) run(ctx context.Context) error {
	found, err := o.gather(ctx)
	if err != nil {
		return err
	}
	engine, err := o.engine(ctx, found.known)
	if err != nil {
		return err
	}
	judge, err := newJudge(judge{user: policy.User{Username: audit.User}, known: found.known, assume: found.assume, engine: engine})
	if err != nil {
		return err
	}
	results, err := o.auditAll(ctx, judge, found.subjects)
	if err != nil {
		return err
	}
	out := summed(results, engine)
	if err := o.print(out); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	switch {
	case out.Undecided > 0:
		return fmt.Errorf("%d of %d gateways must be decided, are not", out.Undecided, out.Gateways)
	case out.Refused > 0:
		return errRefused
	default:
		return nil
	}
}

// engine is what decides: the rules of the binary or of a folder, with the policies that are known.
func (o *auditOptions) engine(ctx context.Context, known known) (*policy.Engine, error) {
	if o.rules != "" {
		return compiledIn(ctx, o.rules, o.config, known.policies)
	}
	return compiled(ctx, o.config, known.policies)
}

// auditAll asks about one gateway after the other. One that cannot be decided keeps no other from being asked about.
func (o *auditOptions) auditAll(ctx context.Context, judge *judge, subjects []subject) ([]auditedGateway, error) {
	shown := newProgress(o.streams.ErrOut, len(subjects))
	defer shown.end()
	results := make([]auditedGateway, 0, len(subjects))
	for _, subject := range subjects {
		results = append(results, auditOne(ctx, judge, subject))
		if err := context.Cause(ctx); err != nil {
			return nil, errors.New("audit must go to its end, was interrupted")
		}
		shown.step()
	}
	return results, nil
}

// auditOne asks about one gateway as if it were made now.
func auditOne(ctx context.Context, judge *judge, of subject) auditedGateway {
	out := auditedGateway{
		Namespace: of.GetNamespace(), Name: of.GetName(), File: of.file, Line: of.line,
		Verdict: "undecided", Findings: []audit.Finding{}, labels: of.GetLabels(),
	}
	decided, err := judge.decide(ctx, audit.AsNew(of.Object), nil)
	if err != nil {
		out.Error = err.Error()
		return out
	}
	out.Findings = audit.Findings(decided.Denials, decided.Warnings, decided.Audits)
	out.Verdict = "admitted"
	if len(decided.Warnings) > 0 {
		out.Verdict = "warned"
	}
	if len(decided.Denials) > 0 {
		out.Verdict = "refused"
	}
	return out
}

// summed counts what was found.
func summed(results []auditedGateway, engine *policy.Engine) audited {
	out := audited{Gateways: len(results), Revision: engine.Revision(), Rules: []auditedRule{}, Results: results, engine: engine}
	for _, result := range results {
		switch result.Verdict {
		case "refused":
			out.Refused++
		case "undecided":
			out.Undecided++
		}
		out.count(result.Findings)
	}
	slices.SortFunc(out.Rules, func(a, b auditedRule) int {
		return cmp.Or(-cmp.Compare(a.Denials, b.Denials), -cmp.Compare(a.Warnings, b.Warnings), cmp.Compare(a.Code, b.Code))
	})
	return out
}

// count adds what the rules said of one gateway.
func (a *audited) count(findings []audit.Finding) {
	spoke := map[string]bool{}
	for _, count := range audit.Counts(findings) {
		i := slices.IndexFunc(a.Rules, func(rule auditedRule) bool { return rule.Code == count.Code })
		if i < 0 {
			i, a.Rules = len(a.Rules), append(a.Rules, auditedRule{Code: count.Code})
		}
		rule := &a.Rules[i]
		switch count.Enforcement {
		case policy.Deny:
			rule.Denials += count.Findings
		case policy.Warn:
			rule.Warnings += count.Findings
		case policy.Audit:
			rule.Audits += count.Findings
		}
		if !spoke[count.Code] {
			spoke[count.Code] = true
			rule.Gateways++
		}
	}
}
