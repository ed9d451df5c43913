package cluster_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	controllerconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/cluster"
	"portcullis.dev/portcullis/test/env"
	"portcullis.dev/portcullis/test/env/wire"
)

func TestCluster(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(60 * time.Second)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	RunSpecs(t, "Keeping connections to clusters")
}

const namespace = "istio-system"

// The hub that the controllers run in, and a cluster elsewhere, each with its administrator; set once before the suite.
var (
	hub, elsewhere *env.ControlPlane
	admin, remote  client.Client
	registry       *cluster.Registry
)

// quick is timing for specs, which have no time to lose.
var quick = cluster.Timing{
	Sync: 5 * time.Second, Probe: 50 * time.Millisecond, ProbeTimeout: time.Second, Failures: 3,
	FirstPause: 50 * time.Millisecond, LongestPause: 200 * time.Millisecond,
}

var _ = BeforeSuite(func(ctx context.Context) {
	hub, admin = start(ctx)
	elsewhere, remote = start(ctx)
	background, stop := context.WithCancel(context.Background())
	DeferCleanup(func() { stop() })
	mgr := newManager()
	changed := make(cluster.Signal)
	registry = cluster.NewRegistry(background, options(changed.Send))
	Expect(cluster.Setup(mgr, registry, changed, namespace)).To(Succeed())
	done := make(chan error)
	go func() { done <- mgr.Start(background) }()
	DeferCleanup(func() {
		stop()
		Expect(<-done).To(Succeed())
	})
})

// start starts a control plane with the namespace of gateways.
func start(ctx context.Context) (*env.ControlPlane, client.Client) {
	plane, err := env.Start(ctx, env.Options{Progress: GinkgoWriter})
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
	Expect(clientgoscheme.AddToScheme(out)).To(Succeed())
	Expect(v1alpha1.AddToScheme(out)).To(Succeed())
	return out
}

// newManager is a manager on the hub that keeps of Secrets what Setup asks for.
func newManager() manager.Manager {
	mgr, err := manager.New(hub.Config, manager.Options{
		Scheme:     scheme(),
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: controllerconfig.Controller{SkipNameValidation: new(true)},
		Cache: cache.Options{ByObject: map[client.Object]cache.ByObject{
			cluster.SecretMetadata(): {
				Namespaces: map[string]cache.Config{namespace: {}},
				Label:      labels.SelectorFromSet(labels.Set{cluster.LabelRemoteSecret: "true"}),
			},
		}},
	})
	Expect(err).NotTo(HaveOccurred())
	return mgr
}

// options connect as the controller does, and quickly.
func options(changed func(context.Context, string)) cluster.Options {
	return cluster.Options{
		Scheme:   scheme(),
		Kinds:    []client.Object{&appsv1.Deployment{}},
		Uncached: []client.Object{&corev1.Secret{}, &corev1.ConfigMap{}},
		Registered: func(ctx context.Context) ([]v1alpha1.GatewayCluster, error) {
			list := &v1alpha1.GatewayClusterList{}
			err := admin.List(ctx, list)
			return list.Items, err
		},
		Changed: changed,
		Timing:  quick,
	}
}

// kubeconfig reaches a cluster as an administrator, at an address of its API server.
func kubeconfig(config *rest.Config, address string) []byte {
	raw, err := clientcmd.Write(api.Config{
		Clusters: map[string]*api.Cluster{"c": {
			Server: "https://" + address, TLSServerName: "localhost", CertificateAuthorityData: config.CAData,
		}},
		AuthInfos:      map[string]*api.AuthInfo{"u": {ClientCertificateData: config.CertData, ClientKeyData: config.KeyData}},
		Contexts:       map[string]*api.Context{"x": {Cluster: "c", AuthInfo: "u"}},
		CurrentContext: "x",
	})
	Expect(err).NotTo(HaveOccurred())
	return raw
}

// wireTo leads to a cluster's API server until the spec ends.
func wireTo(plane *env.ControlPlane) *wire.Wire {
	GinkgoHelper()
	address, err := url.Parse(plane.Config.Host)
	Expect(err).NotTo(HaveOccurred())
	host := address.Host
	if host == "" {
		host = plane.Config.Host
	}
	out, err := wire.New(host)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(out.Close)
	return out
}
