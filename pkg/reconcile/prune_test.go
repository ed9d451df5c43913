package reconcile

import (
	"errors"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// of makes an object a gateway's in a cluster.
func of[T client.Object](gw, cluster string, object T) T {
	object.SetNamespace("istio-system")
	object.SetName("istio-" + gw)
	object.SetLabels(map[string]string{"portcullis.dev/gateway": gw, "portcullis.dev/cluster": cluster})
	return object
}

// leaving is an object that is deleted and held by somebody's finalizer.
func leaving[T client.Object](object T) T {
	object.SetFinalizers([]string{"example.com/keep"})
	object.SetDeletionTimestamp(&metav1.Time{Time: time.Unix(1_700_000_000, 0)})
	return object
}

// everythingOf is one object in home of each kind that a gateway is made of.
func everythingOf(gw string) []client.Object {
	return []client.Object{
		of(gw, "home", &corev1.ServiceAccount{}), of(gw, "home", &rbacv1.Role{}), of(gw, "home", &rbacv1.RoleBinding{}),
		of(gw, "home", &corev1.Service{}), of(gw, "home", &appsv1.Deployment{}),
		of(gw, "home", &autoscalingv2.HorizontalPodAutoscaler{}), of(gw, "home", &policyv1.PodDisruptionBudget{}),
	}
}

// missing is the answer about an object that does not exist.
func missing(name string) error {
	return apierrors.NewNotFound(schema.GroupResource{}, name)
}

func TestPruneDeletesWhatTheGatewayIsNoLongerMadeOf(t *testing.T) {
	elsewhere := of("edge", "home", &corev1.Service{})
	elsewhere.Namespace = "default"
	server := apiWith(t, slices.Concat(
		everythingOf("edge"), everythingOf("other"),
		[]client.Object{elsewhere},
	)...)
	moved := of("edge", "away", &corev1.ServiceAccount{})
	moved.Name = "istio-edge-away"
	if err := server.Create(t.Context(), moved); err != nil {
		t.Fatal(err)
	}
	keep := []v1beta1.ObjectReference{
		serviceOfEdge,
		{APIVersion: "apps/v1", Kind: "Deployment", Name: "istio-edge"},
		{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "Role", Name: "istio-edge"},
		// Of the right kind and name, but of an API that we do not write.
		{APIVersion: "autoscaling/v1", Kind: "HorizontalPodAutoscaler", Name: "istio-edge"},
	}

	expectError(t, newCluster(server, server).prune(t.Context(), gatewayOf(t, `{}`), "home", keep), "")
	expectEqual(t, "requests", server.calls, []string{
		"delete HorizontalPodAutoscaler istio-edge", "delete PodDisruptionBudget istio-edge",
		"delete RoleBinding istio-edge", "delete ServiceAccount istio-edge",
	})
}

func TestPruneLeavesEverythingThatIsKept(t *testing.T) {
	server := apiWith(t, of("edge", "home", &corev1.Service{}))
	expectError(t, newCluster(server, server).prune(t.Context(), gatewayOf(t, `{}`), "home", []v1beta1.ObjectReference{serviceOfEdge}), "")
	expectEqual(t, "requests", server.calls, []string(nil))
}

func TestRemoveAllDeletesTheServiceWhenTheRestIsGone(t *testing.T) {
	server := apiWith(t, everythingOf("edge")...)
	c := newCluster(server, server)
	for _, pass := range []struct {
		left  int
		calls []string
	}{
		{left: 6, calls: []string{
			"delete HorizontalPodAutoscaler istio-edge", "delete PodDisruptionBudget istio-edge", "delete Deployment istio-edge",
			"delete RoleBinding istio-edge", "delete Role istio-edge", "delete ServiceAccount istio-edge",
		}},
		{left: 1, calls: []string{"delete Service istio-edge"}},
		{left: 0},
	} {
		server.calls = nil
		left, err := c.removeAll(t.Context(), gatewayOf(t, `{}`), "home")
		expectError(t, err, "")
		expectEqual(t, "objects that are left", left, pass.left)
		expectEqual(t, "requests", server.calls, pass.calls)
	}
}

func TestRemoveAllWaitsForWhatSomebodyHolds(t *testing.T) {
	server := apiWith(t, leaving(of("edge", "home", &appsv1.Deployment{})), of("edge", "home", &corev1.Service{}))
	left, err := newCluster(server, server).removeAll(t.Context(), gatewayOf(t, `{}`), "home")

	expectError(t, err, "")
	expectEqual(t, "objects that are left", left, 1)
	expectEqual(t, "requests", server.calls, []string(nil))
}

func TestRemoveAllDoesNotTrustTheCache(t *testing.T) {
	cached := apiWith(t)
	live := apiWith(t, of("edge", "home", &corev1.Service{}))
	left, err := newCluster(cached, live).removeAll(t.Context(), gatewayOf(t, `{}`), "home")

	expectError(t, err, "")
	expectEqual(t, "objects that are left", left, 1)
}

func TestRemovingSaysWhatWasRefused(t *testing.T) {
	for call, want := range map[string]string{
		"list DeploymentList":          "listing Deployments of IstioGateway istio-system/edge: refused",
		"delete Deployment istio-edge": "deleting Deployment istio-system/istio-edge: refused",
	} {
		t.Run(call, func(t *testing.T) {
			server := apiWith(t, everythingOf("edge")...)
			server.refusing(errors.New("refused"), call)
			c := newCluster(server, server)
			expectError(t, c.prune(t.Context(), gatewayOf(t, `{}`), "home", nil), want)
			_, err := c.removeAll(t.Context(), gatewayOf(t, `{}`), "home")
			expectError(t, err, want)
			expectEqual(t, "the Service is still there", storedService(t, server.WithWatch).Name, "istio-edge")
		})
	}
}

func TestDelete(t *testing.T) {
	for _, test := range []struct {
		name   string
		object client.Object
		answer error
		calls  []string
		want   string
		// known says whether the object is remembered afterwards.
		known bool
	}{
		{name: "forgets what it deleted", object: of("edge", "home", &corev1.Service{}), calls: []string{"delete Service istio-edge"}},
		{name: "forgets what somebody deleted first", object: of("edge", "home", &corev1.Service{}), answer: missing("istio-edge"), calls: []string{"delete Service istio-edge"}},
		{name: "leaves alone what is on its way out", object: leaving(of("edge", "home", &corev1.Service{})), known: true},
		{name: "remembers what it could not delete", object: of("edge", "home", &corev1.Service{}), answer: errors.New("refused"),
			calls: []string{"delete Service istio-edge"}, want: "deleting Service istio-system/istio-edge: refused", known: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := apiWith(t, test.object)
			server.refusing(test.answer, "delete Service istio-edge")
			c := newCluster(server, server)
			test.object.GetObjectKind().SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Service"))
			key := objectKey{test.object.GetObjectKind().GroupVersionKind(), client.ObjectKeyFromObject(test.object)}
			c.remember(key, written{resourceVersion: "1"})

			expectError(t, c.delete(t.Context(), test.object), test.want)
			expectEqual(t, "requests", server.calls, test.calls)
			_, known := c.last(key)
			expectEqual(t, "is remembered", known, test.known)
		})
	}
}
