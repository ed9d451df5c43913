package decision

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"portcullis.dev/portcullis/pkg/policy"
)

// asked is a request about a gateway.
func asked() admission.Request {
	return admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		Operation: admissionv1.Update,
		Kind:      metav1.GroupVersionKind{Group: "istio.alibabacloud.com", Version: "v1beta1", Kind: "IstioGateway"},
		Namespace: "istio-system",
		Name:      "edge",
		UserInfo:  authenticationv1.UserInfo{Username: "ann", Groups: []string{"web"}},
		DryRun:    new(true),
	}}
}

// ticking is a clock that goes on by a second whenever it is read.
func ticking() func() time.Time {
	now := time.Date(2026, 11, 30, 20, 0, 0, 0, time.FixedZone("there", 3600))
	return func() time.Time {
		defer func() { now = now.Add(time.Second) }()
		return now
	}
}

// recorded has a function decide, and returns the answer with the one record that was made of it.
func recorded(t *testing.T, decide func(context.Context, *Record) admission.Response) (admission.Response, Record) {
	t.Helper()
	var heard []Record
	recorder := &Recorder{
		Listeners: []func(Record){func(record Record) { heard = append(heard, record) }},
		NewID:     func() string { return "3f2a" },
		Now:       ticking(),
	}
	response := recorder.Decide(t.Context(), "validate", asked(), decide)
	if len(heard) != 1 {
		t.Fatalf("got %d records, want one", len(heard))
	}
	return response, heard[0]
}

func TestDecideRecordsWhatWasAskedAndWhatBecameOfIt(t *testing.T) {
	said := policy.Finding{Code: "ports", Field: "spec.ports", Message: "must be a, is b"}
	tests := map[string]struct {
		decide           func(context.Context, *Record) admission.Response
		verdict          Verdict
		message, answers string
		approvals        int
	}{
		"an admission": {
			func(_ context.Context, record *Record) admission.Response {
				record.Approvals = []string{"edge-1"}
				return admission.Allowed("")
			}, Admitted, "", "", 1,
		},
		"a refusal that a rule gives reasons for": {
			func(_ context.Context, record *Record) admission.Response {
				record.Approvals = []string{"edge-1"}
				record.Found(policy.Deny, []policy.Finding{said})
				return admission.Denied("no")
			}, Refused, "", "no\ndecision 3f2a", 0,
		},
		"a refusal that only its message gives reasons for": {
			func(_ context.Context, record *Record) admission.Response {
				record.Found(policy.Warn, []policy.Finding{said})
				return admission.Denied("no")
			}, Refused, "no", "no\ndecision 3f2a", 0,
		},
		"what could not be read": {
			func(context.Context, *Record) admission.Response {
				return admission.Errored(http.StatusBadRequest, errors.New("what"))
			}, Undecided, "what", "what\ndecision 3f2a", 0,
		},
		"what could not be decided": {
			func(context.Context, *Record) admission.Response {
				return admission.Errored(http.StatusInternalServerError, errors.New("late"))
			}, Undecided, "late", "late\ndecision 3f2a", 0,
		},
		"a panic": {
			func(context.Context, *Record) admission.Response {
				var nobody *Record
				return admission.Allowed(nobody.ID)
			}, Undecided, "panic: runtime error: invalid memory address or nil pointer dereference [recovered]",
			"panic: runtime error: invalid memory address or nil pointer dereference [recovered]\ndecision 3f2a", 0,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			response, record := recorded(t, test.decide)
			if record.Verdict != test.verdict || record.Message != test.message || len(record.Approvals) != test.approvals {
				t.Errorf("recorded %s %q with approvals %v", record.Verdict, record.Message, record.Approvals)
			}
			if response.Allowed != (test.verdict == Admitted) || response.Result.Message != test.answers {
				t.Errorf("answered %v %q, want %q", response.Allowed, response.Result.Message, test.answers)
			}
			if response.AuditAnnotations[AuditKey] != "3f2a" || record.ID != "3f2a" {
				t.Errorf("got audit annotations %v of record %s", response.AuditAnnotations, record.ID)
			}
			if record.Webhook != "validate" || record.Operation != "UPDATE" || !record.DryRun || record.Kind != "IstioGateway" ||
				record.Namespace != "istio-system" || record.Name != "edge" || record.User.Username != "ann" || record.User.Groups[0] != "web" {
				t.Errorf("got %+v", record)
			}
			if !record.Time.Equal(time.Date(2026, 11, 30, 19, 0, 0, 0, time.UTC)) || record.Time.Location() != time.UTC || record.Seconds != 1 {
				t.Errorf("got %s and %v seconds", record.Time, record.Seconds)
			}
		})
	}
}

func TestDecideKeepsWhatTheHandlerTellsTheAuditLog(t *testing.T) {
	response, _ := recorded(t, func(context.Context, *Record) admission.Response {
		response := admission.Allowed("")
		response.AuditAnnotations = map[string]string{"revision": "r1"}
		return response
	})
	if response.AuditAnnotations["revision"] != "r1" || response.AuditAnnotations[AuditKey] != "3f2a" {
		t.Errorf("got %v", response.AuditAnnotations)
	}
}

func TestWithoutARecorderDecisionsHaveNoID(t *testing.T) {
	var nobody *Recorder
	response := nobody.Decide(t.Context(), "validate", asked(), func(_ context.Context, record *Record) admission.Response {
		record.Found(policy.Deny, nil)
		return admission.Denied("no")
	})
	if response.Result.Message != "no" || response.AuditAnnotations != nil {
		t.Errorf("got %q and %v", response.Result.Message, response.AuditAnnotations)
	}
}

func TestNoTwoDecisionsHaveTheSameID(t *testing.T) {
	seen := map[string]bool{}
	recorder := &Recorder{Listeners: []func(Record){func(record Record) { seen[record.ID] = true }}}
	for range 100 {
		// The same request, as often as somebody sends it.
		recorder.Decide(t.Context(), "validate", asked(), func(context.Context, *Record) admission.Response { return admission.Allowed("") })
	}
	if len(seen) != 100 {
		t.Errorf("got %d IDs, want 100", len(seen))
	}
	for id := range seen {
		if len(id) != 36 || strings.Count(id, "-") != 4 {
			t.Errorf("got ID %q, want a UUID", id)
		}
	}
}

func TestCutPartsWhatIsSaidFromTheID(t *testing.T) {
	for message, want := range map[string][2]string{
		"no\ndecision 3f2a":                    {"no", "3f2a"},
		"\na: no\nb: no\ndecision 3f2a":        {"\na: no\nb: no", "3f2a"},
		"a\ndecision of others\ndecision 3f2a": {"a\ndecision of others", "3f2a"},
		"no\ndecision 3f2a\n":                  {"no", "3f2a"},
		"no decision 3f2a":                     {"no decision 3f2a", ""},
		"":                                     {"", ""},
	} {
		if said, id := Cut(message); said != want[0] || id != want[1] {
			t.Errorf("%q: got %q and %q", message, said, id)
		}
	}
}
