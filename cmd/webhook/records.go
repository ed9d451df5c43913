package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"portcullis.dev/portcullis/pkg/decision"
	"portcullis.dev/portcullis/pkg/policy/collector"
)

// Where the flag --decision-log may have decisions be written to.
const (
	logStdout = "stdout"
	logNone   = "none"
)

// logCollector is the name of the log at the collector.
const logCollector = "collector"

// newRecorder makes the records of decisions, and says who hears of them. served is closed when there will be no more.
func newRecorder(mgr manager.Manager, o options, served <-chan struct{}) (*decision.Recorder, error) {
	counted, err := decision.NewMetrics(metrics.Registry)
	if err != nil {
		return nil, fmt.Errorf("registering the metrics: %w", err)
	}
	out := &decision.Recorder{Listeners: []func(decision.Record){counted.Observe}}
	logged, err := decisionLog(o, served)
	if err != nil || logged == nil {
		return out, err
	}
	out.Listeners = append(out.Listeners, logged.Listen)
	return out, mgr.Add(logged)
}

// decisionLog is the log of decisions, nil when none is wanted.
func decisionLog(o options, served <-chan struct{}) (*decision.Log, error) {
	counts, err := decision.NewCounts(metrics.Registry, logsOf(o)...)
	if err != nil {
		return nil, fmt.Errorf("registering the metrics: %w", err)
	}
	sinks := map[string]decision.Sink{}
	if o.decisionLog == logStdout {
		sinks[logStdout] = decision.NewWriter(os.Stdout, counts.Of(logStdout))
	}
	if o.decisionLogConfig != "" {
		config, err := collector.ReadConfig(o.decisionLogConfig)
		if err != nil {
			return nil, fmt.Errorf("reading the configuration: %w", err)
		}
		sinks[logCollector] = collecting{collector.New(collector.Options{Config: config, Count: counts.Of(logCollector)})}
	}
	if len(sinks) == 0 {
		return nil, nil
	}
	return decision.NewLog(decision.LogOptions{Masking: o.masking(), Sinks: sinks, Counts: counts, Served: served}), nil
}

// masking says which values are told to nobody who was not asked: in no log, and on no page.
func (o options) masking() decision.Masking {
	return decision.Masking{Env: o.maskEnv, Annotations: o.maskAnnotations}
}

// logsOf are the names of the logs that are wanted.
func logsOf(o options) []string {
	var names []string
	if o.decisionLog == logStdout {
		names = append(names, logStdout)
	}
	if o.decisionLogConfig != "" {
		names = append(names, logCollector)
	}
	return names
}

// collecting sends records to a collector.
type collecting struct{ *collector.Collector }

// Offer takes a record to be sent.
func (c collecting) Offer(line decision.Line) {
	record := line.Record
	c.Collector.Offer(collector.Event{ID: record.ID, Time: record.Time, Revision: record.Revision, Path: record.Webhook, Result: line.JSON})
}
