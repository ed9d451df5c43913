package fleet_test

import (
	"context"
	"io"
	"net/url"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	connected "portcullis.dev/portcullis/pkg/cluster"
	"portcullis.dev/portcullis/pkg/fence"
	"portcullis.dev/portcullis/pkg/reconcile"
	"portcullis.dev/portcullis/test/env"
	"portcullis.dev/portcullis/test/env/wire"
)

func TestFleet(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(60 * time.Second)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	SetDefaultConsistentlyDuration(2 * time.Second)
	RunSpecs(t, "Gateways in several clusters")
}

const namespace = "istio-system"

// member is a cluster of the fleet: its API server, its administrator, and how the controller reaches it.
type member struct {
	plane *env.ControlPlane
	admin client.Client
	wire  *wire.Wire
	// token is the controller's there.
	token string
}

// The hub's administrator and the clusters of the fleet, by ID; set once before the suite.
var (
	hub   client.Client
	fleet = map[string]member{}
	// hubPlane is the hub's own control plane.
	hubPlane *env.ControlPlane
	// log is what the controller says.
	log = gbytes.NewBuffer()
	// spare is a cluster that specs register by themselves, under one ID at a time.
	spare member
	// dead is the way to it, under an ID of this name, which is dead when the controller starts.
	dead *wire.Wire
)

var _ = BeforeSuite(func(ctx context.Context) {
	ctrl.SetLogger(zap.New(zap.WriteTo(io.MultiWriter(GinkgoWriter, log))))
	plane, reach := start(ctx, env.Options{Progress: GinkgoWriter})
	hub, hubPlane = reach, plane
	for _, id := range []string{"east", "west"} {
		join(ctx, id, env.Options{Progress: GinkgoWriter})
	}
	spare = memberOn(start(ctx, env.Options{Progress: GinkgoWriter}))
	// It hangs while the controller starts.
	dead = wayTo(spare.plane)
	dead.Set(wire.Hanging)
	Expect(hub.Create(ctx, remoteSecret("dead", kubeconfig(spare, dead)))).To(Succeed())
	startController(plane)
})

// join makes a cluster of the fleet, until the end.
func join(ctx context.Context, id string, options env.Options) {
	GinkgoHelper()
	fleet[id] = memberOn(start(ctx, options))
	secret := remoteSecret(id, kubeconfig(fleet[id], fleet[id].wire))
	Expect(hub.Create(ctx, secret)).To(Succeed())
	DeferCleanup(func(ctx context.Context) {
		Expect(hub.Delete(ctx, secret)).To(Succeed())
		delete(fleet, id)
	})
}

// memberOn is a control plane where the controller has an account.
func memberOn(plane *env.ControlPlane, reach client.Client) member {
	GinkgoHelper()
	return member{plane, reach, wayTo(plane), account(context.Background(), reach)}
}

// wayTo leads to a cluster's API server until the end.
func wayTo(plane *env.ControlPlane) *wire.Wire {
	GinkgoHelper()
	address, err := url.Parse(plane.Config.Host)
	Expect(err).NotTo(HaveOccurred())
	way, err := wire.New(address.Host)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(way.Close)
	return way
}

// start starts a control plane with the namespace of gateways.
func start(ctx context.Context, options env.Options) (*env.ControlPlane, client.Client) {
	GinkgoHelper()
	plane, err := env.Start(ctx, options)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	reach, err := client.New(plane.Config, client.Options{Scheme: scheme()})
	Expect(err).NotTo(HaveOccurred())
	Expect(reach.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
	return plane, reach
}

// scheme knows our kinds and Kubernetes' own.
func scheme() *runtime.Scheme {
	out := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1beta1.AddToScheme, v1alpha1.AddToScheme} {
		Expect(add(out)).To(Succeed())
	}
	return out
}

// startController runs the controller as its binary does, until the suite ends.
func startController(plane *env.ControlPlane) {
	GinkgoHelper()
	cached, err := reconcile.CacheOptions(namespace)
	Expect(err).NotTo(HaveOccurred())
	mgr, err := ctrl.NewManager(plane.Config, manager.Options{Scheme: scheme(), Cache: cached, Metrics: metricsserver.Options{BindAddress: "0"}})
	Expect(err).NotTo(HaveOccurred())
	ctx, cancel := context.WithCancel(context.Background())
	Expect(reconcile.Setup(ctx, mgr, reconcile.Options{
		Workers: 4, Fence: &fence.Options{EmergencyGroup: "system:masters"}, ApprovalRetention: time.Hour, LookAgain: time.Second, RemoteSecrets: namespace,
		Connecting: connected.Timing{Probe: 200 * time.Millisecond, ProbeTimeout: time.Second, LongestPause: time.Second},
	})).To(Succeed())
	done := make(chan error)
	go func() { done <- mgr.Start(ctx) }()
	DeferCleanup(func() {
		cancel()
		Eventually(done).Should(Receive(BeNil()))
	})
}

// kubeconfig reaches a cluster by a wire, with the rights of a member cluster and no others.
func kubeconfig(of member, way *wire.Wire) []byte {
	GinkgoHelper()
	address := url.URL{Scheme: "https", Host: way.Address()}
	raw, err := clientcmd.Write(api.Config{
		Clusters: map[string]*api.Cluster{"c": {
			Server: address.String(), TLSServerName: "localhost", CertificateAuthorityData: of.plane.Config.CAData,
		}},
		AuthInfos:      map[string]*api.AuthInfo{"u": {Token: of.token}},
		Contexts:       map[string]*api.Context{"x": {Cluster: "c", AuthInfo: "u"}},
		CurrentContext: "x",
	})
	Expect(err).NotTo(HaveOccurred())
	return raw
}

// remoteSecret registers a cluster, as istioctl create-remote-secret does.
func remoteSecret(id string, kubeconfig []byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "istio-remote-secret-" + id,
			Labels: map[string]string{connected.LabelRemoteSecret: "true"},
		},
		Data: map[string][]byte{id: kubeconfig},
	}
}

// expectApplied creates a gateway with a spec in YAML, and sees it removed from everywhere after the spec.
func expectApplied(ctx context.Context, name, spec string) *v1beta1.IstioGateway {
	GinkgoHelper()
	gw := expectCreated(ctx, name, spec)
	DeferCleanup(func(ctx context.Context) {
		Expect(client.IgnoreNotFound(hub.Delete(ctx, gw))).To(Succeed())
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
	})
	return gw
}

// expectCreated creates a gateway with a spec in YAML.
func expectCreated(ctx context.Context, name, spec string) *v1beta1.IstioGateway {
	GinkgoHelper()
	gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	Expect(yaml.UnmarshalStrict([]byte(spec), &gw.Spec)).To(Succeed())
	Expect(hub.Create(ctx, gw)).To(Succeed())
	return gw
}

// expectChanged changes a gateway.
func expectChanged(ctx context.Context, gw *v1beta1.IstioGateway, change func(*v1beta1.IstioGateway)) {
	GinkgoHelper()
	Eventually(func() error {
		if err := hub.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
			return err
		}
		change(gw)
		return hub.Update(ctx, gw)
	}).Should(Succeed())
}

// gone says whether a gateway is no longer stored.
func gone(ctx context.Context, gw *v1beta1.IstioGateway) bool {
	return apierrors.IsNotFound(hub.Get(ctx, client.ObjectKeyFromObject(gw), gw))
}

// entryOf is what a gateway's status says of a cluster.
func entryOf(ctx context.Context, gw *v1beta1.IstioGateway, id string) v1beta1.ClusterStatus {
	if err := hub.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
		return v1beta1.ClusterStatus{Message: err.Error()}
	}
	for _, entry := range gw.Status.Clusters {
		if entry.ClusterID == id {
			return entry
		}
	}
	return v1beta1.ClusterStatus{}
}

// conditionOf says how a condition of a gateway is: its status and message.
func conditionOf(ctx context.Context, gw *v1beta1.IstioGateway, name string) string {
	if err := hub.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
		return err.Error()
	}
	for _, condition := range gw.Status.Conditions {
		if condition.Type == name && condition.ObservedGeneration == gw.Generation {
			return string(condition.Status) + " " + condition.Message
		}
	}
	return "not reported"
}

// selecting selects an app's pods.
func selecting(app string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}
