//go:build e2e

// Package e2e_test runs against a real cluster with real containers: that of KUBECONFIG, whose nodes can run the images
// that make e2e hands them. Nothing of Portcullis may be installed there.
package e2e_test

import (
	"context"
	"io/fs"
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/charts"
	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/reconcile"
)

// Where gateways are, and the tag of the images.
const (
	namespace = "istio-system"
	tag       = "e2e"
)

// The cluster, its administrator, the kinds that clients know, and the registry of the images, set once before the suite.
var (
	config   *rest.Config
	admin    client.Client
	scheme   = runtime.NewScheme()
	registry = os.Getenv("E2E_REGISTRY")
)

func TestEndToEnd(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(2 * time.Minute)
	SetDefaultEventuallyPollingInterval(200 * time.Millisecond)
	RunSpecs(t, "On a real cluster")
}

var _ = BeforeSuite(func(ctx context.Context) {
	ctrl.SetLogger(zap.New(zap.WriteTo(GinkgoWriter)))
	Expect(registry).NotTo(BeEmpty(), "make e2e says in E2E_REGISTRY where the images are")
	var err error
	config, err = clientcmd.BuildConfigFromFlags("", os.Getenv(clientcmd.RecommendedConfigPathEnvVar))
	Expect(err).NotTo(HaveOccurred())
	config.WarningHandler = rest.NoWarnings{}
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1beta1.AddToScheme, v1alpha1.AddToScheme} {
		Expect(add(scheme)).To(Succeed())
	}
	admin, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
		// The control plane keeps it in every namespace; pods wait for it.
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istio-ca-root-cert"}},
	} {
		Expect(client.IgnoreAlreadyExists(admin.Create(ctx, object))).To(Succeed())
	}
})

// image names one of the images that the cluster was handed.
func image(name string) string {
	return registry + "/" + name + ":" + tag
}

// definitions are our CustomResourceDefinitions.
func definitions() []*apiextensionsv1.CustomResourceDefinition {
	GinkgoHelper()
	paths, err := fs.Glob(charts.CRDs, "portcullis/files/crds/*.yaml")
	Expect(err).NotTo(HaveOccurred())
	Expect(paths).NotTo(BeEmpty())
	var out []*apiextensionsv1.CustomResourceDefinition
	for _, path := range paths {
		text, err := charts.CRDs.ReadFile(path)
		Expect(err).NotTo(HaveOccurred())
		definition := &apiextensionsv1.CustomResourceDefinition{}
		Expect(yaml.UnmarshalStrict(text, definition)).To(Succeed())
		out = append(out, definition)
	}
	return out
}

// startController runs the controller as its binary does, until the container of specs ends.
func startController() {
	GinkgoHelper()
	cached, err := reconcile.CacheOptions(namespace)
	Expect(err).NotTo(HaveOccurred())
	mgr, err := ctrl.NewManager(config, manager.Options{Scheme: scheme, Cache: cached, Metrics: metricsserver.Options{BindAddress: "0"}})
	Expect(err).NotTo(HaveOccurred())
	ctx, cancel := context.WithCancel(context.Background())
	Expect(reconcile.Setup(ctx, mgr, reconcile.Options{Workers: 4, ApprovalRetention: time.Hour})).To(Succeed())
	done := make(chan error)
	go func() { done <- mgr.Start(ctx) }()
	DeferCleanup(func() {
		cancel()
		Eventually(done).Should(Receive(BeNil()))
	})
}
