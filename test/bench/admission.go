package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/cert"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/test/env"
)

// labelGuard says which webhooks are asked about a gateway: ours, idle ones, or none.
const labelGuard = "guard"

// The gateways that are updated: ours, one that idle webhooks are asked about, and one that none are.
const (
	ours      = "ours"
	idle      = "idle"
	unguarded = "none"
)

// measureAdmission measures what both webhooks add to an update, beside two that do nothing; and how the webhook starts.
func measureAdmission(ctx context.Context, s sizes, results *table) (err error) {
	stage, err := newStage(ctx, env.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.plane.Stop()) }()
	stop, err := stage.startIdle(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	guard, err := stage.newGuard(ctx)
	if err != nil {
		return err
	}
	if err := guard.start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, guard.program.stop()) }()
	if err := stage.createGuarded(ctx, s.gateways); err != nil {
		return err
	}
	if err := stage.measureUpdates(ctx, s, results); err != nil {
		return err
	}
	if err := results.noteMemory(fmt.Sprintf("webhook's memory, %d gateways", s.gateways), 100, guard.program); err != nil {
		return err
	}
	return guard.measureStart(ctx, s, results)
}

// createGuarded creates many gateways through our webhooks, and those that are updated.
func (s *stage) createGuarded(ctx context.Context, gateways int) error {
	everywhere := func(int) string { return local }
	guardedBy := func(who string) func(*v1beta1.IstioGateway) {
		return func(gw *v1beta1.IstioGateway) { metav1.SetMetaDataLabel(&gw.ObjectMeta, labelGuard, who) }
	}
	if err := s.waitAnswered(ctx); err != nil {
		return err
	}
	if err := createGateways(ctx, s.admin, gateways, everywhere, guardedBy(ours)); err != nil {
		return err
	}
	for _, who := range []string{ours, idle, unguarded} {
		gw, err := newGateway(who, local)
		if err != nil {
			return err
		}
		guardedBy(who)(gw)
		if err := s.admin.Create(ctx, gw); err != nil {
			return fmt.Errorf("creating IstioGateway %s: %w", who, err)
		}
	}
	return nil
}

// waitAnswered waits until the API server gets answers from our webhooks: it trusts them a moment after they are ready.
func (s *stage) waitAnswered(ctx context.Context) error {
	var last error
	err := eventually(ctx, time.Minute, func(ctx context.Context) (bool, error) {
		gw, err := newGateway("question", local)
		if err != nil {
			return false, err
		}
		gw.Labels = map[string]string{labelGuard: ours}
		last = s.admin.Create(ctx, gw, client.DryRunAll)
		return last == nil || apierrors.IsForbidden(last), nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the webhook's first answer: %w: %w", err, last)
	}
	return last
}

// measureUpdates updates the three gateways in turn. What webhooks add is what an update takes longer than the median of
// one without any.
func (s *stage) measureUpdates(ctx context.Context, sizes sizes, results *table) error {
	took := map[string][]time.Duration{}
	// The first ones open connections and fill caches.
	const warming = 20
	for i := range warming + sizes.updates {
		for _, who := range []string{unguarded, idle, ours} {
			gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: who}}
			patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec":{"maxReplicas":%d}}`, 11+i%50))
			began := time.Now()
			if err := s.admin.Patch(ctx, gw, patch); err != nil {
				return fmt.Errorf("updating IstioGateway %s: %w", who, err)
			}
			if i >= warming {
				took[who] = append(took[who], time.Since(began))
			}
		}
	}
	without := percentile(took[unguarded], 0.5)
	results.note("an update without webhooks", "%s", spread(took[unguarded]))
	results.note("added by two webhooks that do nothing", "%s", spread(added(took[idle], without)))
	results.note("added by both of ours", "%s", spread(added(took[ours], without)))
	for _, part := range []float64{0.5, 0.99} {
		ratio := float64(percentile(took[ours], part)-without) / float64(percentile(took[idle], part)-without)
		results.atMost(fmt.Sprintf("added by ours: by those that do nothing, p%.0f", 100*part), 1.5, ratio, " ×")
	}
	return nil
}

// added are durations without what they have in common.
func added(durations []time.Duration, without time.Duration) []time.Duration {
	var out []time.Duration
	for _, duration := range durations {
		out = append(out, duration-without)
	}
	return out
}

// startIdle starts the webhooks that do nothing, for the gateways that are marked so.
func (s *stage) startIdle(ctx context.Context) (stop func() error, err error) {
	path, err := s.build(ctx, "test/bench/idle")
	if err != nil {
		return nil, err
	}
	ca, key, err := cert.GenerateSelfSignedCertKey("localhost", nil, nil)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	directory := filepath.Join(s.plane.Dir, "idle")
	if err := errors.Join(os.Mkdir(directory, 0o755),
		os.WriteFile(filepath.Join(directory, "tls.crt"), ca, 0o600),
		os.WriteFile(filepath.Join(directory, "tls.key"), key, 0o600)); err != nil {
		return nil, fmt.Errorf("writing a certificate: %w", err)
	}
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	program, err := s.start(ctx, path, "--kubeconfig", s.plane.Kubeconfig, "--port", ports[0], "--certificates", directory)
	if err != nil {
		return nil, err
	}
	if err := s.direct(ctx, idle, "https://localhost:"+ports[0], ca); err != nil {
		return nil, errors.Join(err, program.stop())
	}
	return program.stop, nil
}

// direct sends the gateways of a mark to the webhooks of a server.
func (s *stage) direct(ctx context.Context, mark, url string, ca []byte) error {
	mutating, validating, err := env.Webhooks(url, ca)
	if err != nil {
		return err
	}
	marked := &metav1.LabelSelector{MatchLabels: map[string]string{labelGuard: mark}}
	mutating.Webhooks, validating.Webhooks = mutating.Webhooks[:1], validating.Webhooks[:1]
	mutating.Webhooks[0].ObjectSelector, validating.Webhooks[0].ObjectSelector = marked, marked
	if mark == idle {
		rename(mutating, validating)
	}
	return errors.Join(s.admin.Create(ctx, mutating), s.admin.Create(ctx, validating))
}

// rename makes configurations idle ones' by name.
func rename(mutating *admissionregistrationv1.MutatingWebhookConfiguration, validating *admissionregistrationv1.ValidatingWebhookConfiguration) {
	mutating.Name, validating.Name = idle, idle
	mutating.Webhooks[0].Name, validating.Webhooks[0].Name = "mutate.idle.dev", "validate.idle.dev"
}

// guard is our webhook.
type guard struct {
	stage   *stage
	path    string
	port    string
	program *program
}

// newGuard builds our webhook, and sends the gateways that are marked so to it.
func (s *stage) newGuard(ctx context.Context) (*guard, error) {
	path, err := s.build(ctx, "cmd/webhook")
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	return &guard{stage: s, path: path, port: ports[0]}, s.direct(ctx, ours, "https://localhost:"+ports[0], nil)
}

// start starts it.
func (g *guard) start(ctx context.Context) (err error) {
	g.program, err = g.stage.start(ctx, g.path, "--kubeconfig", g.stage.plane.Kubeconfig,
		"--bind-address", "127.0.0.1", "--port", g.port, "--metrics-bind-address", "0",
		"--ca-secret-namespace", namespace, "--dns-names", "localhost")
	return err
}

// measureStart measures how long it takes to be ready, a few times.
func (g *guard) measureStart(ctx context.Context, s sizes, results *table) error {
	var took []time.Duration
	for range 5 {
		if err := g.program.stop(); err != nil {
			return err
		}
		if err := g.start(ctx); err != nil {
			return err
		}
		took = append(took, g.program.ready)
	}
	results.within(fmt.Sprintf("webhook's start until it is ready, %d gateways, p50 of %d", s.gateways, len(took)), time.Second, percentile(took, 0.5))
	return nil
}
