package main

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// caSecret is the Secret that the certificate's authority writes.
func caSecret(data map[string]string) *corev1.Secret {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: "portcullis-webhook-ca"}, Data: map[string][]byte{}}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	return secret
}

// mutating and validating are the configurations, with a webhook for each CA.
func mutating(cas ...string) *admissionregistrationv1.MutatingWebhookConfiguration {
	config := &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "portcullis"}}
	for _, ca := range cas {
		config.Webhooks = append(config.Webhooks, admissionregistrationv1.MutatingWebhook{
			Name: "mutate.portcullis.dev", ClientConfig: admissionregistrationv1.WebhookClientConfig{CABundle: []byte(ca), URL: new("https://localhost/mutate")},
		})
	}
	return config
}

func validating(cas ...string) *admissionregistrationv1.ValidatingWebhookConfiguration {
	config := &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "portcullis"}}
	for _, ca := range cas {
		config.Webhooks = append(config.Webhooks, admissionregistrationv1.ValidatingWebhook{
			Name: "validate.portcullis.dev", ClientConfig: admissionregistrationv1.WebhookClientConfig{CABundle: []byte(ca), URL: new("https://localhost/validate")},
		})
	}
	return config
}

// stage is a writer before an API server that counts what is written.
type stage struct {
	*caBundle
	writes int
	// refuse is what the next writes come back with.
	refuse error
}

// newStage stores objects and puts a writer before them.
func newStage(t *testing.T, stored ...client.Object) *stage {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	s := &stage{}
	api := fake.NewClientBuilder().WithScheme(scheme).WithObjects(stored...).WithInterceptorFuncs(interceptor.Funcs{
		Patch: func(ctx context.Context, api client.WithWatch, object client.Object, patch client.Patch, opts ...client.PatchOption) error {
			s.writes++
			if s.refuse != nil {
				return s.refuse
			}
			return api.Patch(ctx, object, patch, opts...)
		},
	}).Build()
	s.caBundle = &caBundle{
		client:        api,
		secret:        client.ObjectKey{Namespace: "istio-system", Name: "portcullis-webhook-ca"},
		configuration: client.ObjectKey{Name: "portcullis"},
		now:           time.Now,
		since:         map[string]time.Time{},
	}
	return s
}

// reconciled runs one pass, which must go well.
func (s *stage) reconciled(t *testing.T) {
	t.Helper()
	result, err := s.Reconcile(t.Context(), reconcile.Request{})
	if err != nil || result != (reconcile.Result{}) {
		t.Fatalf("got %+v, %v", result, err)
	}
}

// expectCAs compares the CA of every webhook that is stored.
func (s *stage) expectCAs(t *testing.T, want ...string) {
	t.Helper()
	left, right := mutating(), validating()
	for _, object := range []client.Object{left, right} {
		if err := s.client.Get(t.Context(), s.configuration, object); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, webhook := range left.Webhooks {
		got = append(got, string(webhook.ClientConfig.CABundle))
		if *webhook.ClientConfig.URL != "https://localhost/mutate" || webhook.Name != "mutate.portcullis.dev" {
			t.Errorf("got webhook %+v, want nothing changed but its CA", webhook)
		}
	}
	for _, webhook := range right.Webhooks {
		got = append(got, string(webhook.ClientConfig.CABundle))
		if *webhook.ClientConfig.URL != "https://localhost/validate" || webhook.Name != "validate.portcullis.dev" {
			t.Errorf("got webhook %+v, want nothing changed but its CA", webhook)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("got CAs %q, want %q", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("got CAs %q, want %q", got, want)
		}
	}
}

// expectReady compares the readiness check.
func (s *stage) expectReady(t *testing.T, want bool) {
	t.Helper()
	err := s.check(nil)
	if want && err != nil {
		t.Errorf("got %v, want ready", err)
	}
	if !want && (err == nil || err.Error() != "the webhook configurations do not hold the CA yet") {
		t.Errorf("got %v, want not ready yet", err)
	}
}

func TestCAIsWrittenIntoEveryWebhookOfBothConfigurations(t *testing.T) {
	s := newStage(t, caSecret(map[string]string{"ca.crt": "ours", "tls.crt": "another"}), mutating("", "old"), validating("", "ours", "old"))
	s.expectReady(t, false)
	s.reconciled(t)
	s.expectCAs(t, "ours", "ours", "ours", "ours", "ours")
	s.expectReady(t, true)
	if s.writes != 2 {
		t.Errorf("got %d writes, want one for each configuration", s.writes)
	}
}

func TestCAIsWrittenAgainWhenItChangesAndNotOtherwise(t *testing.T) {
	s := newStage(t, caSecret(map[string]string{"ca.crt": "ours"}), mutating(""), validating(""))
	s.reconciled(t)
	before := s.writes
	s.reconciled(t)
	if s.writes != before {
		t.Errorf("got %d more writes of the same CA", s.writes-before)
	}
	if err := s.client.Update(t.Context(), caSecret(map[string]string{"ca.crt": "renewed"})); err != nil {
		t.Fatal(err)
	}
	s.reconciled(t)
	s.expectCAs(t, "renewed", "renewed")
}

func TestCAIsWrittenAgainWhenSomebodyTakesItAway(t *testing.T) {
	s := newStage(t, caSecret(map[string]string{"ca.crt": "ours"}), mutating("ours"), validating("theirs"))
	s.reconciled(t)
	s.expectCAs(t, "ours", "ours")
	if s.writes != 1 {
		t.Errorf("got %d writes, want one: the other configuration holds it", s.writes)
	}
}

func TestCAIsReadyWithoutAWriteWhereItIsThereAlready(t *testing.T) {
	s := newStage(t, caSecret(map[string]string{"ca.crt": "ours"}), mutating("ours"), validating("ours"))
	s.reconciled(t)
	s.expectReady(t, true)
	if s.writes != 0 {
		t.Errorf("got %d writes of what is there", s.writes)
	}
}

func TestCAIsWaitedFor(t *testing.T) {
	tests := map[string][]client.Object{
		"when its Secret is missing":      {mutating("old"), validating("old")},
		"when its Secret is empty":        {caSecret(nil), mutating("old"), validating("old")},
		"when its Secret holds an empty":  {caSecret(map[string]string{"ca.crt": ""}), mutating("old"), validating("old")},
		"when its Secret holds only keys": {caSecret(map[string]string{"tls.key": "k"}), mutating("old"), validating("old")},
	}
	for name, stored := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, stored...)
			s.reconciled(t)
			s.expectReady(t, false)
			s.expectCAs(t, "old", "old")
			if s.writes != 0 {
				t.Errorf("got %d writes", s.writes)
			}
		})
	}
}

func TestCAIsNotReadyUntilBothConfigurationsHoldIt(t *testing.T) {
	secret := caSecret(map[string]string{"ca.crt": "ours"})
	tests := map[string]struct {
		stored []client.Object
		want   string
	}{
		"without the mutating one":   {[]client.Object{secret, validating("")}, `reading MutatingWebhookConfiguration portcullis: mutatingwebhookconfigurations.admissionregistration.k8s.io "portcullis" not found`},
		"without the validating one": {[]client.Object{secret, mutating("")}, `reading ValidatingWebhookConfiguration portcullis: validatingwebhookconfigurations.admissionregistration.k8s.io "portcullis" not found`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, test.stored...)
			_, err := s.Reconcile(t.Context(), reconcile.Request{})
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if s.writes != 1 {
				t.Errorf("got %d writes, want one: what is there gets the CA all the same", s.writes)
			}
			s.expectReady(t, false)
		})
	}
}

func TestCAIsTriedAgainWhenAWriteIsRefused(t *testing.T) {
	conflict := apierrors.NewConflict(admissionregistrationv1.Resource("mutatingwebhookconfigurations"), "portcullis", errors.New("somebody else wrote"))
	s := newStage(t, caSecret(map[string]string{"ca.crt": "ours"}), mutating(""), validating("ours"))
	s.refuse = conflict
	_, err := s.Reconcile(t.Context(), reconcile.Request{})
	if !errors.Is(err, conflict) {
		t.Errorf("got %v, want the conflict", err)
	}
	s.expectReady(t, false)
	s.refuse = nil
	s.reconciled(t)
	s.expectCAs(t, "ours", "ours")
	s.expectReady(t, true)
}

// Two replicas and an administrator write the same object: a write that is based on what somebody changed
// meanwhile would undo their change.
func TestCAIsNotWrittenOverWhatSomebodyElseChangedMeanwhile(t *testing.T) {
	s := newStage(t, caSecret(map[string]string{"ca.crt": "ours"}), mutating(""), validating("ours"))
	stale := mutating()
	if err := s.client.Get(t.Context(), s.configuration, stale); err != nil {
		t.Fatal(err)
	}
	theirs := stale.DeepCopy()
	theirs.Labels = map[string]string{"team": "platform"}
	if err := s.client.Update(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	changed := stale.DeepCopy()
	changed.Webhooks[0].ClientConfig.CABundle = []byte("ours")
	err := s.write(t.Context(), changed, stale, true)
	if !apierrors.IsConflict(err) {
		t.Errorf("got %v, want a conflict", err)
	}
	s.reconciled(t)
	if err := s.client.Get(t.Context(), s.configuration, stale); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(stale.Labels, theirs.Labels) || string(stale.Webhooks[0].ClientConfig.CABundle) != "ours" {
		t.Errorf("got labels %v and CA %q, want both changes", stale.Labels, stale.Webhooks[0].ClientConfig.CABundle)
	}
}

func TestCAStaysReadyOnceItWasWritten(t *testing.T) {
	s := newStage(t, caSecret(map[string]string{"ca.crt": "ours"}), mutating(""), validating(""))
	s.reconciled(t)
	if err := s.client.Delete(t.Context(), mutating()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reconcile(t.Context(), reconcile.Request{}); err == nil {
		t.Error("a missing configuration is no error")
	}
	// A replica that serves what it can must not be taken out for what it cannot mend.
	s.expectReady(t, true)
}
