package main

import (
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"portcullis.dev/portcullis/pkg/decision"
)

// newRecorder makes the records of decisions, and says who hears of them.
func newRecorder() (*decision.Recorder, error) {
	counted, err := decision.NewMetrics(metrics.Registry)
	if err != nil {
		return nil, fmt.Errorf("registering the metrics: %w", err)
	}
	return &decision.Recorder{Listeners: []func(decision.Record){counted.Observe}}, nil
}
