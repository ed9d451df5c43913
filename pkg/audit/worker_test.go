package audit

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8sevents "k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/flowcontrol"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/policies"
)

// bench is a worker over a store of its own, with what it does to it.
type bench struct {
	*worker
	store    client.Client
	recorder *k8sevents.FakeRecorder
	writes   int
	// refuse fails every write of a status while it is set.
	refuse error
	now    time.Time
}

// newBench is a worker over some objects.
func newBench(t *testing.T, objects ...client.Object) *bench {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1beta1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	b := &bench{recorder: k8sevents.NewFakeRecorder(100), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	b.store = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&v1beta1.IstioGateway{}).
		WithInterceptorFuncs(interceptor.Funcs{SubResourceApply: func(ctx context.Context, c client.Client, name string, object runtime.ApplyConfiguration, opts ...client.SubResourceApplyOption) error {
			b.writes++
			if b.refuse != nil {
				return b.refuse
			}
			return c.SubResource(name).Apply(ctx, object, opts...)
		}}).Build()
	clock, counted := func() time.Time { return b.now }, newTally()
	b.worker = &worker{
		client:   b.store,
		rules:    &rulebook{reader: b.store, library: policies.FS, changed: func() {}},
		pace:     flowcontrol.NewFakeAlwaysRateLimiter(),
		interval: time.Minute,
		tally:    counted,
		reports:  &reports{client: b.store, versions: func(context.Context) ([]string, error) { return nil, nil }, ask: time.Minute, now: clock, failed: counted.failures.Inc},
		events:   events{recorder: b.recorder},
		now:      clock,
	}
	return b
}

// stored is a gateway of the store, with a UID.
func stored(t *testing.T, spec string) *v1beta1.IstioGateway {
	t.Helper()
	gw := typed(t, gatewayOf(t, spec))
	gw.UID, gw.Generation = "u-1", 3
	return gw
}

// c1 is a registered cluster.
func c1() client.Object {
	out := cluster("c1", "1.26.0")
	return &out
}

// requestOf asks for a gateway.
func requestOf(name string) reconcile.Request {
	return reconcile.Request{NamespacedName: client.ObjectKey{Namespace: "istio-system", Name: name}}
}

// pass audits the gateway once, and returns it as it is stored then.
func (b *bench) pass(t *testing.T) *v1beta1.IstioGateway {
	t.Helper()
	request := requestOf("edge")
	result, err := b.Reconcile(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	gw := &v1beta1.IstioGateway{}
	if err := b.store.Get(t.Context(), request.NamespacedName, gw); err != nil {
		t.Fatal(err)
	}
	if result.RequeueAfter != time.Minute {
		t.Errorf("comes again after %s, want after a minute", result.RequeueAfter)
	}
	return gw
}

// heard are what was told since the last call.
func (b *bench) heard() []string {
	var out []string
	for {
		select {
		case told := <-b.recorder.Events:
			out = append(out, told)
		default:
			return out
		}
	}
}

func TestAuditWritesWhatItFoundOnce(t *testing.T) {
	b := newBench(t, stored(t, `{clusterIds: [c9]}`), c1())
	gw := b.pass(t)
	condition := meta.FindStatusCondition(gw.Status.Conditions, v1beta1.ConditionCompliant)
	if condition == nil || condition.Status != metav1.ConditionFalse || condition.Message != "The rules in force would refuse it: cluster_ids (1)" || condition.ObservedGeneration != 3 {
		t.Errorf("got condition %+v", condition)
	}
	if gw.Status.Audit == nil || *gw.Status.Audit != (v1beta1.AuditStatus{Denials: 1}) {
		t.Errorf("got counts %+v", gw.Status.Audit)
	}
	if heard := b.heard(); len(heard) != 1 || heard[0] != "Warning RefusedByAudit Refused by audit: The rules in force would refuse it: cluster_ids (1)" {
		t.Errorf("got events %q", heard)
	}
	b.pass(t)
	if heard := b.heard(); b.writes != 1 || len(heard) != 0 {
		t.Errorf("got %d writes and events %q after a second pass, want one write and none", b.writes, heard)
	}
}

func TestAuditTellsWhenAGatewayIsInOrderAgain(t *testing.T) {
	b := newBench(t, stored(t, `{clusterIds: [c1]}`))
	b.pass(t)
	if heard := b.heard(); len(heard) != 1 {
		t.Fatalf("got events %q, want one: the cluster is unknown", heard)
	}
	// What cannot be decided in between is no news of either kind.
	library := b.rules.library
	b.rules.library = nil
	if condition := meta.FindStatusCondition(b.pass(t).Status.Conditions, v1beta1.ConditionCompliant); condition.Status != metav1.ConditionUnknown {
		t.Errorf("got condition %+v, want it unknown", condition)
	}
	b.rules.library = library
	if err := b.store.Create(t.Context(), c1()); err != nil {
		t.Fatal(err)
	}
	gw := b.pass(t)
	if heard := b.heard(); len(heard) != 1 || heard[0] != "Normal ClearedByAudit Cleared by audit: nothing would refuse the gateway any more" {
		t.Errorf("got events %q", heard)
	}
	if !meta.IsStatusConditionTrue(gw.Status.Conditions, v1beta1.ConditionCompliant) || *gw.Status.Audit != (v1beta1.AuditStatus{}) {
		t.Errorf("got status %+v", gw.Status)
	}
}

// Nothing was wrong before, so nothing has become right.
func TestAuditTellsNoEventOfAGatewayThatWasNeverRefused(t *testing.T) {
	b := newBench(t, stored(t, `{clusterIds: [c1]}`), c1())
	if b.pass(t); len(b.heard()) != 0 {
		t.Error("told an event")
	}
}

func TestAuditAsksTheRulesOfPoliciesAsSoonAsTheyAreThere(t *testing.T) {
	b := newBench(t, stored(t, `{clusterIds: [c1]}`), c1())
	b.pass(t)
	policy := &v1alpha1.GatewayPolicy{ObjectMeta: metav1.ObjectMeta{Name: "acme", UID: "p-1", Generation: 1}, Spec: v1alpha1.GatewayPolicySpec{
		Modules: map[string]string{"validate/owner/owner.rego": "# METADATA\n# title: Owner\n# description: Somebody must be woken.\npackage own.acme.validate.owner\n\n" +
			"deny contains {\"code\": \"owner\", \"field\": \"metadata.labels\", \"message\": \"must have an owner, has none\", \"fix\": \"\"} if not input.gateway.metadata.labels.owner\n"},
	}}
	if err := b.store.Create(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	if condition := meta.FindStatusCondition(b.pass(t).Status.Conditions, v1beta1.ConditionCompliant); condition.Message != "The rules in force would refuse it: owner (1)" {
		t.Errorf("got condition %+v", condition)
	}
	// A set that cannot be used changes nothing, as for the webhook.
	policy.Spec.Modules["validate/owner/owner.rego"], policy.Generation = "package own.acme.validate.owner\n\nno Rego", 2
	if err := b.store.Update(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	if condition := meta.FindStatusCondition(b.pass(t).Status.Conditions, v1beta1.ConditionCompliant); condition.Message != "The rules in force would refuse it: owner (1)" {
		t.Errorf("got condition %+v", condition)
	}
}

func TestAuditSaysWhyNothingCouldBeDecided(t *testing.T) {
	b := newBench(t, stored(t, `{clusterIds: [c1]}`), c1())
	b.rules.options.Parameters = map[string]any{"nobody": map[string]any{}}
	gw := b.pass(t)
	condition := meta.FindStatusCondition(gw.Status.Conditions, v1beta1.ConditionCompliant)
	b.interval = time.Hour
	if result, err := b.Reconcile(t.Context(), requestOf("edge")); err != nil || result.RequeueAfter != time.Minute {
		t.Errorf("comes again after %s, error %v, want after a minute", result.RequeueAfter, err)
	}
	if condition.Status != metav1.ConditionUnknown || !strings.HasPrefix(condition.Message, "Nothing could be decided: compiling the rules: ") || gw.Status.Audit != nil {
		t.Errorf("got %+v and counts %v", condition, gw.Status.Audit)
	}
	expectTold(t, b.tally, map[string]float64{"portcullis_audit_failures_total": 2})
}

func TestAuditComesAgainWhenItCouldNotWrite(t *testing.T) {
	b := newBench(t, stored(t, `{clusterIds: [c9]}`), c1())
	b.refuse = errors.New("too many requests")
	_, err := b.Reconcile(t.Context(), requestOf("edge"))
	if err == nil || !strings.Contains(err.Error(), "writing the status of IstioGateway istio-system/edge: too many requests") {
		t.Errorf("got error %v", err)
	}
	expectTold(t, b.tally, map[string]float64{"portcullis_audit_failures_total": 1})
	if len(b.heard()) != 0 {
		t.Error("told an event of what was not written")
	}
	b.refuse = nil
	if b.pass(t); len(b.heard()) != 1 {
		t.Error("told no event when it was written at last")
	}
}

func TestAuditCountsWhatThereIsToSayNow(t *testing.T) {
	refused, warned := stored(t, `{clusterIds: [c9]}`), stored(t, `{clusterIds: [c1], cpu: {targetAverageUtilization: 80}}`)
	warned.Name = "told"
	b := newBench(t, refused, warned, c1())
	audit := func(name string) {
		if _, err := b.Reconcile(t.Context(), requestOf(name)); err != nil {
			t.Fatal(err)
		}
	}
	audit("edge")
	first := b.now
	b.now = b.now.Add(time.Hour)
	audit("told")
	want := map[string]float64{
		"portcullis_audit_violations Deny cluster_ids": 1, "portcullis_audit_violations Warn autoscaling": 1, "portcullis_audit_violations Deny ports": 0,
		// Of the gateway whose audit is the longest ago.
		"portcullis_audit_timestamp_seconds": float64(first.Unix()), "portcullis_audit_failures_total": 0,
	}
	expectTold(t, b.tally, want)
	if err := b.store.Delete(t.Context(), refused); err != nil {
		t.Fatal(err)
	}
	audit("edge")
	want["portcullis_audit_violations Deny cluster_ids"], want["portcullis_audit_timestamp_seconds"] = 0, float64(b.now.Unix())
	expectTold(t, b.tally, want)
}

// expectTold expects some of what a collector tells.
func expectTold(t *testing.T, from *tally, want map[string]float64) {
	t.Helper()
	got := told(t, from)
	for name, value := range want {
		if is, there := got[name]; !there || is != value {
			t.Errorf("%s: got %v, want %v", name, is, value)
		}
	}
}

// On its way out nobody would have it changed any more.
func TestAuditLeavesAloneWhatIsBeingDeleted(t *testing.T) {
	gw := stored(t, `{clusterIds: [c9]}`)
	gw.Finalizers = []string{"portcullis.dev/gateway"}
	b := newBench(t, gw, c1())
	if err := b.store.Delete(t.Context(), gw); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(gw)}); err != nil || b.writes != 0 {
		t.Errorf("got error %v and %d writes, want neither", err, b.writes)
	}
}

func TestAuditTakesBackWhatItWroteWhereItIsTurnedOff(t *testing.T) {
	b := newBench(t, stored(t, `{clusterIds: [c9]}`), c1())
	b.pass(t)
	off := retired{b.worker}
	for range 2 {
		if _, err := off.Reconcile(t.Context(), requestOf("edge")); err != nil {
			t.Fatal(err)
		}
	}
	gw := &v1beta1.IstioGateway{}
	if err := b.store.Get(t.Context(), client.ObjectKey{Namespace: "istio-system", Name: "edge"}, gw); err != nil {
		t.Fatal(err)
	}
	if len(gw.Status.Conditions) != 0 || gw.Status.Audit != nil || b.writes != 2 {
		t.Errorf("got status %+v after %d writes, want nothing after two", gw.Status, b.writes)
	}
}
