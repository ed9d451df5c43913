package decision

import (
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/policy"
)

// Verdict is what became of a request.
type Verdict string

// The verdicts.
const (
	// Admitted: the request goes on.
	Admitted Verdict = "admitted"
	// Refused: somebody judged the request, and said no.
	Refused Verdict = "refused"
	// Undecided: nobody could judge it, and so it does not go in either.
	Undecided Verdict = "undecided"
)

// Record is one decision: what was asked, by whom, what was answered, and why. Its JSON is a contract: it is what a
// line of the decision log holds.
type Record struct {
	// ID names the decision. The author of a refused change reads it, and the API server's audit log has it.
	ID string `json:"id"`
	// Time is when the request came.
	Time time.Time `json:"time"`
	// Webhook that was asked, by the last part of its path: mutate, validate, validate-policy, mutate-approval or
	// validate-approval.
	Webhook string `json:"webhook"`
	// Operation is CREATE, UPDATE or DELETE.
	Operation string `json:"operation"`
	// DryRun is true when nothing was to be stored.
	DryRun bool `json:"dryRun"`
	// User who asked.
	User User `json:"user"`
	// Kind, Namespace and Name of the object; Name is empty when the API server generates it.
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
	// Gateway is the namespace/name of the gateway that the object is or is about.
	Gateway string `json:"gateway,omitempty"`
	// Verdict on the request.
	Verdict Verdict `json:"verdict"`
	// Findings of the rules, those that deny first.
	Findings []Finding `json:"findings"`
	// Message is what was answered where no finding says why the request was not admitted.
	Message string `json:"message,omitempty"`
	// Change is what the request does to traffic; nil where nobody looked.
	Change *change.Change `json:"change,omitempty"`
	// Approvals that the admitted change uses up.
	Approvals []string `json:"approvals,omitempty"`
	// Revision of the rules that judged; empty where none did.
	Revision string `json:"revision,omitempty"`
	// TraceID is the trace that the request belongs to; empty where it belongs to none.
	TraceID string `json:"traceId,omitempty"`
	// Seconds that the decision took.
	Seconds float64 `json:"seconds"`

	// object and old are what was sent: what of it must not be told is only known from it.
	object, old []byte
}

// User is who asked.
type User struct {
	Username string   `json:"username"`
	Groups   []string `json:"groups,omitempty"`
}

// Finding is what a rule said, and what came of it.
type Finding struct {
	policy.Finding
	// Enforcement is Deny, Warn or Audit.
	Enforcement policy.Enforcement `json:"enforcement"`
}

// Found notes what rules said, and with which enforcement.
func (r *Record) Found(enforcement policy.Enforcement, findings []policy.Finding) {
	for _, finding := range findings {
		r.Findings = append(r.Findings, Finding{finding, enforcement})
	}
}

// newRecord is what is known of a decision before it is made.
func newRecord(id, webhook string, in admissionv1.AdmissionRequest, now time.Time) *Record {
	return &Record{
		ID:        id,
		Time:      now.UTC(),
		Webhook:   webhook,
		Operation: string(in.Operation),
		DryRun:    in.DryRun != nil && *in.DryRun,
		User:      User{Username: in.UserInfo.Username, Groups: in.UserInfo.Groups},
		Kind:      in.Kind.Kind,
		Namespace: in.Namespace,
		Name:      in.Name,
		Findings:  []Finding{},
		object:    in.Object.Raw,
		old:       in.OldObject.Raw,
	}
}
