package render

import (
	"fmt"
	"strconv"

	"portcullis.dev/portcullis/pkg/gateway"
)

const (
	// defaultDrainSeconds is how long Envoy drains by default; with the margin it makes 60 s of grace.
	defaultDrainSeconds = 45
	// drainMarginSeconds is what the agent needs, beside draining, to stop before it is killed.
	drainMarginSeconds = 15
)

// drainTimeout is how long connections have to end by themselves when a pod stops, and whether the user asked
// for that. It is the one number from which the agent's and Envoy's drain times, the grace period and the
// load balancer's draining follow: set one by one they contradict each other, and the shortest wins.
func drainTimeout(p gateway.Placed) (seconds int64, asked bool, err error) {
	// Honoured by every mesh version: the pods are ours, and admission says which versions ASM documents it for.
	value, ok := p.Annotations[gateway.AnnotationDrainTimeout]
	if !ok {
		return defaultDrainSeconds, false, nil
	}
	// 31 bits: the grace period, which is longer, must still be a number that the API server takes.
	number, err := strconv.ParseUint(value, 10, 31)
	if err != nil || number == 0 {
		return 0, true, fmt.Errorf("metadata.annotations[%s] must be a whole number of seconds above 0, is %q", gateway.AnnotationDrainTimeout, value)
	}
	return int64(number), true, nil
}

// gracePeriod is how long a pod has before it is killed: for a hook that sleeps first, then to drain, and to
// stop. How long other hooks take nobody can say.
func gracePeriod(p gateway.Placed, drain int64) int64 {
	grace := drain + drainMarginSeconds
	if hooks := p.Spec.Lifecycle; hooks != nil && hooks.PreStop != nil && hooks.PreStop.Sleep != nil {
		grace += hooks.PreStop.Sleep.Seconds
	}
	return grace
}
