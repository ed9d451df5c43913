package reconcile

import (
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// upgradeIn is a cluster where the upgrade to an image is held.
func upgradeIn(id, image string) v1beta1.ClusterStatus {
	entry := entryIn(id, v1beta1.ClusterReady)
	entry.Held = &v1beta1.HeldRestart{Reason: v1beta1.UpgradeHeld, Changes: []v1alpha1.ApprovedChange{{
		Path: "mesh.proxyImage", Before: &apiextensionsv1.JSON{Raw: []byte(`"p:1"`)}, After: &apiextensionsv1.JSON{Raw: []byte(`"` + image + `"`)},
		Effects: []string{"Restart"}, Clusters: []string{id},
	}}}
	return entry
}

// driftIn is a cluster where the pods drifted.
func driftIn(id string) v1beta1.ClusterStatus {
	entry := upgradeIn(id, "p:9")
	entry.Held.Reason, entry.Held.Changes[0].Path = v1beta1.TemplateDrifted, "template.spec.containers.istio-proxy.image"
	return entry
}

// holding is a gateway with what is pending of it.
func holding(t *testing.T, entries ...v1beta1.ClusterStatus) *v1beta1.IstioGateway {
	t.Helper()
	gw := gatewayOf(t, `{}`, entries...)
	var err error
	if gw.Status.Pending, err = pendingOf(gw); err != nil {
		t.Fatal(err)
	}
	return gw
}

func TestPendingJoinsWhatIsHeldInTheClusters(t *testing.T) {
	if got := holding(t, entryIn("home", v1beta1.ClusterReady)).Status.Pending; got != nil {
		t.Errorf("got %+v, want nothing", got)
	}
	got := holding(t, upgradeIn("away", "p:2"), upgradeIn("home", "p:2")).Status.Pending
	expectEqual(t, "number of changes", len(got.Changes), 1)
	expectEqual(t, "clusters", got.Changes[0].Clusters, []string{"away", "home"})
	expectEqual(t, "reason", got.Reason, v1beta1.UpgradeHeld)
	turned := holding(t, upgradeIn("home", "p:2"), upgradeIn("away", "p:2")).Status.Pending
	expectEqual(t, "digest of another order", turned.Digest, got.Digest)
	graver := holding(t, upgradeIn("away", "p:2"), driftIn("home")).Status.Pending
	expectEqual(t, "the gravest reason", graver.Reason, v1beta1.TemplateDrifted)
	expectEqual(t, "number of changes", len(graver.Changes), 2)
}

// One cluster rolls before the other: what is left is another change, and was approved all the same.
func TestWhatWasReleasedStaysUntilItsLastClusterHasRolled(t *testing.T) {
	gw := holding(t, upgradeIn("away", "p:2"), upgradeIn("home", "p:2"))
	gw.Status.Pending.ReleasedBy = "edge-1"
	released := gw.Status.Pending
	gw.Status.Clusters[0].Held = nil
	left, err := pendingOf(gw)
	expectError(t, err, "")
	expectEqual(t, "pending while one is left", left, released)
	gw.Status.Clusters[1].Held = nil
	left, err = pendingOf(gw)
	expectError(t, err, "")
	if left != nil {
		t.Errorf("got %+v when all have rolled, want nothing", left)
	}
}

func TestWhatIsHeldAnewWasNotReleased(t *testing.T) {
	for name, held := range map[string]v1beta1.ClusterStatus{
		"another image":   upgradeIn("home", "p:3"),
		"another cluster": upgradeIn("third", "p:2"),
		"a drift":         driftIn("home"),
	} {
		t.Run(name, func(t *testing.T) {
			gw := holding(t, upgradeIn("away", "p:2"), upgradeIn("home", "p:2"))
			gw.Status.Pending.ReleasedBy = "edge-1"
			before := gw.Status.Pending.Digest
			gw.Status.Clusters = []v1beta1.ClusterStatus{upgradeIn("away", "p:2"), held}
			got, err := pendingOf(gw)
			expectError(t, err, "")
			if got.Digest == before || got.ReleasedBy != "" {
				t.Errorf("got %+v, want another digest that nobody released", got)
			}
		})
	}
}

func TestRestartPendingSaysWhatIsHeldAndWhatToDo(t *testing.T) {
	got := restartPending(holding(t, entryIn("home", v1beta1.ClusterReady)))
	expectEqual(t, "nothing", string(got.Status)+" "+got.Reason+" "+got.Message, "False NothingHeld No restart is held")

	gw := holding(t, upgradeIn("away", "p:2"), upgradeIn("home", "p:2"))
	got = restartPending(gw)
	expectEqual(t, "held", string(got.Status)+" "+got.Reason, "True UpgradeHeld")
	for _, want := range []string{
		`mesh.proxyImage "p:1" -> "p:2" in away, home`, gw.Status.Pending.Digest, "kubectl portcullis rollout edge -n istio-system",
	} {
		if !strings.Contains(got.Message, want) {
			t.Errorf("%q is not in %q", want, got.Message)
		}
	}
	gw.Status.Pending.ReleasedBy = "edge-1"
	got = restartPending(gw)
	expectEqual(t, "released", string(got.Status)+" "+got.Reason, "False Released")
}

func TestEachReasonToHoldHasItsWords(t *testing.T) {
	said := map[string]bool{}
	for _, reason := range gravity() {
		words := because(reason)
		if words == "Held" || said[words] {
			t.Errorf("%s: got %q, want words of its own", reason, words)
		}
		said[words] = true
	}
}

func TestReconciledSaysWhereARestartIsHeld(t *testing.T) {
	got := reconciled(holding(t, driftIn("away"), entryIn("home", v1beta1.ClusterReady)))
	expectEqual(t, "drift", string(got.Status)+" "+got.Reason+" "+got.Message, "False RestartHeld A restart is held in: away")
	got = reconciled(holding(t, upgradeIn("away", "p:2")))
	expectEqual(t, "upgrade", string(got.Status)+" "+got.Reason, "True Applied")
}

func TestEventsTellOfAHoldOnce(t *testing.T) {
	held := holding(t, upgradeIn("home", "p:2"))
	released := held.DeepCopy()
	released.Status.Pending.ReleasedBy = "edge-1"
	const what = `mesh.proxyImage "p:1" -> "p:2" in home`
	tests := map[string]struct {
		before, after *v1beta1.PendingRestart
		want          []string
	}{
		"nothing":       {nil, nil, nil},
		"a hold":        {nil, held.Status.Pending, []string{"Warning RestartHeld Hold /: Held a restart: " + because(v1beta1.UpgradeHeld) + ": " + what}},
		"the same hold": {held.Status.Pending, held.Status.Pending, nil},
		"a release":     {held.Status.Pending, released.Status.Pending, []string{"Normal RestartReleased Release /: Released the restart by ChangeApproval edge-1"}},
		"a roll":        {released.Status.Pending, nil, []string{"Normal RestartRolled Roll /: Rolled what ChangeApproval edge-1 released: " + what}},
		"a release of what is no more": {released.Status.Pending, holding(t, upgradeIn("home", "p:3")).Status.Pending, []string{
			"Normal RestartSuperseded Supersede /: Superseded what ChangeApproval edge-1 released: something else is held now",
			"Warning RestartHeld Hold /: Held a restart: " + because(v1beta1.UpgradeHeld) + `: mesh.proxyImage "p:1" -> "p:3" in home`,
		}},
		"a drop": {held.Status.Pending, nil, []string{"Normal RestartDropped Drop /: Dropped the restart that was held: nothing asks for it any more"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			recorder := &recorded{}
			events{recorder}.pending(held, test.before, test.after)
			expectEqual(t, "events", recorder.taken(), test.want)
		})
	}
}
