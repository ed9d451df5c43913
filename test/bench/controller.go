package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/render"
	"portcullis.dev/portcullis/test/env"
)

// silence is for how long nothing must be written for all to be done.
const silence = 2 * time.Second

// crew is the controller at its work.
type crew struct {
	stage   *stage
	path    string
	program *program
	writes  *writes
}

// measureController measures the controller's work in one cluster, beside a bare client who applies the same objects:
// half of them before and half of them after, so that whatever else the machine does meets both.
func measureController(ctx context.Context, s sizes, results *table) (err error) {
	// A thousand load balancers have more ports than an API server gives away by default, twice over for the bare client.
	stage, err := newStage(ctx, env.Options{Audit: true, Flags: map[string]string{"service-node-port-range": "10000-60000"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.plane.Stop()) }()
	crew, err := newCrew(ctx, stage)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, crew.writes.close()) }()
	bare, err := newClient(stage.config)
	if err != nil {
		return err
	}
	half := (s.gateways + 1) / 2
	before, err := stage.measureBare(ctx, bare, 0, half)
	if err != nil {
		return err
	}
	ours, err := crew.measureFromNothing(ctx, s, results)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, crew.program.stop()) }()
	if err := crew.measureAtWork(ctx, s, results); err != nil {
		return err
	}
	after, err := stage.measureBare(ctx, bare, half, s.gateways)
	if err != nil {
		return err
	}
	theirs := before.and(after)
	results.note("a bare client applies the same objects", "%s", rounded(theirs.took))
	results.atMost("from nothing to applied, by the bare client", 1.3, float64(ours.took)/float64(theirs.took), " ×")
	results.note("the same in time of processors, told included", "%.3g ×", float64(ours.processors)/float64(theirs.processors))
	return nil
}

// newCrew builds the controller, and reads along what it writes.
func newCrew(ctx context.Context, s *stage) (*crew, error) {
	path, err := s.build(ctx, "cmd/controller")
	if err != nil {
		return nil, err
	}
	written, err := openWrites(s.plane.AuditLog, s.user)
	return &crew{stage: s, path: path, writes: written}, err
}

// start starts the controller.
func (c *crew) start(ctx context.Context, args ...string) (err error) {
	c.program, err = c.stage.start(ctx, c.path, append(args, "--kubeconfig", c.stage.kubeconfig, "--metrics-bind-address", "0")...)
	return err
}

// measureFromNothing creates gateways, starts the controller, and says what it took from there until all were applied.
func (c *crew) measureFromNothing(ctx context.Context, s sizes, results *table) (effort, error) {
	if err := createGateways(ctx, c.stage.admin, s.gateways, func(int) string { return local }, func(*v1beta1.IstioGateway) {}); err != nil {
		return effort{}, err
	}
	// What the bare client wrote is not the controller's.
	all, err := c.writes.read()
	if err != nil {
		return effort{}, err
	}
	first := len(all)
	before, err := c.stage.processorTime()
	if err != nil {
		return effort{}, err
	}
	progress("starting the controller")
	if err := c.start(ctx); err != nil {
		return effort{}, err
	}
	if all, err = c.settle(ctx, c.stage.admin); err != nil {
		return effort{}, err
	}
	after, err := c.stage.processorTime()
	if err != nil {
		return effort{}, err
	}
	all = all[first:]
	applied, told := time.Duration(0), time.Duration(0)
	for _, write := range all {
		if write.isObject() {
			applied = max(applied, write.at.Sub(c.program.started))
		}
		if write.resource == "istiogateways/status" {
			told = max(told, write.at.Sub(c.program.started))
		}
	}
	results.note(fmt.Sprintf("%d gateways from nothing to applied", s.gateways), "%s, told after %s", rounded(applied), rounded(told))
	results.note("writes for a gateway", "%.1f: %s", float64(len(all))/float64(s.gateways), counted(all))
	return effort{applied, after - before}, results.noteMemory(fmt.Sprintf("controller's memory, %d gateways", s.gateways), 0, c.program)
}

// settle waits until every gateway is applied and nothing is written any more, and returns what was written.
func (c *crew) settle(ctx context.Context, admin client.Client) ([]write, error) {
	last, since := -1, time.Now()
	err := wait.PollUntilContextTimeout(ctx, silence/20, patience, true, func(ctx context.Context) (bool, error) {
		all, err := c.writes.read()
		if err != nil {
			return false, err
		}
		if len(all) != last {
			last, since = len(all), time.Now()
		}
		if time.Since(since) < silence {
			return false, nil
		}
		since = time.Now()
		left, err := unapplied(ctx, admin)
		return left == 0, err
	})
	if err != nil {
		return nil, fmt.Errorf("waiting until everything is applied: %w", err)
	}
	return c.writes.read()
}

// measureAtWork measures what the controller does once everything is applied.
func (c *crew) measureAtWork(ctx context.Context, s sizes, results *table) error {
	if err := c.measureSteady(ctx, s, results); err != nil {
		return fmt.Errorf("watching the steady state: %w", err)
	}
	if err := c.stage.measureEdits(ctx, s, "an edit until it is applied", func(i int) string { return nameOf(i % s.gateways) }, results); err != nil {
		return fmt.Errorf("following edits: %w", err)
	}
	if _, err := c.settle(ctx, c.stage.admin); err != nil {
		return err
	}
	if err := results.noteMemory("controller's memory after the edits", 0, c.program); err != nil {
		return err
	}
	return c.measureRestart(ctx, s, results)
}

// measureSteady counts what is written while nothing changes.
func (c *crew) measureSteady(ctx context.Context, s sizes, results *table) error {
	progress("watching the steady state for %s", s.steady)
	before, err := c.writes.read()
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(s.steady):
	}
	after, err := c.writes.read()
	if err != nil {
		return err
	}
	results.atMost("writes a minute in the steady state", 0, float64(len(after)-len(before))/s.steady.Minutes(), "")
	return nil
}

// measureEdits edits gateways one after the other, and waits for each until the local cluster has what comes of it.
func (s *stage) measureEdits(ctx context.Context, sizes sizes, what string, name func(int) string, results *table) error {
	progress("following %d edits", sizes.edits)
	changes, err := s.admin.Watch(ctx, &autoscalingv2.HorizontalPodAutoscalerList{}, client.InNamespace(namespace), client.HasLabels{render.LabelGateway})
	if err != nil {
		return fmt.Errorf("watching HorizontalPodAutoscalers: %w", err)
	}
	defer changes.Stop()
	var took []time.Duration
	for i := range sizes.edits {
		began := time.Now()
		if err := s.edit(ctx, name(i), 100+i); err != nil {
			return err
		}
		if err := awaitScaling(ctx, changes, "istio-"+name(i), 100+i); err != nil {
			return err
		}
		took = append(took, time.Since(began))
	}
	results.note(what, "%s", spread(took))
	results.within(what+", p99", time.Second, percentile(took, 0.99))
	return nil
}

// edit changes the most pods that a gateway may have.
func (s *stage) edit(ctx context.Context, name string, most int) error {
	gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec":{"maxReplicas":%d}}`, most))
	if err := s.admin.Patch(ctx, gw, patch); err != nil {
		return fmt.Errorf("editing IstioGateway %s: %w", name, err)
	}
	return nil
}

// awaitScaling waits until an autoscaler is what an edit makes of it.
func awaitScaling(ctx context.Context, changes watch.Interface, name string, most int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, fmt.Errorf("HorizontalPodAutoscaler %s must get maxReplicas %d within a minute, has not", name, most))
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case event, open := <-changes.ResultChan():
			if !open {
				return errors.New("watching HorizontalPodAutoscalers: the watch ended")
			}
			scaler, ok := event.Object.(*autoscalingv2.HorizontalPodAutoscaler)
			if ok && scaler.Name == name && int(scaler.Spec.MaxReplicas) == most {
				return nil
			}
		}
	}
}

// measureRestart kills the controller, edits some gateways, starts it again, and measures how long it takes until those
// are applied, and what it writes.
func (c *crew) measureRestart(ctx context.Context, s sizes, results *table) error {
	if err := c.program.stop(); err != nil {
		return err
	}
	edits := min(10, s.gateways)
	for i := range edits {
		// Spread over all of them: whatever the order is in which they are looked at, one of these is late.
		if err := c.stage.edit(ctx, nameOf(i*s.gateways/edits), 1000+i); err != nil {
			return err
		}
	}
	before, err := c.writes.read()
	if err != nil {
		return err
	}
	if err := c.start(ctx); err != nil {
		return err
	}
	all, err := c.settle(ctx, c.stage.admin)
	if err != nil {
		return err
	}
	all = all[len(before):]
	results.note(fmt.Sprintf("restart, and %d gateways edited meanwhile applied", edits), "%s", rounded(all[len(all)-1].at.Sub(c.program.started)))
	results.note("writes after the restart", "%d: %s", len(all), counted(all))
	return nil
}
