package main

import (
	"context"
	"fmt"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"portcullis.dev/portcullis/pkg/policy/bundle"
)

// Reasons of the events about bundles.
const (
	// reasonActivated: another bundle is in force.
	reasonActivated = "BundleActivated"
	// reasonFailed: a bundle could not be had or was refused, and the last good one stays.
	reasonFailed = "BundleFailed"
	// reasonRecovered: what is in force is again what the server has.
	reasonRecovered = "BundleRecovered"
)

// noteLimit is how long an event's sentence may be, by the API server.
const noteLimit = 1024

// bundleReporter tells people what becomes of bundles. A bundle is no object that an event could be about, and a Pod
// is gone when somebody looks; so the events are about the ValidatingWebhookConfiguration, which is what a bundle
// changes the behaviour of, and what `kubectl describe` is asked about when gateways are refused.
type bundleReporter struct {
	// writer writes, reader reads past the cache: the cache may not hold webhook configurations.
	writer client.Client
	reader client.Reader
	// configuration is the name of the ValidatingWebhookConfiguration.
	configuration string
	// instance is the name of this replica.
	instance string
	// condition is that of the replica's own Pod.
	condition bundleCondition
	news      chan bundle.Status
}

// newBundleReporter prepares the reporter.
func newBundleReporter(mgr manager.Manager, o options) *bundleReporter {
	return &bundleReporter{
		writer:        mgr.GetClient(),
		reader:        mgr.GetAPIReader(),
		configuration: o.configuration,
		instance:      o.replica,
		condition:     bundleCondition{pod: client.ObjectKey{Namespace: o.namespace, Name: o.replica}},
		news:          make(chan bundle.Status, 100),
	}
}

// report takes a status that says something new. It never waits: when nothing can be written for so long that a
// hundred are outstanding, the next ones are dropped; the log has them.
func (r *bundleReporter) report(status bundle.Status) {
	select {
	case r.news <- status:
	default:
	}
}

// NeedLeaderElection says that every replica tells of its bundle.
func (*bundleReporter) NeedLeaderElection() bool {
	return false
}

// Start writes events and the condition until the context ends.
func (r *bundleReporter) Start(ctx context.Context) error {
	revision := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case status := <-r.news:
			before := revision
			revision = status.Revision
			r.insist(ctx, func(ctx context.Context) error { return r.condition.write(ctx, r.writer, status) })
			r.insist(ctx, func(ctx context.Context) error { return r.event(ctx, status, before) })
		}
	}
}

// insist writes something. Where another attempt may help it makes some, for a quarter of a minute.
func (*bundleReporter) insist(ctx context.Context, write func(context.Context) error) {
	var failure error
	backoff := wait.Backoff{Duration: time.Second, Factor: 2, Steps: 5}
	_ = wait.ExponentialBackoffWithContext(ctx, backoff, func(ctx context.Context) (bool, error) {
		failure = write(ctx)
		hopeless := apierrors.IsForbidden(failure) || apierrors.IsInvalid(failure) || apierrors.IsNotFound(failure)
		return failure == nil || hopeless, nil
	})
	if failure != nil && ctx.Err() == nil {
		log.FromContext(ctx).Error(failure, "Told nobody about the bundle")
	}
}

// event writes one event. Recorders are of no use here: they take two events of one reason for one, and keep the
// first sentence alone.
func (r *bundleReporter) event(ctx context.Context, status bundle.Status, before string) error {
	about := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	// It may be away in an emergency, or in a file of the API server: there is something to tell all the same.
	if err := r.reader.Get(ctx, client.ObjectKey{Name: r.configuration}, about); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading ValidatingWebhookConfiguration %s: %w", r.configuration, err)
	}
	kind, reason, note := words(status, before)
	event := &eventsv1.Event{
		// Events about what has no namespace lie here.
		ObjectMeta:          metav1.ObjectMeta{GenerateName: r.configuration + "-", Namespace: metav1.NamespaceDefault},
		EventTime:           metav1.MicroTime{Time: time.Now()},
		ReportingController: "portcullis.dev/webhook",
		ReportingInstance:   r.instance,
		Action:              "LoadBundle",
		Type:                kind,
		Reason:              reason,
		Note:                shortened(note),
		Regarding: corev1.ObjectReference{
			APIVersion: admissionregistrationv1.SchemeGroupVersion.String(),
			Kind:       "ValidatingWebhookConfiguration",
			Name:       r.configuration,
			UID:        about.UID,
		},
	}
	if err := r.writer.Create(ctx, event); err != nil {
		return fmt.Errorf("creating the event %q: %w", note, err)
	}
	return nil
}

// words say what is new.
func words(status bundle.Status, before string) (kind, reason, note string) {
	switch {
	case status.Err != nil && status.Revision == "":
		return corev1.EventTypeWarning, reasonFailed, fmt.Sprintf("Found no bundle to begin with: %v", status.Err)
	case status.Err != nil:
		return corev1.EventTypeWarning, reasonFailed, fmt.Sprintf("Kept bundle %s: %v", status.Revision, status.Err)
	case status.Revision != before:
		return corev1.EventTypeNormal, reasonActivated, "Activated bundle " + status.Revision
	default:
		return corev1.EventTypeNormal, reasonRecovered, fmt.Sprintf("Found bundle %s to be the newest again", status.Revision)
	}
}

// shortened is a note that an event can hold.
func shortened(note string) string {
	const more = " …"
	if len(note) <= noteLimit {
		return note
	}
	return note[:noteLimit-len(more)] + more
}
