package reconcile

import (
	"errors"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// rolledOut is a Deployment of three pods that are all available.
func rolledOut() *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: "istio-edge", Generation: 5},
		Spec:       appsv1.DeploymentSpec{Replicas: new(int32(3))},
		Status:     appsv1.DeploymentStatus{ObservedGeneration: 5, Replicas: 3, UpdatedReplicas: 3, ReadyReplicas: 3, AvailableReplicas: 3},
	}
}

// exposing is a Service whose load balancer has addresses.
func exposing(ingress ...corev1.LoadBalancerIngress) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: "istio-edge"},
		Status:     corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: ingress}},
	}
}

func TestAvailable(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*appsv1.Deployment)
		want   bool
	}{
		{name: "when every wanted pod is new and available", change: func(*appsv1.Deployment) {}, want: true},
		{name: "when a later status was written early", change: func(d *appsv1.Deployment) { d.Status.ObservedGeneration = 6 }, want: true},
		{name: "when no pod is wanted and none is there", want: true, change: func(d *appsv1.Deployment) {
			d.Spec.Replicas, d.Status = new(int32(0)), appsv1.DeploymentStatus{ObservedGeneration: 5}
		}},
		{name: "not while the Deployment does not exist", change: func(d *appsv1.Deployment) { *d = appsv1.Deployment{} }},
		{name: "not while its newest generation is not looked at", change: func(d *appsv1.Deployment) { d.Generation = 6 }},
		{name: "not while a rollout has begun and old pods are all available", change: func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 1 }},
		{name: "not while a pod is missing", change: func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 2 }},
		{name: "not while it is scaled up", change: func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(4)) }},
		{name: "not while it is scaled down to none and pods are left", change: func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(0)) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			deployment := rolledOut()
			test.change(deployment)
			if got := available(deployment); got != test.want {
				t.Errorf("available: %t, want %t", got, test.want)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for _, test := range []struct {
		name    string
		ingress []corev1.LoadBalancerIngress
		want    []string
	}{
		{name: "are none before there is a load balancer"},
		{name: "are IPs and host names, sorted",
			ingress: []corev1.LoadBalancerIngress{{Hostname: "lb.example.com"}, {IP: "203.0.113.9"}, {IP: "203.0.113.1"}},
			want:    []string{"203.0.113.1", "203.0.113.9", "lb.example.com"}},
		{name: "are both of one that has both",
			ingress: []corev1.LoadBalancerIngress{{Hostname: "lb.example.com", IP: "203.0.113.9"}},
			want:    []string{"203.0.113.9", "lb.example.com"}},
		{name: "leave out what says nothing", ingress: []corev1.LoadBalancerIngress{{}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectEqual(t, "addresses", addresses(exposing(test.ingress...)), test.want)
		})
	}
}

func TestObserve(t *testing.T) {
	starting := rolledOut()
	starting.Status.ReadyReplicas, starting.Status.AvailableReplicas = 1, 1
	entry := failedIn("home", "refused a moment ago")
	entry.Addresses = []string{"198.51.100.1"}
	for _, test := range []struct {
		name          string
		objects       []client.Object
		state         v1beta1.ClusterState
		wanted, ready int32
		addresses     []string
	}{
		{
			name:    "notes what became of the objects, and that nothing is wrong any more",
			objects: []client.Object{rolledOut(), exposing(corev1.LoadBalancerIngress{IP: "203.0.113.1"})},
			state:   v1beta1.ClusterReady, wanted: 3, ready: 3, addresses: []string{"203.0.113.1"},
		},
		{
			name:    "is not ready while pods start",
			objects: []client.Object{starting},
			state:   v1beta1.ClusterApplied, wanted: 3, ready: 1,
		},
		{
			name:  "is not ready before the Deployment is seen",
			state: v1beta1.ClusterApplied,
		},
		{
			name:    "is ready without a Service, which a gateway without ports has none of",
			objects: []client.Object{rolledOut()},
			state:   v1beta1.ClusterReady, wanted: 3, ready: 3,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := apiWith(t, test.objects...)
			got, err := newCluster(server, server).observe(t.Context(), entry, gateway.Placed{Namespace: "istio-system", Name: "edge"})
			expectError(t, err, "")
			want := entryIn("home", test.state)
			want.Replicas, want.ReadyReplicas, want.Addresses = test.wanted, test.ready, test.addresses
			expectEqual(t, "entry", got, want)
		})
	}
}

func TestObserveNotesTheAddressesOfEveryLoadBalancer(t *testing.T) {
	private := exposing(corev1.LoadBalancerIngress{IP: "10.0.0.1"})
	private.Name = "istio-edge-private"
	server := apiWith(t, rolledOut(), exposing(corev1.LoadBalancerIngress{IP: "203.0.113.1"}), private)
	placed := gateway.Placed{Namespace: "istio-system", Name: "edge", Annotations: map[string]string{gateway.AnnotationLoadBalancers: `[{name: private}]`}}
	got, err := newCluster(server, server).observe(t.Context(), entryIn("home", v1beta1.ClusterApplied), placed)
	expectError(t, err, "")
	expectEqual(t, "addresses", got.Addresses, []string{"10.0.0.1", "203.0.113.1"})
	expectEqual(t, "Services without an address", len(got.Unassigned), 0)
}

func TestObserveNamesTheLoadBalancersWithoutAnAddress(t *testing.T) {
	private := exposing()
	private.Name, private.Spec.Type = "istio-edge-private", corev1.ServiceTypeLoadBalancer
	server := apiWith(t, rolledOut(), exposing(corev1.LoadBalancerIngress{IP: "203.0.113.1"}), private)
	placed := gateway.Placed{Namespace: "istio-system", Name: "edge", Annotations: map[string]string{gateway.AnnotationLoadBalancers: `[{name: private}]`}}
	entry, err := newCluster(server, server).observe(t.Context(), entryIn("home", v1beta1.ClusterApplied), placed)
	expectError(t, err, "")
	expectEqual(t, "Services without an address", entry.Unassigned, []string{"istio-edge-private"})

	entry.ServiceType = corev1.ServiceTypeLoadBalancer
	gw := &v1beta1.IstioGateway{Status: v1beta1.IstioGatewayStatus{Clusters: []v1beta1.ClusterStatus{entry}}}
	got := addressAssigned(gw)
	expectEqual(t, "condition", string(got.Status)+" "+got.Message, "False The load balancer has no address in: home (Service istio-edge-private)")
}

func TestObserveSaysWhatItCouldNotRead(t *testing.T) {
	for call, want := range map[string]string{
		"get Deployment istio-edge": "reading Deployment istio-system/istio-edge: refused",
		"get Service istio-edge":    "reading Service istio-system/istio-edge: refused",
	} {
		t.Run(call, func(t *testing.T) {
			server := apiWith(t)
			server.refusing(errors.New("refused"), call)
			entry := entryIn("home", v1beta1.ClusterReady)
			got, err := newCluster(server, server).observe(t.Context(), entry, gateway.Placed{Namespace: "istio-system", Name: "edge"})
			expectError(t, err, want)
			expectEqual(t, "entry, of which nothing new is known", got, entry)
		})
	}
}
