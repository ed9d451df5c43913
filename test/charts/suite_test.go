// Package charts_test installs the chart with helm on a real API server, and runs what it installs with the arguments
// and the rights that it gives.
package charts_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/test/env"
)

func TestCharts(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	RunSpecs(t, "Installing with helm")
}

// Where the release is, and where gateways are.
const (
	release   = "portcullis"
	home      = "portcullis"
	namespace = "istio-system"
	chart     = "../../charts/portcullis"
)

// The control plane, its administrator and the port that the API server finds the webhook at, set once before the
// suite.
var (
	plane *env.ControlPlane
	admin client.Client
	port  int
)

// isIstios says whether a kind is Istio's; the others are cert-manager's.
func isIstios(kind schema.GroupVersionKind) bool {
	return kind.Group == "networking.istio.io"
}

// istioKinds are the kinds of Istio, and certManagerKinds those of cert-manager, that gateways are made of.
func istioKinds() []schema.GroupVersionKind {
	return slices.DeleteFunc(env.ForeignKinds(), func(kind schema.GroupVersionKind) bool { return !isIstios(kind) })
}

func certManagerKinds() []schema.GroupVersionKind {
	return slices.DeleteFunc(env.ForeignKinds(), isIstios)
}

var _ = BeforeSuite(func(ctx context.Context) {
	var err error
	plane, err = env.Start(ctx, env.Options{Controllers: true, Progress: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	admin = clientFor(plane.Config)
	for _, name := range []string{home, namespace} {
		Expect(admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})).To(Succeed())
	}
	forgetCRDs(ctx)
	// cert-manager comes with the specs that have a use for it: others see what is said without it.
	Expect(plane.InstallKinds(istioKinds()...)).To(Succeed())
	build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(plane.Dir, "helm"), "helm.sh/helm/v4/cmd/helm")
	build.Dir = filepath.Join("..", "..", "tools", "helm")
	out, err := build.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(out))
	port = freePort()
	Expect(helm(ctx, append([]string{"install", release, chart}, values()...)...)).To(ContainSubstring("STATUS: deployed"))
})

// values are those of the release. Pods do not really run here, so the API server asks a process of this machine.
func values() []string {
	return []string{
		"--set", "webhook.url=" + url(),
		"--set", "cluster.id=c1",
		// An approval goes as soon as it is used.
		"--set", "controller.approvalRetention=0s",
	}
}

// url is where the API server finds the webhook.
func url() string {
	return "https://localhost:" + strconv.Itoa(port)
}

// forgetCRDs takes away what the control plane has of ours, so that the chart has to bring it.
func forgetCRDs(ctx context.Context) {
	GinkgoHelper()
	Expect(admin.DeleteAllOf(ctx, &apiextensionsv1.CustomResourceDefinition{})).To(Succeed())
	Eventually(ctx, func() ([]apiextensionsv1.CustomResourceDefinition, error) {
		list := &apiextensionsv1.CustomResourceDefinitionList{}
		return list.Items, admin.List(ctx, list)
	}).Should(BeEmpty())
}

// helm runs helm in the release's namespace, and returns what it says.
func helm(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(plane.Dir, "helm"), append(args, "--namespace", home)...)
	command.Env = append(os.Environ(), "KUBECONFIG="+plane.Kubeconfig, "HELM_CACHE_HOME="+plane.Dir, "HELM_CONFIG_HOME="+plane.Dir, "HELM_DATA_HOME="+plane.Dir)
	out, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("helm %s: %w\n%s", args[0], err, out)
	}
	return string(out), nil
}

// clientFor reaches the API server as kubectl does.
func clientFor(config *rest.Config) client.Client {
	GinkgoHelper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1alpha1.AddToScheme, v1beta1.AddToScheme} {
		Expect(add(scheme)).To(Succeed())
	}
	config = rest.CopyConfig(config)
	config.WarningHandler = rest.NoWarnings{}
	plain, err := client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	return client.WithFieldValidation(plain, metav1.FieldValidationStrict)
}

// freePort is a port that nobody listens on.
func freePort() int {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(listener.Close()).To(Succeed()) }()
	return listener.Addr().(*net.TCPAddr).Port
}
