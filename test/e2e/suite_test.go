// Package e2e_test runs against a real cluster with real containers. What it needs comes from the environment: the
// cluster from KUBECONFIG, an image of test/e2e/proxy that its nodes can run from PORTCULLIS_E2E_PROXY_IMAGE. Without
// them every spec is skipped, and says so.
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
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/charts"
	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/reconcile"
	"portcullis.dev/portcullis/test/restart/edits"
)

// imageVariable names the image of test/e2e/proxy in the environment.
const imageVariable = "PORTCULLIS_E2E_PROXY_IMAGE"

const namespace = "istio-system"

// admin is an administrator of the cluster; nil when there is no cluster.
var admin client.Client

func TestEndToEnd(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(2 * time.Minute)
	SetDefaultEventuallyPollingInterval(200 * time.Millisecond)
	for _, name := range []string{clientcmd.RecommendedConfigPathEnvVar, imageVariable} {
		if os.Getenv(name) == "" {
			// Here and not in the specs: a reader of go test -v sees this one sentence.
			t.Skipf("There is no real cluster to test on: set %s to a cluster's kubeconfig and %s to an image of test/e2e/proxy that it can run; %s is empty",
				clientcmd.RecommendedConfigPathEnvVar, imageVariable, name)
		}
	}
	RunSpecs(t, "On a real cluster")
}

var _ = BeforeSuite(func(ctx context.Context) {
	ctrl.SetLogger(zap.New(zap.WriteTo(GinkgoWriter)))
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv(clientcmd.RecommendedConfigPathEnvVar))
	Expect(err).NotTo(HaveOccurred())
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1beta1.AddToScheme, v1alpha1.AddToScheme} {
		Expect(add(scheme)).To(Succeed())
	}
	admin, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	_, err = envtest.InstallCRDs(config, envtest.CRDInstallOptions{Scheme: scheme, CRDs: definitions()})
	Expect(err).NotTo(HaveOccurred())
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
		// The control plane keeps it in every namespace; pods wait for it.
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istio-ca-root-cert"}},
		&v1alpha1.GatewayCluster{ObjectMeta: metav1.ObjectMeta{Name: edits.Cluster}, Spec: v1alpha1.GatewayClusterSpec{
			Local: new(true), Managed: new(true), Mesh: &v1alpha1.MeshProfile{ProxyImage: os.Getenv(imageVariable)},
		}},
	} {
		Expect(client.IgnoreAlreadyExists(admin.Create(ctx, object))).To(Succeed())
	}
	startController(config, scheme)
})

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

// startController runs the controller as its binary does, until the suite ends.
func startController(config *rest.Config, scheme *runtime.Scheme) {
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
