package page

import (
	"fmt"
	"sync"
	"time"

	"portcullis.dev/portcullis/pkg/decision"
)

// mostDecisions is how many decisions are kept, and mostFindings how many sentences of one: what one request says must not
// crowd out the others, or fill the memory.
const (
	mostDecisions = 200
	mostFindings  = 10
)

// Recent keeps the last decisions of this replica. The zero value keeps none yet.
type Recent struct {
	mutex sync.Mutex
	kept  []decided
	next  int
}

// decided is what is kept of one decision.
type decided struct {
	at                                time.Time
	id, operation, namespace, gateway string
	dryRun                            bool
	verdict                           decision.Verdict
	sentences                         []string
}

// Listen keeps a decision. Those that nobody asks about are left out: what filled something in and let it through.
func (r *Recent) Listen(record decision.Record) {
	if record.Verdict == decision.Admitted && (record.Webhook == "mutate" || record.Webhook == "mutate-approval") {
		return
	}
	kept := keep(record)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if len(r.kept) < mostDecisions {
		r.kept = append(r.kept, kept)
		return
	}
	r.kept[r.next] = kept
	r.next = (r.next + 1) % mostDecisions
}

// latest are the decisions that are kept, the newest first.
func (r *Recent) latest() []decided {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	out := make([]decided, 0, len(r.kept))
	for i := range r.kept {
		out = append(out, r.kept[(r.next-1-i+2*len(r.kept))%len(r.kept)])
	}
	return out
}

// keep is what is kept of a record: a few sentences, and nothing of the objects.
func keep(record decision.Record) decided {
	out := decided{
		at: record.Time, id: record.ID, operation: record.Operation, namespace: record.Namespace, gateway: record.Gateway,
		dryRun: record.DryRun, verdict: record.Verdict,
	}
	if out.gateway == "" {
		out.gateway = record.Kind + " " + record.Name
	}
	for _, finding := range record.Findings {
		if len(out.sentences) == mostFindings {
			out.sentences = append(out.sentences, fmt.Sprintf("and %d more", len(record.Findings)-mostFindings))
			break
		}
		out.sentences = append(out.sentences, fmt.Sprintf("%s: %s", finding.Enforcement, finding.Finding))
	}
	if record.Message != "" {
		out.sentences = append(out.sentences, record.Message)
	}
	return out
}
