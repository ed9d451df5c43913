package decision

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/policy"
)

// lines is a place that is written to.
type lines struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

// Write keeps what is written.
func (l *lines) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

// all are the lines so far.
func (l *lines) all() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return strings.Split(strings.TrimSuffix(l.text.String(), "\n"), "\n")
}

// logging is a log that writes to a place until stop is called.
type logging struct {
	*Log
	counts Counts
	stop   func()
}

// newLogging starts one.
func newLogging(t *testing.T, out io.Writer, served <-chan struct{}) logging {
	t.Helper()
	counts, err := NewCounts(prometheus.NewRegistry(), "stdout")
	if err != nil {
		t.Fatal(err)
	}
	l := NewLog(LogOptions{
		Masking: masking, Counts: counts, Served: served,
		Sinks: map[string]Sink{"stdout": NewWriter(out, counts.Of("stdout"))},
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Start(ctx) }()
	return logging{l, counts, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}}
}

// of is how many records had a result.
func (l logging) of(result string) int {
	return int(testutil.ToFloat64(l.counts.records.WithLabelValues("stdout", result)))
}

func TestEachDecisionIsOneLineOfTheLogWithoutWhatMustNotBeTold(t *testing.T) {
	out := &lines{}
	l := newLogging(t, out, nil)
	recorder := &Recorder{Listeners: []func(Record){l.Listen}, Now: ticking(), NewID: func() string { return "3f2a" }}
	req := asked()
	req.OldObject.Raw = gatewayWith(t, "hunter2-hunter2", "")
	recorder.Decide(t.Context(), "validate", req, func(_ context.Context, record *Record) admission.Response {
		record.Gateway, record.Revision = "istio-system/edge", "r1"
		record.Change = &change.Change{Digest: "sha256:1", Effects: map[change.Effect][]string{change.Restart: {"c1"}}, Changes: []change.Field{
			{Path: "spec.env", Before: []any{map[string]any{"name": "A", "value": "hunter2-hunter2"}}, Effects: []change.Effect{change.Restart}, Clusters: []string{"c1"}},
		}}
		record.Found(policy.Deny, []policy.Finding{{Code: "restart_approval", Field: "spec.env", Message: "hunter2-hunter2 -> (not set) is <not> approved", Fix: "ask"}})
		return admission.Denied("no")
	})
	l.stop()
	const want = `{"id":"3f2a","time":"2026-11-30T19:00:00Z","webhook":"validate","operation":"UPDATE","dryRun":true,` +
		`"user":{"username":"ann","groups":["web"]},"kind":"IstioGateway","namespace":"istio-system","name":"edge","gateway":"istio-system/edge",` +
		`"verdict":"refused","findings":[{"code":"restart_approval","field":"spec.env","message":"*** -> (not set) is <not> approved","fix":"ask","enforcement":"Deny"}],` +
		`"change":{"effects":{"Restart":["c1"]},"changes":[{"path":"spec.env","before":[{"name":"A","value":"***"}],"effects":["Restart"],"clusters":["c1"]}],"digest":"sha256:1"},` +
		`"revision":"r1","seconds":1}`
	if got := out.all(); len(got) != 1 || got[0] != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if l.of(Sent) != 1 || l.of(Dropped)+l.of(Failed) != 0 {
		t.Errorf("got %d sent", l.of(Sent))
	}
}

func TestTheLogKeepsUpWithManyAtOnce(t *testing.T) {
	out := &lines{}
	l := newLogging(t, out, nil)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 200 {
				l.Listen(Record{ID: fmt.Sprintf("%d-%d", worker, i), Findings: []Finding{}})
			}
		})
	}
	group.Wait()
	l.stop()
	seen := map[string]bool{}
	for _, line := range out.all() {
		record := Record{}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		seen[record.ID] = true
	}
	if len(seen) != 1600 || l.of(Sent) != 1600 {
		t.Errorf("got %d records and %d sent, want 1600", len(seen), l.of(Sent))
	}
}

// stuck never takes a line before it is let go.
type stuck struct{ free chan struct{} }

// Write waits.
func (s stuck) Write(p []byte) (int, error) {
	<-s.free
	return len(p), nil
}

func TestAReaderThatNeverReadsHoldsUpNobodyAndLosesNothingUncounted(t *testing.T) {
	out := stuck{make(chan struct{})}
	l := newLogging(t, out, nil)
	const records = 30000
	began := time.Now()
	for i := range records {
		l.Listen(Record{ID: fmt.Sprint(i), Message: strings.Repeat("x", 2000)})
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("listening took %s", took)
	}
	close(out.free)
	l.stop()
	if sent, dropped := l.of(Sent), l.of(Dropped); dropped < 1000 || sent+dropped != records {
		t.Errorf("got %d sent and %d dropped, want all %d, and many of them dropped", sent, dropped, records)
	}
}

// broken is a place that cannot be written to.
type broken struct{}

// Write fails.
func (broken) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestWhatCannotBeWrittenIsCounted(t *testing.T) {
	l := newLogging(t, broken{}, nil)
	l.Listen(Record{ID: "1"})
	l.Listen(Record{ID: "2", Seconds: math.NaN()})
	l.stop()
	if l.of(Failed) != 2 || l.of(Sent) != 0 {
		t.Errorf("got %d failed", l.of(Failed))
	}
}

func TestTheLogWaitsAtTheEndForTheLastRequests(t *testing.T) {
	out, served := &lines{}, make(chan struct{})
	l := newLogging(t, out, served)
	ended := make(chan struct{})
	go func() { l.stop(); close(ended) }()
	l.Listen(Record{ID: "late"})
	close(served)
	<-ended
	l.Listen(Record{ID: "too late"})
	if got := out.all(); len(got) != 1 || !strings.Contains(got[0], `"late"`) || l.of(Dropped) != 1 {
		t.Errorf("got %v and %d dropped", got, l.of(Dropped))
	}
}

func TestTheCountsAreAsPromtoolWantsThem(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := NewCounts(registry, "stdout", "collector"); err != nil {
		t.Fatal(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("got %v and %v", problems, err)
	}
	if got := series(t, registry); got != 6 {
		t.Errorf("got %d series from the start, want 6", got)
	}
}
