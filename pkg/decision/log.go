package decision

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"portcullis.dev/portcullis/pkg/bounded"
)

// What becomes of a record in a log.
const (
	// Sent: it was written, or the collector has it.
	Sent = "sent"
	// Dropped: it was lost, because whoever should have it took too long.
	Dropped = "dropped"
	// Failed: it could not be written.
	Failed = "failed"
)

// Bounds of what waits: for being written down, and to be given a record more than what was sent with it.
const (
	pending  = 16 << 20
	overhead = 2 << 10
)

// stopWithin is how long the log waits at the end for the last requests and for its sinks.
const stopWithin = 10 * time.Second

// Line is a record as a sink gets it.
type Line struct {
	// Record without what must not be told, and the same as JSON, without an end of line.
	Record Record
	JSON   []byte
}

// Sink keeps records somewhere.
type Sink interface {
	// Offer takes a record. It must not wait.
	Offer(Line)
	// Start works until the context ends, and may then finish.
	Start(context.Context) error
}

// Log hands records to sinks, without what must not be told. It works beside requests, never in their way: what it
// cannot keep up with is lost and counted. Make it with NewLog.
type Log struct {
	masking Masking
	sinks   map[string]Sink
	counts  Counts
	served  <-chan struct{}
	queue   *bounded.Queue[Record]
}

// LogOptions are what a Log is made of.
type LogOptions struct {
	// Masking says what must not be told.
	Masking Masking
	// Sinks by the name that the metrics have for them.
	Sinks map[string]Sink
	// Counts is told what was lost on the way to the sinks; they count what becomes of the rest.
	Counts Counts
	// Served is closed when no more requests are answered; at the end the log waits for that. nil waits for none.
	Served <-chan struct{}
}

// NewLog makes a log.
func NewLog(opts LogOptions) *Log {
	return &Log{masking: opts.Masking, sinks: opts.Sinks, counts: opts.Counts, served: opts.Served, queue: bounded.New[Record](pending)}
}

// Listen takes a record. It never waits.
func (l *Log) Listen(record Record) {
	l.lost(Dropped, l.queue.Push(record, int64(len(record.object)+len(record.old)+overhead)))
}

// Start hands on what comes until the context ends and the last request is answered.
func (l *Log) Start(ctx context.Context) error {
	sinking, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, len(l.sinks))
	for _, sink := range l.sinks {
		go func() { ended <- sink.Start(sinking) }()
	}
	for ctx.Err() == nil {
		select {
		case <-l.queue.Ready():
			l.hand(ctx)
		case <-ctx.Done():
		}
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if l.served != nil {
		select {
		case <-l.served:
		case <-limit.Done():
		}
	}
	l.queue.Close()
	l.hand(sinking)
	stop()
	return l.await(limit, ended)
}

// await waits until the sinks have ended, but not for one that never does.
func (l *Log) await(ctx context.Context, ended <-chan error) error {
	var failures []error
	for range l.sinks {
		select {
		case err := <-ended:
			failures = append(failures, err)
		case <-ctx.Done():
		}
	}
	return errors.Join(failures...)
}

// NeedLeaderElection says that every replica has its log.
func (*Log) NeedLeaderElection() bool {
	return false
}

// hand hands on all that waits.
func (l *Log) hand(ctx context.Context) {
	for _, record := range l.queue.Take(pending) {
		line := Line{Record: l.masking.Mask(record)}
		written := &bytes.Buffer{}
		encoder := json.NewEncoder(written)
		// A person reads it: -> must not be written as \u003e.
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(line.Record); err != nil {
			log.FromContext(ctx).Error(err, "Lost the record of a decision, which cannot be written as JSON", "decision", record.ID)
			l.lost(Failed, 1)
			continue
		}
		line.JSON = bytes.TrimRight(written.Bytes(), "\n")
		for _, sink := range l.sinks {
			sink.Offer(line)
		}
	}
}

// lost counts what no sink got.
func (l *Log) lost(result string, records int) {
	if records == 0 {
		return
	}
	for name := range l.sinks {
		l.counts.Of(name)(result, records)
	}
}

// Counts count what becomes of records, by log and by result.
type Counts struct{ records *prometheus.CounterVec }

// NewCounts makes the counts of some logs, and registers them.
func NewCounts(registry prometheus.Registerer, logs ...string) (Counts, error) {
	c := Counts{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "portcullis_decision_log_records_total",
		Help: "Records of decisions, by the log they are for (stdout or collector) and by result: sent, dropped because the log took too long, or failed to be written.",
	}, []string{"log", "result"})}
	// There from the start, so that the first loss can be seen.
	for _, name := range logs {
		for _, result := range []string{Sent, Dropped, Failed} {
			c.records.WithLabelValues(name, result)
		}
	}
	return c, registry.Register(c.records)
}

// Of counts for one log.
func (c Counts) Of(name string) func(result string, records int) {
	return func(result string, records int) { c.records.WithLabelValues(name, result).Add(float64(records)) }
}
