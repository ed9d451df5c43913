package review

import (
	"encoding/json"
	"fmt"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/util/uuid"

	"portcullis.dev/portcullis/pkg/policy"
)

// Record is one decision as a decision log keeps it, a JSON object a line. It has the shape of OPA's decision log, so
// that tools for that read it as well: opa eval -d policies -I data.main.validate gives the answer to its input again.
type Record struct {
	// DecisionID names the decision.
	DecisionID string `json:"decision_id"`
	// Timestamp is when it was made.
	Timestamp time.Time `json:"timestamp"`
	// Path is the document of the rules that was asked for: main/validate.
	Path string `json:"path"`
	// Input is what the rules were asked: policy.Input as they read it.
	Input json.RawMessage `json:"input"`
	// Result is what was answered; nil when nothing could be decided.
	Result *Result `json:"result,omitempty"`
	// Error says why nothing could be decided.
	Error *RecordError `json:"error,omitempty"`
	// Bundles name the rules that decided: under portcullis, their revision.
	Bundles map[string]Bundle `json:"bundles"`
	// Custom is what OPA has no place for.
	Custom Circumstances `json:"custom"`
}

// Result is what was answered: what the rules say, with what the stored gateway already deserved among the warnings.
type Result struct {
	Deny  []policy.Finding `json:"deny"`
	Warn  []policy.Finding `json:"warn"`
	Audit []policy.Finding `json:"audit"`
}

// RecordError is why nothing could be decided.
type RecordError struct {
	Message string `json:"message"`
}

// Bundle is a set of rules.
type Bundle struct {
	Revision string `json:"revision"`
}

// Circumstances are what a decision can be made again with, beside its input.
type Circumstances struct {
	// Gateway is the object before anything was filled in; without it the one of the input is taken.
	Gateway map[string]any `json:"gateway,omitempty"`
	// With are the objects that the decision was made with, as kubectl portcullis review --with reads them: the
	// GatewayClusters concerned.
	With []map[string]any `json:"with,omitempty"`
}

// bundle is the name that our rules have among a record's bundles.
const bundle = "portcullis"

// NewRecord keeps a decision of a request, as it was before mutation.
func NewRecord(submitted Request, decision Decision, with []map[string]any, now time.Time) (Record, error) {
	input, err := json.Marshal(decision.Input)
	if err != nil {
		return Record{}, fmt.Errorf("writing the input: %w", err)
	}
	record := Record{
		DecisionID: string(uuid.NewUUID()),
		Timestamp:  now.UTC(),
		Path:       "main/validate",
		Input:      input,
		Result: &Result{
			Deny:  append([]policy.Finding{}, decision.Denials...),
			Warn:  append([]policy.Finding{}, decision.Warnings...),
			Audit: append([]policy.Finding{}, decision.Audits...),
		},
		Bundles: map[string]Bundle{bundle: {Revision: decision.Revision}},
		Custom:  Circumstances{With: with},
	}
	if submitted.Gateway != nil {
		record.Custom.Gateway = submitted.Gateway.Raw
	}
	return record, nil
}

// Revision of the rules that decided; empty when the record does not say.
func (r Record) Revision() string {
	return r.Bundles[bundle].Revision
}

// recordedInput is what of a record's input a request is made of.
type recordedInput struct {
	Request struct {
		Operation       admissionv1.Operation
		Name, Namespace string
		DryRun          bool
		User            policy.User
	}
	Gateway json.RawMessage
	Old     json.RawMessage
	Now     time.Time
}

// Request is the request that the record is about, before mutation where that was kept, and the time by the clock of
// its rules.
func (r Record) Request() (Request, time.Time, error) {
	var in recordedInput
	if err := json.Unmarshal(r.Input, &in); err != nil {
		return Request{}, time.Time{}, fmt.Errorf("reading the input: %w", err)
	}
	if in.Request.Operation == "" || in.Now.IsZero() {
		return Request{}, time.Time{}, fmt.Errorf("record must have input.request.operation and input.now, has %q and %s", in.Request.Operation, in.Now)
	}
	out := Request{
		Operation: in.Request.Operation, Namespace: in.Request.Namespace, Name: in.Request.Name,
		User: in.Request.User, DryRun: in.Request.DryRun,
	}
	gateway := []byte(in.Gateway)
	if r.Custom.Gateway != nil {
		var err error
		if gateway, err = json.Marshal(r.Custom.Gateway); err != nil {
			return Request{}, time.Time{}, err
		}
	}
	var err error
	if out.Operation != admissionv1.Delete {
		if out.Gateway, err = part("gateway", out.Operation, gateway); err != nil {
			return Request{}, time.Time{}, err
		}
	}
	if out.Operation != admissionv1.Create {
		if out.Old, err = part("old", out.Operation, in.Old); err != nil {
			return Request{}, time.Time{}, err
		}
	}
	return out, in.Now, nil
}
