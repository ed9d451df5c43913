// Package collector sends decisions to an HTTP collector, with OPA's own decision log plugin: so where the collector is,
// how it is asked and what it gets is what OPA's documentation says it is.
//
// The plugin writes, packs, authenticates and sends. What waits for it is kept here, within a bound: the plugin bounds
// what it keeps too, but counts what it loses by chunks, and nobody could say how many decisions were lost.
package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/plugins"
	"github.com/open-policy-agent/opa/v1/plugins/logs"
	"github.com/open-policy-agent/opa/v1/server"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"portcullis.dev/portcullis/pkg/bounded"
)

// What becomes of a decision, as Options.Count is told.
const (
	// Sent: the collector has it.
	Sent = "sent"
	// Dropped: it was lost to make room, or was still there at the end.
	Dropped = "dropped"
	// Failed: it could not be written.
	Failed = "failed"
)

// Event is one decision.
type Event struct {
	// ID of the decision, the time when it was made, the revision of the rules that made it.
	ID       string
	Time     time.Time
	Revision string
	// Path of what was asked, for example validate.
	Path string
	// Result is the record, as JSON.
	Result json.RawMessage
}

// Options are what a Collector needs.
type Options struct {
	// Config is where decisions are sent.
	Config Config
	// Count is told what became of how many decisions. It must not wait.
	Count func(result string, decisions int)
}

// batch is how many bytes of decisions are handed to OPA at once.
const batch = 4 << 20

// Timeouts: of one attempt to send, and of the last one.
const (
	attemptTimeout  = 30 * time.Second
	defaultFarewell = 5 * time.Second
)

// firstRetry is how long the first failed attempt is waited after; each next wait is twice as long, up to the longest
// delay of the configuration.
const firstRetry = 100 * time.Millisecond

// failures is what OPA's encoder counts what it cannot write by.
const failures = "decision_logs_encoding_failure"

// Collector sends decisions. Make it with New.
type Collector struct {
	config Config
	count  func(result string, decisions int)
	queue  *bounded.Queue[Event]
	// farewell is how long the last attempt may take.
	farewell time.Duration
}

// New prepares a Collector.
func New(opts Options) *Collector {
	return &Collector{
		config: opts.Config, count: opts.Count, farewell: defaultFarewell,
		queue: bounded.New[Event](opts.Config.logs.Reporting.Buffer),
	}
}

// Offer takes a decision to be sent. It never waits: when there is no room, the oldest is lost.
func (c *Collector) Offer(event Event) {
	if lost := c.queue.Push(event, int64(len(event.Result))); lost > 0 {
		c.count(Dropped, lost)
	}
}

// Waiting is how many decisions wait to be sent.
func (c *Collector) Waiting() int {
	return c.queue.Len()
}

// Start sends until the context ends, and then once more. Whatever the collector does is never an error here.
func (c *Collector) Start(ctx context.Context) error {
	counted := metrics.New()
	plugin, err := c.plugin(ctx, counted)
	if err != nil {
		return fmt.Errorf("configuring OPA's decision log: %w", err)
	}
	sender := sender{plugin: plugin, counted: counted, count: c.count, longest: c.longest()}
	for c.waits(ctx) {
		sender.send(ctx, c.queue.Take(batch))
		c.pause(ctx)
	}
	// What comes now comes too late.
	c.queue.Close()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.farewell)
	defer cancel()
	for events := c.queue.Take(batch); len(events) > 0; events = c.queue.Take(batch) {
		sender.send(ctx, events)
	}
	sender.end()
	return nil
}

// waits returns when there are decisions; false says that the context ended.
func (c *Collector) waits(ctx context.Context) bool {
	select {
	case <-c.queue.Ready():
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// pause waits between two uploads, so that several decisions make one, and replicas do not all come at once.
func (c *Collector) pause(ctx context.Context) {
	least := time.Duration(*c.config.logs.Reporting.MinDelay) * time.Second
	wait(ctx, least+rand.N(c.longest()-least+1))
}

// longest is the longest delay between two uploads or attempts.
func (c *Collector) longest() time.Duration {
	return time.Duration(*c.config.logs.Reporting.MaxDelay) * time.Second
}

// plugin is OPA's plugin, in a manager that has nothing else.
func (c *Collector) plugin(ctx context.Context, counted metrics.Metrics) (*logs.Plugin, error) {
	manager, err := plugins.New(c.config.text, "portcullis", inmem.New(), plugins.Logger(newLogger(ctx)))
	if err != nil {
		return nil, err
	}
	trigger := plugins.TriggerManual
	config, err := logs.NewConfigBuilder().WithBytes(c.config.plugin).WithServices(manager.Services()).WithTriggerMode(&trigger).Parse()
	if err != nil {
		return nil, err
	}
	if config == nil {
		return nil, errors.New("decision_logs must say what to send where, says nothing")
	}
	return logs.New(config, manager).WithMetrics(counted), nil
}

// sender hands decisions to OPA, and sees to it that they arrive.
type sender struct {
	plugin  *logs.Plugin
	counted metrics.Metrics
	count   func(result string, decisions int)
	longest time.Duration
	// left are decisions that OPA holds, and unwritten how many it could not write, up to now.
	left      int
	unwritten uint64
	failing   bool
}

// send sends decisions, as often as it takes, until the context ends.
func (s *sender) send(ctx context.Context, events []Event) {
	for _, event := range events {
		result := any(event.Result)
		// Never an error of the collector: this only writes.
		err := s.plugin.Log(ctx, &server.Info{
			DecisionID: event.ID,
			Timestamp:  event.Time,
			Path:       event.Path,
			Bundles:    map[string]server.BundleInfo{"portcullis": {Revision: event.Revision}},
			Results:    &result,
		})
		if err != nil {
			s.count(Failed, 1)
			continue
		}
		s.left++
	}
	for delay := firstRetry; ; delay = min(2*delay, max(s.longest, firstRetry)) {
		err := s.upload(ctx)
		if err == nil {
			s.arrived(ctx)
			return
		}
		if ctx.Err() != nil {
			return
		}
		if !s.failing {
			s.failing = true
			log.FromContext(ctx).Error(err, "Kept decisions that the collector does not take")
		}
		wait(ctx, delay)
	}
}

// upload makes one attempt.
func (s *sender) upload(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	if err := s.plugin.Trigger(ctx); err != nil {
		return err
	}
	// An earlier attempt that was given up puts back what it had, perhaps behind this one.
	if _, size := s.plugin.BufferSize(); size > 0 {
		return errors.New("everything must be sent, is not yet")
	}
	return nil
}

// arrived counts what OPA held.
func (s *sender) arrived(ctx context.Context) {
	unwritten, _ := s.counted.Counter(failures).Value().(uint64)
	failed := int(unwritten - s.unwritten)
	s.unwritten = unwritten
	if failed > 0 {
		s.count(Failed, failed)
	}
	if sent := s.left - failed; sent > 0 {
		s.count(Sent, sent)
	}
	s.left = 0
	if s.failing {
		s.failing = false
		log.FromContext(ctx).Info("Sent the decisions that the collector did not take")
	}
}

// end counts what nobody will send any more.
func (s *sender) end() {
	if s.left > 0 {
		s.count(Dropped, s.left)
	}
}

// wait waits for a while, or until the context ends.
func wait(ctx context.Context, while time.Duration) {
	timer := time.NewTimer(while)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
