package reconcile

import (
	"errors"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crcluster "sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// bench is a targets' worker with an API server and a recorder of its own.
type bench struct {
	*placements
	server *api
	events func() []string
}

// benchWith is a worker beside a gateway, the clusters home and away, and other objects.
func benchWith(t *testing.T, gw *v1beta1.IstioGateway, objects ...client.Object) bench {
	t.Helper()
	registered := registeredAs("away", "home")
	objects = append(objects, &registered[0], &registered[1])
	if gw != nil {
		objects = append(objects, gw)
	}
	server := apiWith(t, objects...)
	recorder := &recorded{}
	fleet := &clusters{local: newCluster(server, server), remote: unconnected{}, known: map[string]known{}}
	worker := &placements{hub: server, clusters: fleet, outcomes: outcomesHeld(), events: events{recorder}}
	return bench{placements: worker, server: server, events: recorder.taken}
}

// unconnected is connected to nothing.
type unconnected struct{}

// Get says so.
func (unconnected) Get(id string) (crcluster.Cluster, error) {
	return nil, errors.New("cluster " + id + " is not connected")
}

// pass works on a target once.
func (b bench) pass(t *testing.T, target Target) error {
	t.Helper()
	result, err := b.Reconcile(t.Context(), target)
	expectEqual(t, "result", result, reconcile.Result{})
	return err
}

// reported is what came of a target.
func (b bench) reported(t *testing.T, target Target) outcome {
	t.Helper()
	result, ok := b.outcomes.placed.of(target.Gateway)[target.Cluster]
	if !ok {
		t.Fatalf("nothing is reported of %s", target)
	}
	return result
}

// pending is a gateway whose status names home, where nothing is applied yet.
func pending(t *testing.T, spec string) *v1beta1.IstioGateway {
	t.Helper()
	return gatewayOf(t, spec, v1beta1.ClusterStatus{ClusterID: "home", State: v1beta1.ClusterPending})
}

// simple is a gateway of five objects.
const simple = `{clusterIds: [home], ports: [{name: http, port: 80}]}`

// inventoryOf are the objects of edge of some kinds.
func inventoryOf(kinds ...string) []v1beta1.ObjectReference {
	versions := map[string]string{
		"ServiceAccount": "v1", "Service": "v1", "Deployment": "apps/v1", "HorizontalPodAutoscaler": "autoscaling/v2",
		"Role": "rbac.authorization.k8s.io/v1", "RoleBinding": "rbac.authorization.k8s.io/v1",
	}
	var out []v1beta1.ObjectReference
	for _, kind := range kinds {
		out = append(out, v1beta1.ObjectReference{APIVersion: versions[kind], Kind: kind, Name: "istio-edge"})
	}
	return out
}

func TestNothingIsAppliedBeforeItIsKnownToBeRemoved(t *testing.T) {
	unmarked := pending(t, simple)
	unmarked.Finalizers = nil
	for name, gw := range map[string]*v1beta1.IstioGateway{
		"without a status entry":        gatewayOf(t, simple),
		"with another cluster's entry":  gatewayOf(t, simple, entryIn("away", v1beta1.ClusterReady)),
		"without the finalizer":         unmarked,
		"without the gateway, any more": nil,
	} {
		t.Run(name, func(t *testing.T) {
			b := benchWith(t, gw)
			expectError(t, b.pass(t, home), "")
			expectEqual(t, "requests", b.server.calls, []string(nil))
			expectEqual(t, "reports", len(b.outcomes.placed.of(edge)), 0)
		})
	}
}

func TestPlacingAGateway(t *testing.T) {
	b := benchWith(t, pending(t, simple))
	expectError(t, b.pass(t, home), "")
	expectEqual(t, "requests", b.server.calls, []string{
		"apply ServiceAccount istio-edge", "apply Role istio-edge", "apply RoleBinding istio-edge", "apply Service istio-edge", "apply Deployment istio-edge",
	})
	result := b.reported(t, home)
	expectEqual(t, "state", result.entry.State, v1beta1.ClusterApplied)
	expectEqual(t, "message", result.entry.Message, "")
	expectEqual(t, "observedGeneration", result.entry.ObservedGeneration, int64(3))
	expectEqual(t, "type of the Service", result.entry.ServiceType, corev1.ServiceTypeLoadBalancer)
	expectEqual(t, "objects", result.entry.Objects, inventoryOf("ServiceAccount", "Role", "RoleBinding", "Service", "Deployment"))
	expectEqual(t, "trust domain", result.entry.Mesh.TrustDomain, "cluster.local")
	expectEqual(t, "events", b.events(), []string{
		"Normal Created Create ServiceAccount/istio-edge: Created ServiceAccount istio-edge, Role istio-edge, RoleBinding istio-edge, Service istio-edge, Deployment istio-edge in cluster home",
	})
}

func TestPlacingAGatewayAgainDoesAndTellsNothing(t *testing.T) {
	b := benchWith(t, pending(t, simple))
	expectError(t, b.pass(t, home), "")
	first := b.reported(t, home)
	b.server.calls = nil
	b.events()

	expectError(t, b.pass(t, home), "")
	expectEqual(t, "requests", b.server.calls, []string(nil))
	expectEqual(t, "events", b.events(), []string(nil))
	expectEqual(t, "report", b.reported(t, home), first)
}

func TestAnAutoscalerThatIsNotWantedAnyMoreIsPruned(t *testing.T) {
	b := benchWith(t, pending(t, `{clusterIds: [home], minReplicas: 1, maxReplicas: 8, cpu: {targetAverageUtilization: 80}}`))
	expectError(t, b.pass(t, home), "")
	gw := storedGateway(t, b.server)
	gw.Spec.CPU, gw.Generation = nil, 4
	if err := b.server.Update(t.Context(), gw); err != nil {
		t.Fatal(err)
	}
	b.server.calls = nil

	expectError(t, b.pass(t, home), "")
	expectEqual(t, "requests", b.server.calls, []string{"apply Deployment istio-edge", "delete HorizontalPodAutoscaler istio-edge"})
	expectEqual(t, "objects", b.reported(t, home).entry.Objects, inventoryOf("ServiceAccount", "Role", "RoleBinding", "Deployment"))
	expectEqual(t, "observedGeneration", b.reported(t, home).entry.ObservedGeneration, int64(4))
}

func TestAFailingObjectStopsNoOther(t *testing.T) {
	gw := pending(t, simple)
	gw.Status.Clusters[0].Objects = inventoryOf("Service", "HorizontalPodAutoscaler")
	gw.Status.Clusters[0].ObservedGeneration = 2
	unwanted := everythingOf("edge")[5]
	b := benchWith(t, gw, unwanted)
	b.server.refusing(errors.New("refused"), "apply Role istio-edge", "apply Service istio-edge")
	message := "applying Role istio-system/istio-edge: refused\napplying Service istio-system/istio-edge: refused"

	expectError(t, b.pass(t, home), message)
	expectEqual(t, "requests, of which none prunes", b.server.calls, []string{
		"apply ServiceAccount istio-edge", "apply Role istio-edge", "apply RoleBinding istio-edge", "apply Service istio-edge", "apply Deployment istio-edge",
	})
	entry := b.reported(t, home).entry
	expectEqual(t, "state", entry.State, v1beta1.ClusterFailed)
	expectEqual(t, "message, on one line", entry.Message, strings.ReplaceAll(message, "\n", "; "))
	expectEqual(t, "objects, with what may be there from before", entry.Objects,
		inventoryOf("Service", "HorizontalPodAutoscaler", "ServiceAccount", "RoleBinding", "Deployment"))
	expectEqual(t, "observedGeneration", entry.ObservedGeneration, int64(2))
	expectEqual(t, "events", b.events(), []string{
		"Normal Created Create ServiceAccount/istio-edge: Created ServiceAccount istio-edge, RoleBinding istio-edge, Deployment istio-edge in cluster home",
	})
}

func TestAWriteConflictIsTriedAgainAndToldNobody(t *testing.T) {
	b := benchWith(t, pending(t, simple))
	b.server.refusing(conflict(), "apply Deployment istio-edge")

	result, err := b.Reconcile(t.Context(), home)
	expectError(t, err, "")
	expectEqual(t, "is tried again", result, reconcile.Result{RequeueAfter: firstPause})
	entry := b.reported(t, home).entry
	expectEqual(t, "state", entry.State, v1beta1.ClusterPending)
	expectEqual(t, "message", entry.Message, "")
}

func TestAFieldOfAnotherOwnerIsToldAndNotTakenForARace(t *testing.T) {
	held := apierrors.NewApplyConflict([]metav1.StatusCause{{Type: metav1.CauseTypeFieldManagerConflict, Field: ".spec.replicas"}}, "conflict with another owner")
	b := benchWith(t, pending(t, simple))
	b.server.refusing(held, "apply Deployment istio-edge")
	expectError(t, b.pass(t, home), "applying Deployment istio-system/istio-edge: conflict with another owner")
	expectEqual(t, "state", b.reported(t, home).entry.State, v1beta1.ClusterFailed)
}

func TestAFailureIsOverWhenItWorks(t *testing.T) {
	b := benchWith(t, pending(t, simple))
	b.server.refusing(errors.New("refused"), "apply Service istio-edge")
	expectError(t, b.pass(t, home), "applying Service istio-system/istio-edge: refused")
	b.server.calls = nil
	b.server.refusing(nil)

	expectError(t, b.pass(t, home), "")
	expectEqual(t, "requests", b.server.calls, []string{"apply Service istio-edge"})
	expectEqual(t, "state", b.reported(t, home).entry.State, v1beta1.ClusterApplied)
	expectEqual(t, "message", b.reported(t, home).entry.Message, "")
}

func TestAForeignObjectIsLeftAlone(t *testing.T) {
	foreign := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: "istio-edge"}}
	b := benchWith(t, pending(t, simple), foreign)
	want := `applying Service istio-system/istio-edge: it exists and is not this gateway's (label portcullis.dev/gateway must be "edge", is ""); rename the gateway or remove that object`

	expectError(t, b.pass(t, home), want)
	expectEqual(t, "message", b.reported(t, home).entry.Message, want)
	expectEqual(t, "requests", b.server.calls, []string{
		"apply ServiceAccount istio-edge", "apply Role istio-edge", "apply RoleBinding istio-edge", "apply Deployment istio-edge",
	})
	expectEqual(t, "ports of the Service", len(storedService(t, b.server).Spec.Ports), 0)
}

func TestAGatewayThatCannotBeRenderedSaysWhichField(t *testing.T) {
	b := benchWith(t, pending(t, `{clusterIds: [home], ports: [{name: a, port: 80}, {name: b, port: 80}]}`))
	err := b.pass(t, home)

	if err == nil || !strings.HasPrefix(err.Error(), "rendering: spec.ports[1].port must be free") {
		t.Fatalf("got %v, want the field that cannot be rendered", err)
	}
	expectEqual(t, "requests", b.server.calls, []string(nil))
	expectEqual(t, "message", b.reported(t, home).entry.Message, err.Error())
}

func TestAGatewayWithoutPortsHasNoTypeOfService(t *testing.T) {
	b := benchWith(t, pending(t, `{clusterIds: [home]}`))
	expectError(t, b.pass(t, home), "")
	expectEqual(t, "type of the Service", b.reported(t, home).entry.ServiceType, corev1.ServiceType(""))
	expectEqual(t, "objects", b.reported(t, home).entry.Objects, inventoryOf("ServiceAccount", "Role", "RoleBinding", "Deployment"))
}

func TestWhatCannotBePrunedStaysInTheInventory(t *testing.T) {
	gw := pending(t, simple)
	gw.Status.Clusters[0].Objects = inventoryOf("HorizontalPodAutoscaler")
	b := benchWith(t, gw, everythingOf("edge")[5])
	b.server.refusing(errors.New("refused"), "delete HorizontalPodAutoscaler istio-edge")

	expectError(t, b.pass(t, home), "deleting HorizontalPodAutoscaler istio-system/istio-edge: refused")
	expectEqual(t, "objects", b.reported(t, home).entry.Objects,
		inventoryOf("HorizontalPodAutoscaler", "ServiceAccount", "Role", "RoleBinding", "Service", "Deployment"))
}

func TestWhatCannotBeReadIsTriedAgain(t *testing.T) {
	for _, test := range []struct {
		name, call, want string
		// reported says whether the gateway hears of it.
		reported bool
	}{
		{name: "the gateway", call: "get IstioGateway edge", want: "refused"},
		{name: "the clusters", call: "list GatewayClusterList", want: "listing GatewayClusters: refused"},
		{name: "an object to prune", call: "list DeploymentList", want: "listing Deployments of IstioGateway istio-system/edge: refused", reported: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := benchWith(t, pending(t, simple))
			b.server.refusing(errors.New("refused"), test.call)
			expectError(t, b.pass(t, home), test.want)
			expectEqual(t, "is reported", len(b.outcomes.placed.of(edge)) == 1, test.reported)
		})
	}
}

func TestAPassChangesNothingOfWhatIsCached(t *testing.T) {
	gw := pending(t, simple)
	gw.Status.Clusters[0].Objects = inventoryOf("Service")
	entry, ok := entryOf(gw, "home")
	expectEqual(t, "found", ok, true)
	entry.Objects[0].Name = "changed"
	expectEqual(t, "name", gw.Status.Clusters[0].Objects[0].Name, "istio-edge")
}

func TestPodsOfTheGenerationBeforeDoNotMakeItReady(t *testing.T) {
	b := benchWith(t, pending(t, simple))
	expectError(t, b.pass(t, home), "")
	deployment := storedDeployment(t, b.server)
	deployment.Generation = 5
	if err := b.server.Update(t.Context(), deployment); err != nil {
		t.Fatal(err)
	}
	deployment.Status = appsv1.DeploymentStatus{ObservedGeneration: 5, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1}
	if err := b.server.Status().Update(t.Context(), deployment); err != nil {
		t.Fatal(err)
	}
	seen := storedDeployment(t, b.server).ResourceVersion
	for _, test := range []struct {
		name, written string
		want          v1beta1.ClusterState
	}{
		{name: "what is seen is what was applied", written: seen, want: v1beta1.ClusterReady},
		{name: "the cache is behind what was applied", written: seen + "0", want: v1beta1.ClusterApplied},
	} {
		for key, value := range b.clusters.local.written {
			value.resourceVersion = test.written
			b.clusters.local.remember(key, value)
		}
		expectError(t, b.pass(t, home), "")
		expectEqual(t, "state while "+test.name, b.reported(t, home).entry.State, test.want)
	}
}
