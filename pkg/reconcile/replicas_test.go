package reconcile

import (
	"errors"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The specs of a gateway with four pods, and of one whose pods an autoscaler counts.
const (
	fourPods   = `{replicaCount: 4}`
	autoscaled = `{minReplicas: 2, maxReplicas: 8, cpu: {targetAverageUtilization: 80}}`
)

// storedDeployment reads the Deployment.
func storedDeployment(t *testing.T, server client.Reader) *appsv1.Deployment {
	t.Helper()
	deployment := &appsv1.Deployment{}
	if err := server.Get(t.Context(), client.ObjectKey{Namespace: "istio-system", Name: "istio-edge"}, deployment); err != nil {
		t.Fatalf("reading the Deployment: %v", err)
	}
	return deployment
}

// scaled sets a Deployment's replicas as an autoscaler does.
func scaled(t *testing.T, server client.Client, replicas int32) {
	t.Helper()
	deployment := storedDeployment(t, server)
	deployment.Spec.Replicas = new(replicas)
	if err := server.Update(t.Context(), deployment, client.FieldOwner("kube-controller-manager")); err != nil {
		t.Fatalf("scaling: %v", err)
	}
}

func TestHandOverDecides(t *testing.T) {
	ours := func(fields string) *appsv1.Deployment {
		return &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "istio-system", Name: "istio-edge",
				ManagedFields: []metav1.ManagedFieldsEntry{recordOf("portcullis", "Apply", fields)},
			},
			Spec: appsv1.DeploymentSpec{Replicas: new(int32(4))},
		}
	}
	left := ours(`{"f:spec":{"f:replicas":{}}}`)
	left.ManagedFields = append(left.ManagedFields, recordOf("portcullis-replicas-handover", "Apply", `{"f:spec":{"f:replicas":{}}}`))
	unset := ours(`{"f:spec":{"f:replicas":{}}}`)
	unset.Spec.Replicas = nil
	for _, test := range []struct {
		name    string
		spec    string
		present client.Object
		want    []string
	}{
		{name: "to hand over replicas that we own and no longer state", spec: autoscaled, present: ours(`{"f:spec":{"f:replicas":{}}}`), want: []string{"apply Deployment istio-edge"}},
		{name: "to keep replicas that we go on stating", spec: fourPods, present: ours(`{"f:spec":{"f:replicas":{}}}`)},
		{name: "to leave alone replicas that are another's", spec: autoscaled, present: ours(`{"f:spec":{"f:template":{}}}`)},
		{name: "that they are handed over already by one who was killed then", spec: autoscaled, present: left},
		{name: "that there is nothing to hand over before the first time", spec: autoscaled},
		{name: "that there is nothing to hand over without a number", spec: autoscaled, present: unset},
		{name: "that other kinds have no replicas", spec: autoscaled, present: &corev1.Service{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := apiWith(t)
			desired, _, err := convert(objectsOf(t, test.spec).Deployment)
			expectError(t, err, "")
			expectError(t, newCluster(server, server).handOver(t.Context(), desired, test.present), "")
			expectEqual(t, "requests", server.calls, test.want)
		})
	}
}

// The API server in memory cannot merge a Deployment that states nothing but replicas, so what becomes of the
// live number is tested on a real one, in test/reconcile; here it is what we ask for.
func TestReplicasAreHandedOverBeforeWeStopStatingThem(t *testing.T) {
	server := apiWith(t)
	c := newCluster(server, server)
	expectApplied(t, c, objectsOf(t, fourPods).Deployment)
	live := storedDeployment(t, server)
	server.calls, server.applied, server.mute = nil, nil, true

	expectApplied(t, c, objectsOf(t, autoscaled).Deployment)
	expectEqual(t, "requests", server.calls, []string{"apply Deployment istio-edge", "apply Deployment istio-edge"})
	expectEqual(t, "first", server.applied[0], request{
		owner: "portcullis-replicas-handover",
		body: `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"istio-edge","namespace":"istio-system","resourceVersion":"` +
			live.ResourceVersion + `"},"spec":{"replicas":4}}`,
	})
	expectEqual(t, "owner of the second", server.applied[1].owner, "portcullis")
	expectEqual(t, "force of the second", server.applied[1].force, true)
	if strings.Contains(server.applied[1].body, `"replicas"`) {
		t.Errorf("the second still states replicas: %s", server.applied[1].body)
	}
}

func TestReplicasOfAnAutoscalerAreNotStated(t *testing.T) {
	server := apiWith(t)
	c := newCluster(server, server)
	expectApplied(t, c, objectsOf(t, autoscaled).Deployment)
	scaled(t, server, 7)
	expectApplied(t, c, objectsOf(t, autoscaled).Deployment)

	expectEqual(t, "replicas", *storedDeployment(t, server).Spec.Replicas, int32(7))
	expectEqual(t, "replicas are ours", ownsReplicas(storedDeployment(t, server)), false)
}

func TestReplicasThatSomebodyScaledAreOursAgain(t *testing.T) {
	server := apiWith(t)
	c := newCluster(server, server)
	expectApplied(t, c, objectsOf(t, fourPods).Deployment)
	scaled(t, server, 7)

	expectEqual(t, "who had changed them", expectApplied(t, c, objectsOf(t, fourPods).Deployment).drifted, "kube-controller-manager")
	expectEqual(t, "replicas", *storedDeployment(t, server).Spec.Replicas, int32(4))
	expectEqual(t, "replicas are ours", ownsReplicas(storedDeployment(t, server)), true)
}

func TestNothingIsAppliedWhenReplicasCannotBeHandedOver(t *testing.T) {
	server := apiWith(t)
	c := newCluster(server, server)
	expectApplied(t, c, objectsOf(t, fourPods).Deployment)
	server.calls = nil
	server.refusing(errors.New("refused"), "apply Deployment istio-edge")

	_, err := c.apply(t.Context(), objectsOf(t, autoscaled).Deployment, "", false)
	expectError(t, err, "handing over the replicas of Deployment istio-system/istio-edge: refused")
	expectEqual(t, "requests", server.calls, []string{"apply Deployment istio-edge"})
	expectEqual(t, "replicas are ours", ownsReplicas(storedDeployment(t, server)), true)
}

func TestADeploymentIsMadeWithItsFirstPods(t *testing.T) {
	made := func() *appsv1ac.DeploymentApplyConfiguration {
		return objectsOf(t, autoscaled).Deployment.WithAnnotations(map[string]string{annotationReplicas: `{"atFirst":2}`})
	}
	server := apiWith(t)
	expectApplied(t, newCluster(server, server), made())
	expectEqual(t, "replicas", *storedDeployment(t, server).Spec.Replicas, int32(2))
	expectEqual(t, "replicas are ours", ownsReplicas(storedDeployment(t, server)), true)
	expectEqual(t, "requests", server.calls, []string{"apply Deployment istio-edge"})

	// Another process recognises it, as long as nobody counted, and when somebody did.
	server.calls = nil
	expectApplied(t, newCluster(server, server), made())
	expectEqual(t, "requests after a restart", server.calls, []string(nil))
	scaled(t, server, 7)
	server.calls = nil
	expectApplied(t, newCluster(server, server), made())
	expectEqual(t, "requests after a restart, scaled", server.calls, []string(nil))
	expectEqual(t, "replicas", *storedDeployment(t, server).Spec.Replicas, int32(7))
}
