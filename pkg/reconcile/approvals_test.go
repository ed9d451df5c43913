package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
)

// noon is now, in these tests.
var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// instant is an instant some time from noon.
func instant(d time.Duration) *metav1.Time {
	return &metav1.Time{Time: noon.Add(d)}
}

// approvalOf is an approval of what is pending of a gateway, made an hour ago.
func approvalOf(gw *v1beta1.IstioGateway, edits ...func(*v1alpha1.ChangeApproval)) *v1alpha1.ChangeApproval {
	approval := &v1alpha1.ChangeApproval{
		ObjectMeta: metav1.ObjectMeta{Namespace: gw.Namespace, Name: "edge-1", UID: "a", CreationTimestamp: *instant(-time.Hour)},
		Spec:       v1alpha1.ChangeApprovalSpec{GatewayName: gw.Name, Reason: "r", ApprovedBy: &v1alpha1.Approver{Username: "olga"}},
	}
	if gw.Status.Pending != nil {
		approval.Spec.Digest = gw.Status.Pending.Digest
	}
	for _, edit := range edits {
		edit(approval)
	}
	return approval
}

// approvalsOn look for approvals on an API server, at noon.
func approvalsOn(server *api) approvals {
	return approvals{client: server, live: server, ask: letting("edge-1"), now: func() time.Time { return noon }}
}

// letting is a guard that releases everything by some approvals.
func letting(names ...string) askFunc {
	return func(context.Context, *v1beta1.IstioGateway) ([]string, string, error) { return names, "", nil }
}

func TestWhichApprovalReleasesARestart(t *testing.T) {
	tests := map[string]struct {
		edit     func(*v1alpha1.ChangeApproval)
		releases bool
		wait     time.Duration
	}{
		"one of the digest":           {func(*v1alpha1.ChangeApproval) {}, true, 0},
		"one in its window":           {func(a *v1alpha1.ChangeApproval) { a.Spec.NotBefore, a.Spec.NotAfter = instant(0), instant(time.Second) }, true, 0},
		"not one of another digest":   {func(a *v1alpha1.ChangeApproval) { a.Spec.Digest = "sha256:other" }, false, 0},
		"not one of another gateway":  {func(a *v1alpha1.ChangeApproval) { a.Spec.GatewayName = "other" }, false, 0},
		"not one of nobody":           {func(a *v1alpha1.ChangeApproval) { a.Spec.ApprovedBy = nil }, false, 0},
		"not one of an empty name":    {func(a *v1alpha1.ChangeApproval) { a.Spec.ApprovedBy.Username = "" }, false, 0},
		"not one that was used":       {func(a *v1alpha1.ChangeApproval) { a.Status.UsedBy = &v1alpha1.ApprovalUse{} }, false, 0},
		"not one that expired":        {func(a *v1alpha1.ChangeApproval) { a.Spec.NotAfter = instant(0) }, false, 0},
		"not one of the day before":   {func(a *v1alpha1.ChangeApproval) { a.CreationTimestamp = *instant(-24 * time.Hour) }, false, 0},
		"not yet one of later":        {func(a *v1alpha1.ChangeApproval) { a.Spec.NotBefore = instant(time.Minute) }, false, time.Minute},
		"not one elsewhere":           {func(a *v1alpha1.ChangeApproval) { a.Namespace = "other" }, false, 0},
		"not one that is going":       {func(a *v1alpha1.ChangeApproval) { a.DeletionTimestamp, a.Finalizers = instant(0), []string{"a/b"} }, false, 0},
		"one of later that has begun": {func(a *v1alpha1.ChangeApproval) { a.Spec.NotBefore = instant(-time.Second) }, true, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			gw := holding(t, upgradeIn("home", "p:2"))
			wait, err := approvalsOn(apiWith(t, approvalOf(gw, test.edit))).release(t.Context(), gw.DeepCopy(), gw)
			expectError(t, err, "")
			expectEqual(t, "released", gw.Status.Pending.ReleasedBy != "", test.releases)
			expectEqual(t, "wait", wait, test.wait)
		})
	}
}

func TestTheGuardDecidesWhatApprovalsRelease(t *testing.T) {
	for name, test := range map[string]struct {
		ask             askFunc
		released, says  string
		wait            time.Duration
		want, condition string
	}{
		"by all that it names": {
			ask: letting("edge-1", "edge-2"), released: "edge-1,edge-2", condition: "ChangeApproval edge-1,edge-2 released sha256:",
		},
		"not while it refuses, and says why": {
			ask: func(context.Context, *v1beta1.IstioGateway) ([]string, string, error) {
				return nil, "must be approved by 2 people", nil
			},
			says: "must be approved by 2 people", wait: askAgain,
			condition: "The approvals that there are do not release it: must be approved by 2 people",
		},
		"not while it cannot tell": {
			ask: func(context.Context, *v1beta1.IstioGateway) ([]string, string, error) {
				return nil, "", errors.New("gone")
			},
			want: "gone", condition: "To see and approve it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			gw := holding(t, upgradeIn("home", "p:2"))
			worker := approvalsOn(apiWith(t, approvalOf(gw)))
			worker.ask = test.ask
			wait, err := worker.release(t.Context(), gw.DeepCopy(), gw)
			expectError(t, err, test.want)
			expectEqual(t, "released by", gw.Status.Pending.ReleasedBy, test.released)
			expectEqual(t, "refusal", gw.Status.Pending.Refusal, test.says)
			expectEqual(t, "wait", wait, test.wait)
			if message := restartPending(gw).Message; !strings.Contains(message, test.condition) {
				t.Errorf("got %q, want it to hold %q", message, test.condition)
			}
		})
	}
}

// The guard judges what is stored. What is not stored yet is asked about when it is.
func TestTheGuardIsAskedAboutWhatIsStoredAlone(t *testing.T) {
	for name, stored := range map[string]*v1beta1.IstioGateway{
		"nothing is stored":        holding(t, entryIn("home", v1beta1.ClusterReady)),
		"something else is stored": holding(t, upgradeIn("home", "p:3")),
	} {
		t.Run(name, func(t *testing.T) {
			gw := holding(t, upgradeIn("home", "p:2"))
			_, err := approvalsOn(apiWith(t, approvalOf(gw))).release(t.Context(), stored, gw)
			expectError(t, err, "")
			expectEqual(t, "released by", gw.Status.Pending.ReleasedBy, "")
		})
	}
}

func TestAskingTheGuard(t *testing.T) {
	denied := apierrors.NewForbidden(schema.GroupResource{Resource: "istiogateways"}, "edge", errors.New("x"))
	denied.ErrStatus.Message = "admission webhook \"validate.portcullis.dev\" denied the request: \na: must\nb: must\ndecision 3f2a"
	for name, test := range map[string]struct {
		answer  error
		by      string
		names   []string
		refusal string
		fails   bool
	}{
		"names what releases":                   {by: "edge-0,edge-1,edge-2", names: []string{"edge-1", "edge-2"}},
		"names nothing where there is none":     {by: "edge-0", refusal: unguarded},
		"refuses":                               {answer: denied, refusal: "a: must; b: must"},
		"cannot be reached":                     {answer: errors.New("connection refused"), refusal: unasked},
		"is asked about what is stored no more": {answer: conflict(), fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			gw := annotated(holding(t, upgradeIn("home", "p:2")), gateway.AnnotationApprovedBy, "edge-0")
			server := apiWith(t, gw)
			asked := 0
			guard := interceptor.NewClient(server, interceptor.Funcs{
				Patch: func(_ context.Context, _ client.WithWatch, object client.Object, _ client.Patch, options ...client.PatchOption) error {
					asked++
					expectEqual(t, "dry run", (&client.PatchOptions{}).ApplyOptions(options).DryRun, []string{metav1.DryRunAll})
					expectEqual(t, "digest", object.GetAnnotations()[gateway.AnnotationRelease], gw.Status.Pending.Digest)
					object.SetAnnotations(map[string]string{gateway.AnnotationApprovedBy: test.by})
					return test.answer
				},
			})
			names, refusal, err := askGuard(guard)(t.Context(), gw)
			expectEqual(t, "fails", err != nil, test.fails)
			expectEqual(t, "names", names, test.names)
			expectEqual(t, "refusal", refusal, test.refusal)
			expectEqual(t, "times asked", asked, 1)
		})
	}
}

func TestApprovalsThatCannotBeReadAreErrors(t *testing.T) {
	gw := holding(t, upgradeIn("home", "p:2"))
	server := apiWith(t, approvalOf(gw))
	server.refusing(errors.New("refused"), "list ChangeApprovalList")
	_, err := approvalsOn(server).release(t.Context(), gw.DeepCopy(), gw)
	expectError(t, err, "listing ChangeApprovals of IstioGateway istio-system/edge: refused")
	expectEqual(t, "released by", gw.Status.Pending.ReleasedBy, "")
}

// useOf is the use of the stored approval.
func useOf(t *testing.T, server *api) *v1alpha1.ApprovalUse {
	t.Helper()
	approval := &v1alpha1.ChangeApproval{}
	if err := server.Get(t.Context(), client.ObjectKey{Namespace: edge.Namespace, Name: "edge-1"}, approval); err != nil {
		t.Fatal(err)
	}
	return approval.Status.UsedBy
}

func TestUseIsRecordedWhenTheGatewayIsWhereItCanBe(t *testing.T) {
	tests := map[string]struct {
		edit     func(*v1beta1.IstioGateway)
		recorded bool
	}{
		"applied everywhere": {func(*v1beta1.IstioGateway) {}, true},
		"but for a cluster that fails": {func(gw *v1beta1.IstioGateway) {
			gw.Status.Clusters[1].State, gw.Status.Clusters[1].ObservedGeneration = v1beta1.ClusterFailed, 1
		}, true},
		"not while a cluster is behind":       {func(gw *v1beta1.IstioGateway) { gw.Status.Clusters[1].ObservedGeneration = 2 }, false},
		"not while an annotation is":          {func(gw *v1beta1.IstioGateway) { gw.Status.Clusters[1].Fingerprint = "before" }, false},
		"not while the status is":             {func(gw *v1beta1.IstioGateway) { gw.Status.ObservedGeneration = 2 }, false},
		"not when nothing names the approval": {func(gw *v1beta1.IstioGateway) { gw.Annotations = nil }, false},
		"as soon as it has released a restart": {func(gw *v1beta1.IstioGateway) {
			gw.Annotations, gw.Status.Pending = nil, &v1beta1.PendingRestart{ReleasedBy: "edge-0,edge-1"}
		}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			gw := annotated(gatewayOf(t, `{}`, entryIn("home", v1beta1.ClusterReady), entryIn("away", v1beta1.ClusterReady)), gateway.AnnotationApprovedBy, "gone,edge-1")
			fingerprint, err := change.Fingerprint(gw)
			expectError(t, err, "")
			for i := range gw.Status.Clusters {
				gw.Status.Clusters[i].Fingerprint = fingerprint
			}
			gw.Status.ObservedGeneration = gw.Generation
			test.edit(gw)
			server, told := apiWith(t, approvalOf(gw)), &recorded{}
			worker := approvalsOn(server)
			worker.events = events{told}
			expectError(t, worker.record(t.Context(), gw), "")
			use := useOf(t, server)
			expectEqual(t, "recorded", use != nil, test.recorded)
			if use == nil {
				expectEqual(t, "events", told.taken(), []string(nil))
				return
			}
			expectEqual(t, "events", told.taken(), []string{fmt.Sprintf("Normal ApprovalUsed Use /: Was used up by generation %d of IstioGateway edge", gw.Generation)})
			expectEqual(t, "UID", use.UID, string(gw.UID))
			expectEqual(t, "generation", use.Generation, gw.Generation)

			worker.now = func() time.Time { return noon.Add(time.Hour) }
			expectError(t, worker.record(t.Context(), gw), "")
			expectEqual(t, "events", told.taken(), []string(nil))
			expectEqual(t, "when", useOf(t, server).At.UTC(), noon)
		})
	}
}

// A cache lags: what was recorded a moment ago must not be recorded again.
func TestUseIsRecordedOnceThoughTheCacheLags(t *testing.T) {
	gw := gatewayOf(t, `{}`)
	gw.Status.Pending = &v1beta1.PendingRestart{ReleasedBy: "edge-1"}
	server := apiWith(t, approvalOf(gw))
	worker := approvalsOn(server)
	worker.live = apiWith(t, approvalOf(gw, func(a *v1alpha1.ChangeApproval) { a.Status.UsedBy = &v1alpha1.ApprovalUse{} }))
	expectError(t, worker.record(t.Context(), gw), "")
	expectEqual(t, "requests", server.calls, []string(nil))
}

func TestUseByADeletionIsRecorded(t *testing.T) {
	tests := map[string]struct {
		edit     func(*v1alpha1.ChangeApproval)
		recorded bool
	}{
		"what was approved":          {func(*v1alpha1.ChangeApproval) {}, true},
		"not what was not":           {func(a *v1alpha1.ChangeApproval) { a.Spec.Digest = "other" }, false},
		"not what came too late":     {func(a *v1alpha1.ChangeApproval) { a.Spec.NotBefore = instant(time.Second) }, false},
		"not what had expired":       {func(a *v1alpha1.ChangeApproval) { a.Spec.NotAfter = instant(0) }, false},
		"not what nobody stands for": {func(a *v1alpha1.ChangeApproval) { a.Spec.ApprovedBy = nil }, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			gw := gatewayOf(t, `{clusterIds: [home]}`)
			registered := registeredAs("home")
			deletion, err := change.Between(gw, nil, registered)
			expectError(t, err, "")
			gw.DeletionTimestamp, gw.Finalizers = instant(0), []string{Finalizer}
			server := apiWith(t, &registered[0], approvalOf(gw, func(a *v1alpha1.ChangeApproval) { a.Spec.Digest = deletion.Digest }, test.edit))
			expectError(t, approvalsOn(server).record(t.Context(), gw), "")
			expectEqual(t, "recorded", useOf(t, server) != nil, test.recorded)
		})
	}
}

// Nothing of an approval wakes the gateway's worker: without another try the report that came meanwhile would wait.
func TestAUseThatCannotBeRecordedIsTriedAgain(t *testing.T) {
	gw := gatewayOf(t, `{clusterIds: [home]}`)
	gw.Status.Pending = &v1beta1.PendingRestart{ReleasedBy: "edge-1"}
	server := apiWith(t, gw, approvalOf(gw))
	server.refusing(conflict(), "patch status ChangeApproval edge-1")
	worker := &gateways{client: server, outcomes: outcomesHeld(), approvals: approvalsOn(server)}
	result, err := worker.Reconcile(t.Context(), gw)
	expectError(t, err, "")
	expectEqual(t, "again after", result.RequeueAfter, firstPause)
}

func TestTheUseOfAnotherGatewaysApprovalIsNotRecorded(t *testing.T) {
	gw := gatewayOf(t, `{}`)
	gw.Status.Pending = &v1beta1.PendingRestart{ReleasedBy: "edge-1"}
	server := apiWith(t, approvalOf(gw, func(a *v1alpha1.ChangeApproval) { a.Spec.GatewayName = "other" }))
	expectError(t, approvalsOn(server).record(t.Context(), gw), "")
	if use := useOf(t, server); use != nil {
		t.Errorf("got %+v", use)
	}
}

func TestOldApprovalsAreDeleted(t *testing.T) {
	gw := gatewayOf(t, `{}`)
	tests := map[string]struct {
		edit func(*v1alpha1.ChangeApproval)
		left time.Duration
	}{
		"used long ago": {func(a *v1alpha1.ChangeApproval) {
			a.Status.UsedBy = &v1alpha1.ApprovalUse{At: *instant(-48 * time.Hour)}
		}, 0},
		"used a day ago": {func(a *v1alpha1.ChangeApproval) {
			a.Status.UsedBy = &v1alpha1.ApprovalUse{At: *instant(-24 * time.Hour)}
		}, 24 * time.Hour},
		"expired long ago": {func(a *v1alpha1.ChangeApproval) { a.Spec.NotAfter = instant(-48 * time.Hour) }, 0},
		"expired just now": {func(a *v1alpha1.ChangeApproval) { a.Spec.NotAfter = instant(0) }, 48 * time.Hour},
		"without an end":   {func(*v1alpha1.ChangeApproval) {}, 71 * time.Hour},
		"used, not expired": {func(a *v1alpha1.ChangeApproval) {
			a.Status.UsedBy, a.Spec.NotAfter = &v1alpha1.ApprovalUse{At: *instant(-49 * time.Hour)}, instant(time.Hour)
		}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := apiWith(t, approvalOf(gw, test.edit))
			approval := &v1alpha1.ChangeApproval{}
			if err := server.Get(t.Context(), client.ObjectKey{Namespace: edge.Namespace, Name: "edge-1"}, approval); err != nil {
				t.Fatal(err)
			}
			worker := &history{client: server, retention: 48 * time.Hour, now: func() time.Time { return noon }}
			result, err := worker.Reconcile(t.Context(), approval)
			expectError(t, err, "")
			expectEqual(t, "result", result, reconcile.Result{RequeueAfter: test.left})
			gone := server.Get(t.Context(), client.ObjectKeyFromObject(approval), approval) != nil
			expectEqual(t, "deleted", gone, test.left == 0)
		})
	}
}
