package reconcile

import (
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

func TestWhatNobodyHeardOfIsMadeWithoutAsking(t *testing.T) {
	server, live := apiWith(t), apiWith(t)
	live.refuse = func(string) error { return errors.New("asked") }
	done := expectApplied(t, newCluster(server, live), serviceOn(t, "80"))
	expectEqual(t, "what was done", done, applied{object: serviceOfEdge, created: true})
	if body := server.applied[0].body; !strings.Contains(body, `"resourceVersion":"1"`) {
		t.Errorf("got %s, want a version that nothing has", body)
	}
}

func TestWhatWeWroteIsNotMadeButWrittenTo(t *testing.T) {
	server := apiWith(t)
	c := newCluster(apiWith(t), server)
	expectApplied(t, c, serviceOn(t, "80"))
	// It was deleted meanwhile, and only the API server knows.
	c.client = server
	expectApplied(t, c, serviceOn(t, "81"))
	if body := server.applied[0].body; strings.Contains(body, "resourceVersion") {
		t.Errorf("got %s, want no version", body)
	}
}

func TestADeploymentThatTheCacheLacksIsJudgedBeforeItIsWrittenTo(t *testing.T) {
	gw := pending(t, simple)
	b := benchWith(t, gw)
	expectError(t, b.pass(t, home), "")
	// The cache of a process that has just started has not seen it.
	behind := apiWith(t)
	behind.refusing(conflict(), "apply Deployment istio-edge")
	c := newCluster(behind, b.server)
	in := &registeredAs("home")[0]

	first, err := c.plan(t.Context(), gw, in)
	expectError(t, err, "")
	expectEqual(t, "version that was judged", first.at, "")
	_, err = c.apply(t.Context(), first.objects.Deployment, first.at, false)
	if !apierrors.IsConflict(err) {
		t.Fatalf("error: got %v, want a conflict", err)
	}
	second, err := c.plan(t.Context(), gw, in)
	expectError(t, err, "")
	if second.at == "" {
		t.Error("version that was judged: got none, want that of the Deployment")
	}
}

func TestWhatWasMadeIsNotPlannedAgainForWhatTheStatusSaysOfIt(t *testing.T) {
	b := benchWith(t, pending(t, simple))
	live := apiWith(t)
	live.refuse = errors.New
	b.clusters.local = newCluster(b.server, live)
	expectError(t, b.pass(t, home), "")
	told := &v1beta1.IstioGateway{}
	if err := b.server.Get(t.Context(), edge, told); err != nil {
		t.Fatal(err)
	}
	told.Status.Clusters = []v1beta1.ClusterStatus{b.reported(t, home).entry}
	if err := b.server.Status().Update(t.Context(), told); err != nil {
		t.Fatal(err)
	}
	before := len(b.server.calls)
	expectError(t, b.pass(t, home), "")
	expectEqual(t, "requests", b.server.calls[before:], []string{})
}
