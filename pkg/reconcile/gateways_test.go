package reconcile

import (
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// The writes that a gateway's worker does.
const (
	writesMetadata = "patch IstioGateway edge"
	writesStatus   = "patch status IstioGateway edge"
)

// conflict is the answer to a write that somebody else's came before.
func conflict() error {
	return apierrors.NewConflict(schema.GroupResource{Resource: "istiogateways"}, "edge", errors.New("changed"))
}

// storedGateway reads the gateway.
func storedGateway(t *testing.T, server client.Reader) *v1beta1.IstioGateway {
	t.Helper()
	gw := &v1beta1.IstioGateway{}
	if err := server.Get(t.Context(), edge, gw); err != nil {
		t.Fatalf("reading the gateway: %v", err)
	}
	return gw
}

// fresh is a gateway without our finalizer.
func fresh(t *testing.T) *v1beta1.IstioGateway {
	t.Helper()
	gw := gatewayOf(t, `{clusterIds: [home]}`)
	gw.Finalizers = nil
	return gw
}

// serverFor holds a gateway, and the cluster that we run in.
func serverFor(t *testing.T, gw *v1beta1.IstioGateway) *api {
	t.Helper()
	return apiWith(t, gw, &registeredAs("home")[0])
}

// pass lets the gateway's worker look at the gateway as it is stored.
func pass(t *testing.T, worker *gateways, server *api) error {
	t.Helper()
	result, err := worker.Reconcile(t.Context(), storedGateway(t, server.WithWatch))
	expectEqual(t, "result", result, reconcile.Result{})
	return err
}

func TestGatewayGetsItsFinalizerBeforeAnythingElse(t *testing.T) {
	server := serverFor(t, fresh(t))
	worker := &gateways{client: server, outcomes: outcomesHeld(), approvals: approvalsOn(server)}

	expectError(t, pass(t, worker, server), "")
	expectEqual(t, "requests", server.calls, []string{writesMetadata})
	gw := storedGateway(t, server)
	expectEqual(t, "finalizers", gw.Finalizers, []string{Finalizer})
	expectEqual(t, "entries", gw.Status.Clusters, []v1beta1.ClusterStatus(nil))
}

func TestGatewayKeepsOthersFinalizers(t *testing.T) {
	gw := fresh(t)
	gw.Finalizers = []string{"example.com/keep"}
	server := serverFor(t, gw)
	expectError(t, pass(t, &gateways{client: server, outcomes: outcomesHeld(), approvals: approvalsOn(server)}, server), "")
	expectEqual(t, "finalizers", storedGateway(t, server).Finalizers, []string{"example.com/keep", Finalizer})
}

func TestStatusIsWrittenOnceAndOnlyWhenItChanges(t *testing.T) {
	server := serverFor(t, gatewayOf(t, `{clusterIds: [home]}`))
	worker := &gateways{client: server, outcomes: outcomesHeld(), approvals: approvalsOn(server)}
	for _, step := range []struct {
		name   string
		report *outcome
		calls  []string
		word   string
	}{
		{name: "the entries to come", calls: []string{writesStatus}, word: "Pending"},
		{name: "nothing new", word: "Pending"},
		{name: "a report", report: &outcome{entry: entryIn("home", v1beta1.ClusterReady)}, calls: []string{writesStatus}, word: "Running"},
		{name: "the same report again", report: &outcome{entry: entryIn("home", v1beta1.ClusterReady)}, word: "Running"},
		{name: "a failure", report: &outcome{entry: failedIn("home", "refused")}, calls: []string{writesStatus}, word: "Failed"},
	} {
		server.calls = nil
		if step.report != nil {
			worker.outcomes.report(t.Context(), home, *step.report)
		}
		expectError(t, pass(t, worker, server), "")
		expectEqual(t, "requests for "+step.name, server.calls, step.calls)
		expectEqual(t, "word after "+step.name, storedGateway(t, server).Status.Status, step.word)
	}
}

func TestARestartKeepsTheStatus(t *testing.T) {
	server := serverFor(t, gatewayOf(t, `{clusterIds: [home]}`))
	before := &gateways{client: server, outcomes: outcomesHeld(), approvals: approvalsOn(server)}
	before.outcomes.report(t.Context(), home, outcome{entry: entryIn("home", v1beta1.ClusterReady)})
	expectError(t, pass(t, before, server), "")
	expectError(t, pass(t, before, server), "")
	stored := storedGateway(t, server)
	server.calls = nil

	expectError(t, pass(t, &gateways{client: server, outcomes: outcomesHeld(), approvals: approvalsOn(server)}, server), "")
	expectEqual(t, "requests", server.calls, []string(nil))
	expectEqual(t, "entries", stored.Status.Clusters, []v1beta1.ClusterStatus{entryIn("home", v1beta1.ClusterReady)})
}

func TestGatewayGoesWhenNoEntryIsLeft(t *testing.T) {
	leaving := deleted(gatewayOf(t, `{clusterIds: [home]}`, entryIn("home", v1beta1.ClusterReady)))
	leaving.Finalizers = append(leaving.Finalizers, "example.com/keep")
	server := serverFor(t, leaving)
	worker := &gateways{client: server, outcomes: outcomesHeld(), approvals: approvalsOn(server)}

	expectError(t, pass(t, worker, server), "")
	expectEqual(t, "requests while something is left", server.calls, []string{writesStatus})
	expectEqual(t, "word", storedGateway(t, server).Status.Status, "Terminating")

	server.calls = nil
	worker.outcomes.report(t.Context(), home, outcome{entry: entryIn("home", v1beta1.ClusterDeleting), gone: true})
	expectError(t, pass(t, worker, server), "")
	expectEqual(t, "requests when nothing is left", server.calls, []string{writesStatus, writesMetadata})
	expectEqual(t, "finalizers", storedGateway(t, server).Finalizers, []string{"example.com/keep"})
	expectEqual(t, "what is remembered of it", len(worker.outcomes.placed.byGateway), 0)

	server.calls = nil
	expectError(t, pass(t, worker, server), "")
	expectEqual(t, "requests while somebody else holds it", server.calls, []string(nil))
}

func TestGatewayStaysWhileItsClusterCannotBeReached(t *testing.T) {
	server := serverFor(t, deleted(gatewayOf(t, `{clusterIds: [away]}`, entryIn("away", v1beta1.ClusterReady))))
	worker := &gateways{client: server, outcomes: outcomesHeld(), approvals: approvalsOn(server)}
	worker.outcomes.report(t.Context(), Target{edge, "away"}, outcome{entry: failedIn("away", "the cluster is not registered")})

	expectError(t, pass(t, worker, server), "")
	expectEqual(t, "finalizers", storedGateway(t, server).Finalizers, []string{Finalizer})
	expectEqual(t, "message", storedGateway(t, server).Status.ErrorMessage, "Cluster away: the cluster is not registered")
}

func TestADeletedGatewayWithoutOurFinalizerGetsNone(t *testing.T) {
	gw := deleted(gatewayOf(t, `{clusterIds: [home]}`))
	gw.Finalizers = []string{"example.com/keep"}
	server := serverFor(t, gw)

	expectError(t, pass(t, &gateways{client: server, outcomes: outcomesHeld(), approvals: approvalsOn(server)}, server), "")
	expectEqual(t, "finalizers", storedGateway(t, server).Finalizers, []string{"example.com/keep"})
	expectEqual(t, "entries", storedGateway(t, server).Status.Clusters, []v1beta1.ClusterStatus(nil))
}

func TestGatewayWritesThatAreRefused(t *testing.T) {
	gone := deleted(gatewayOf(t, `{clusterIds: [home]}`))
	for _, test := range []struct {
		name   string
		gw     *v1beta1.IstioGateway
		call   string
		answer error
		want   string
	}{
		{name: "a finalizer that conflicts waits for the next event", gw: fresh(t), call: writesMetadata, answer: conflict()},
		{name: "a finalizer of a gateway that is gone needs nothing", gw: fresh(t), call: writesMetadata, answer: missing("edge")},
		{name: "a finalizer that is refused is tried again", gw: fresh(t), call: writesMetadata, answer: errors.New("refused"),
			want: "writing the finalizers of IstioGateway istio-system/edge: refused"},
		{name: "a status that conflicts waits for the next event", gw: gatewayOf(t, `{clusterIds: [home]}`), call: writesStatus, answer: conflict()},
		{name: "a status of a gateway that is gone needs nothing", gw: gatewayOf(t, `{clusterIds: [home]}`), call: writesStatus, answer: missing("edge")},
		{name: "a status that is refused is tried again", gw: gatewayOf(t, `{clusterIds: [home]}`), call: writesStatus, answer: errors.New("refused"),
			want: "writing the status of IstioGateway istio-system/edge: refused"},
		{name: "clusters that cannot be listed are tried again", gw: gatewayOf(t, `{clusterIds: [home]}`), call: "list GatewayClusterList", answer: errors.New("refused"),
			want: "listing GatewayClusters: refused"},
		{name: "a finalizer that cannot be removed is tried again", gw: gone, call: writesMetadata, answer: errors.New("refused"),
			want: "writing the finalizers of IstioGateway istio-system/edge: refused"},
		{name: "a finalizer stays when the last status cannot be written", gw: gone, call: writesStatus, answer: errors.New("refused"),
			want: "writing the status of IstioGateway istio-system/edge: refused"},
		{name: "a finalizer stays when the last status conflicts", gw: gone, call: writesStatus, answer: conflict()},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := serverFor(t, test.gw)
			server.refusing(test.answer, test.call)
			expectError(t, pass(t, &gateways{client: server, outcomes: outcomesHeld(), approvals: approvalsOn(server)}, server), test.want)
			expectEqual(t, "finalizers", storedGateway(t, server).Finalizers, test.gw.Finalizers)
		})
	}
}

func TestAReportSurvivesAStatusThatCouldNotBeWritten(t *testing.T) {
	server := serverFor(t, deleted(gatewayOf(t, `{clusterIds: [home]}`, entryIn("home", v1beta1.ClusterDeleting))))
	worker := &gateways{client: server, outcomes: outcomesHeld(), approvals: approvalsOn(server)}
	worker.outcomes.report(t.Context(), home, outcome{gone: true})
	server.refusing(conflict(), writesStatus)
	expectError(t, pass(t, worker, server), "")
	expectEqual(t, "what is known", worker.outcomes.placed.of(edge), map[string]outcome{"home": {gone: true}})

	server.refusing(nil)
	expectError(t, pass(t, worker, server), "")
	if err := server.Get(t.Context(), edge, &v1beta1.IstioGateway{}); !apierrors.IsNotFound(err) {
		t.Errorf("got %v, want the gateway to be gone", err)
	}
}

func TestStaleGatewaysAreNotWrittenOver(t *testing.T) {
	server := serverFor(t, gatewayOf(t, `{clusterIds: [home]}`))
	stale := storedGateway(t, server)
	changed := stale.DeepCopy()
	changed.Labels = map[string]string{"team": "web"}
	if err := server.Update(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	_, err := (&gateways{client: server, outcomes: outcomesHeld(), approvals: approvalsOn(server)}).Reconcile(t.Context(), stale)
	expectError(t, err, "")
	expectEqual(t, "status", storedGateway(t, server).Status.Status, "")
}
