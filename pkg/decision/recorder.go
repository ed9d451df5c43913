// Package decision makes one record of each decision at admission, and hands it to everybody who listens: metrics, the
// decision log, and whoever looks at what was decided lately.
package decision

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"portcullis.dev/portcullis/pkg/policy"
)

// AuditKey is where the API server's audit log has the decision's ID, after the webhook's name and a slash.
const AuditKey = "decision"

// Recorder makes the records. A nil one makes none, and gives decisions no ID.
type Recorder struct {
	// Listeners hear of each record before the answer goes out, one after the other. None may wait for anything.
	Listeners []func(Record)
	// NewID names a decision; random UUIDs when nil. The UID of the admission request would not do: it is whoever asks
	// that chooses it, and two decisions of one name could not be told apart.
	NewID func() string
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Decide has a handler of a webhook decide, and records that. The handler notes in the record what only it knows. What
// is answered carries the decision's ID: a refusal as the last line of its message, and every answer as an annotation
// for the API server's audit log.
func (r *Recorder) Decide(
	ctx context.Context, webhook string, req admission.Request, decide func(context.Context, *Record) admission.Response,
) admission.Response {
	if r == nil {
		return decide(ctx, &Record{})
	}
	began := r.now()
	record := newRecord(r.newID(), webhook, req.AdmissionRequest, began)
	record.TraceID = traceOf(ctx)
	ctx = log.IntoContext(ctx, log.FromContext(ctx).WithValues("decision", record.ID))
	response := safely(ctx, record, decide)
	record.conclude(response)
	record.Seconds = r.now().Sub(began).Seconds()
	tell(ctx, record)
	for _, listen := range r.Listeners {
		listen(*record)
	}
	return named(response, record.ID)
}

// now is the time by the recorder's clock.
func (r *Recorder) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}

// newID names the next decision.
func (r *Recorder) newID() string {
	if r.NewID == nil {
		return string(uuid.NewUUID())
	}
	return r.NewID()
}

// safely takes a panic for what could not be decided. Left to the server, it would be answered, but not recorded.
func safely(ctx context.Context, record *Record, decide func(context.Context, *Record) admission.Response) (response admission.Response) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		for _, handle := range utilruntime.PanicHandlers {
			handle(ctx, cause)
		}
		response = admission.Errored(http.StatusInternalServerError, fmt.Errorf("panic: %v [recovered]", cause))
	}()
	return decide(ctx, record)
}

// conclude notes what the answer says.
func (r *Record) conclude(response admission.Response) {
	switch {
	case response.Allowed:
		r.Verdict = Admitted
		return
	case response.Result != nil && response.Result.Code == http.StatusForbidden:
		r.Verdict = Refused
	default:
		r.Verdict = Undecided
	}
	// What was not let in uses nothing up.
	r.Approvals = nil
	if response.Result != nil && !r.isDenied() {
		r.Message = response.Result.Message
	}
}

// isDenied says whether a finding says why the request was refused.
func (r *Record) isDenied() bool {
	// Those that deny come first.
	return r.Verdict == Refused && len(r.Findings) > 0 && r.Findings[0].Enforcement == policy.Deny
}

// named is an answer with the decision's ID.
func named(response admission.Response, id string) admission.Response {
	if response.AuditAnnotations == nil {
		response.AuditAnnotations = map[string]string{}
	}
	response.AuditAnnotations[AuditKey] = id
	if !response.Allowed && response.Result != nil {
		response.Result.Message += idLine + id
	}
	return response
}

// idLine begins the last line of what the author of a refused change reads.
const idLine = "\ndecision "

// Cut parts what the author of a refused change reads: what is said, and the decision's ID. The first is the same as
// often as the same is asked; the ID is empty where there is none.
func Cut(message string) (said, id string) {
	at := strings.LastIndex(message, idLine)
	if at < 0 {
		return message, ""
	}
	id, _, _ = strings.Cut(message[at+len(idLine):], "\n")
	return message[:at], id
}
