package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// caBundle writes the CA of our own certificates into the webhook configurations, and again whenever either
// changes. Every replica does so: they write the same.
type caBundle struct {
	client        client.Client
	secret        client.ObjectKey
	configuration client.ObjectKey
	// written is true once both configurations have held our CA.
	written atomic.Bool
	now     func() time.Time
	// current is the CA that signs now; nil before it is known.
	current atomic.Pointer[x509.Certificate]

	mu sync.Mutex
	// since is when both configurations first held a CA, by its certificate.
	since map[string]time.Time
}

// addCABundle starts the writer with the manager, and holds readiness until it has written once: before
// that, no API server trusts us.
func addCABundle(mgr manager.Manager, o options) (*caBundle, error) {
	writer := &caBundle{
		client:        mgr.GetClient(),
		secret:        client.ObjectKey{Namespace: o.caNamespace, Name: o.caName},
		configuration: client.ObjectKey{Name: o.configuration},
		now:           time.Now,
		since:         map[string]time.Time{},
	}
	// There is one thing to do, whatever changed.
	same := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{{NamespacedName: writer.configuration}}
	})
	err := builder.ControllerManagedBy(mgr).
		Named("cabundle").
		Watches(&corev1.Secret{}, same).
		Watches(&admissionregistrationv1.MutatingWebhookConfiguration{}, same).
		Watches(&admissionregistrationv1.ValidatingWebhookConfiguration{}, same).
		Complete(writer)
	if err != nil {
		return nil, err
	}
	return writer, mgr.AddReadyzCheck("cabundle", writer.check)
}

// Reconcile brings both configurations to the CA in the Secret, beside those before it that still hold.
func (w *caBundle) Reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	secret := &corev1.Secret{}
	if err := w.client.Get(ctx, w.secret, secret); err != nil {
		// Its creation is an event, and brings us back.
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	ca := secret.Data["ca.crt"]
	if len(ca) == 0 {
		return reconcile.Result{}, nil
	}
	if err := errors.Join(w.writeMutating(ctx, ca), w.writeValidating(ctx, ca)); err != nil {
		return reconcile.Result{}, err
	}
	w.written.Store(true)
	w.note(ca)
	return reconcile.Result{}, nil
}

// note remembers which CA signs, and since when the configurations hold it.
func (w *caBundle) note(ca []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, certificate := range certificatesIn(ca) {
		w.current.Store(certificate)
		if _, known := w.since[string(certificate.Raw)]; !known {
			w.since[string(certificate.Raw)] = w.now()
		}
	}
}

// heldFor says for how long the configurations have held the CA that signed a certificate; zero when they do not.
func (w *caBundle) heldFor(signed *x509.Certificate) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	for raw, since := range w.since {
		ca, err := x509.ParseCertificate([]byte(raw))
		if err == nil && signed.CheckSignatureFrom(ca) == nil {
			return w.now().Sub(since)
		}
	}
	return 0
}

// writeMutating writes the CA into the mutating configuration.
func (w *caBundle) writeMutating(ctx context.Context, ca []byte) error {
	config := &admissionregistrationv1.MutatingWebhookConfiguration{}
	if err := w.client.Get(ctx, w.configuration, config); err != nil {
		return fmt.Errorf("reading MutatingWebhookConfiguration %s: %w", w.configuration.Name, err)
	}
	stored := config.DeepCopy()
	changed := false
	for i := range config.Webhooks {
		changed = setCA(&config.Webhooks[i].ClientConfig, ca, w.now()) || changed
	}
	return w.write(ctx, config, stored, changed)
}

// writeValidating writes the CA into the validating configuration.
func (w *caBundle) writeValidating(ctx context.Context, ca []byte) error {
	config := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	if err := w.client.Get(ctx, w.configuration, config); err != nil {
		return fmt.Errorf("reading ValidatingWebhookConfiguration %s: %w", w.configuration.Name, err)
	}
	stored := config.DeepCopy()
	changed := false
	for i := range config.Webhooks {
		changed = setCA(&config.Webhooks[i].ClientConfig, ca, w.now()) || changed
	}
	return w.write(ctx, config, stored, changed)
}

// write stores a configuration that changed, unless somebody else changed it meanwhile.
func (w *caBundle) write(ctx context.Context, config, stored client.Object, changed bool) error {
	if !changed {
		return nil
	}
	if err := w.client.Patch(ctx, config, client.MergeFromWithOptions(stored, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("writing the CA into webhook configuration %s: %w", config.GetName(), err)
	}
	return nil
}

// check refuses readiness until the API server can trust us.
func (w *caBundle) check(*http.Request) error {
	if !w.written.Load() {
		return errors.New("the webhook configurations do not hold the CA yet")
	}
	return nil
}

// setCA puts the CA into one webhook, and says whether that changed it.
func setCA(config *admissionregistrationv1.WebhookClientConfig, ca []byte, now time.Time) bool {
	bundle := bundled(config.CABundle, ca, now)
	if bytes.Equal(config.CABundle, bundle) {
		return false
	}
	config.CABundle = bundle
	return true
}
