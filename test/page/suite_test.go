// Package page_test looks at the webhook's page as people do: with tokens of a real API server, and in a real browser.
package page_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/test/env"
)

func TestPage(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	RunSpecs(t, "The page for people")
}

// The control plane, its administrator and where the page is, set once before the suite.
var (
	plane *env.ControlPlane
	admin client.Client
	page  string
)

// Gateways are in the namespace; another one, past the guard, is elsewhere.
const (
	namespace = "istio-system"
	elsewhere = "elsewhere"
)

var _ = BeforeSuite(func(ctx context.Context) {
	var err error
	plane, err = env.Start(ctx, env.Options{Controllers: true, Progress: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1beta1.AddToScheme, v1alpha1.AddToScheme} {
		Expect(add(scheme)).To(Succeed())
	}
	admin, err = client.New(plane.Config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	for _, name := range []string{namespace, elsewhere} {
		Expect(admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})).To(Succeed())
	}
	// Nobody guards yet, so that one may be where no gateway may be.
	Expect(apply(gateway("hidden", elsewhere, ""))).To(ContainSubstring("created"))
	startPrograms(ctx)
	Expect(apply(gateway("edge", namespace, ""))).To(ContainSubstring("created"))
	Expect(apply(gateway("paused", namespace, "portcullis.dev/paused: 'true'"))).To(ContainSubstring("created"))
	Expect(apply(gateway("refused", elsewhere, ""))).To(ContainSubstring("namespace: metadata.namespace"))
	Expect(apply(gateway("misspelt", namespace, "portcullis.dev/adopt: Grab"))).To(ContainSubstring("denied"))
	Eventually(ctx, func() (string, error) {
		edge := &v1beta1.IstioGateway{}
		err := admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "edge"}, edge)
		return edge.Status.Status, err
	}).Should(Equal("Running"))
})

// startPrograms runs the webhook and the controller for one local cluster, a remote one that is not there and one policy.
func startPrograms(ctx context.Context) {
	GinkgoHelper()
	Expect(apply(`
apiVersion: portcullis.dev/v1alpha1
kind: GatewayCluster
metadata: {name: c1}
spec: {local: true, mesh: {version: 1.26.0}}
---
apiVersion: portcullis.dev/v1alpha1
kind: GatewayCluster
metadata: {name: c2}
spec: {kubeconfigSecret: {namespace: istio-system, name: c2}}
---
apiVersion: portcullis.dev/v1alpha1
kind: GatewayPolicy
metadata: {name: soft}
spec: {enforcements: {drain: Warn}, match: {namespaces: [istio-system]}}
`)).To(ContainSubstring("created"))
	port, health, pagePort := freePort(), freePort(), freePort()
	page = "http://127.0.0.1:" + strconv.Itoa(pagePort) + "/"
	run("webhook",
		"--bind-address", "127.0.0.1", "--port", strconv.Itoa(port), "--health-probe-bind-address", "127.0.0.1:"+strconv.Itoa(health),
		"--metrics-bind-address", "0", "--namespace", namespace, "--ca-secret-namespace", namespace, "--dns-names", "localhost",
		"--replica", "webhook-1", "--page-bind-address", "127.0.0.1:"+strconv.Itoa(pagePort))
	run("controller", "--health-probe-bind-address", "0", "--metrics-bind-address", "0")
	mutating, validating, err := env.Webhooks("https://localhost:"+strconv.Itoa(port), nil)
	Expect(err).NotTo(HaveOccurred())
	Expect(admin.Create(ctx, mutating)).To(Succeed())
	Expect(admin.Create(ctx, validating)).To(Succeed())
	Eventually(func() (int, error) {
		response, err := http.Get("http://127.0.0.1:" + strconv.Itoa(health) + "/readyz")
		if err != nil {
			return 0, err
		}
		return response.StatusCode, response.Body.Close()
	}).Should(Equal(http.StatusOK))
}

// run runs one of our programs until the suite ends.
func run(name string, args ...string) {
	GinkgoHelper()
	binary, err := gexec.Build("portcullis.dev/portcullis/cmd/" + name)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(gexec.CleanupBuildArtifacts)
	session, err := gexec.Start(exec.Command(binary, append(args, "--kubeconfig", plane.Kubeconfig)...), GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Eventually(session.Terminate()).Should(gexec.Exit()) })
}

// apply applies objects as a person does, and returns what they read.
func apply(objects string) string {
	command := exec.Command(plane.Kubectl, "--kubeconfig", plane.Kubeconfig, "apply", "-f", "-")
	command.Stdin = strings.NewReader(objects)
	output, err := command.CombinedOutput()
	if err != nil {
		return string(output) + err.Error()
	}
	return string(output)
}

// gateway is a gateway in a namespace, with some annotations.
func gateway(name, where, annotations string) string {
	return fmt.Sprintf("{apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway, metadata: {name: %s, namespace: %s, annotations: {%s}}, spec: {clusterIds: [c1], ports: [{name: http, port: 80, targetPort: 8080}]}}",
		name, where, annotations)
}

// freePort is a port that nobody listens on.
func freePort() int {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(listener.Close()).To(Succeed()) }()
	return listener.Addr().(*net.TCPAddr).Port
}

// viewer makes a service account with some rights, everywhere or in one namespace, and returns its token.
func viewer(ctx context.Context, name, where string, rules ...rbacv1.PolicyRule) string {
	GinkgoHelper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	Expect(admin.Create(ctx, account)).To(Succeed())
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
	Expect(admin.Create(ctx, role)).To(Succeed())
	subjects := []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: name}}
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}
	var binding client.Object = &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, Subjects: subjects, RoleRef: ref}
	if where != "" {
		binding = &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: where, Name: name}, Subjects: subjects, RoleRef: ref}
	}
	Expect(admin.Create(ctx, binding)).To(Succeed())
	request := &authenticationv1.TokenRequest{}
	Expect(admin.SubResource("token").Create(ctx, account, request)).To(Succeed())
	DeferCleanup(func(ctx context.Context) {
		for _, object := range []client.Object{account, role, binding} {
			Expect(admin.Delete(ctx, object)).To(Succeed())
		}
	})
	return request.Status.Token
}

// reading is a rule that lets read some resources.
func reading(group, verb string, resources ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Verbs: []string{verb}, Resources: resources}
}

// everything are the rights to see the whole page.
func everything() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		reading("istio.alibabacloud.com", "list", "istiogateways"),
		reading("istio.alibabacloud.com", "get", "istiogateways/decisions"),
		reading("portcullis.dev", "list", "gatewayclusters", "gatewaypolicies"),
	}
}

// asked is how the page answers a request with a token; none when it is empty.
func asked(method, path, token string) (int, http.Header, string) {
	GinkgoHelper()
	request, err := http.NewRequest(method, page+path, nil)
	Expect(err).NotTo(HaveOccurred())
	if token != "" {
		request.SetBasicAuth("anybody", token)
	}
	response, err := http.DefaultClient.Do(request)
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(response.Body.Close()).To(Succeed()) }()
	text, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	return response.StatusCode, response.Header, string(text)
}
