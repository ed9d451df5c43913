package audit_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/test/env"
)

func TestAudit(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	SetDefaultConsistentlyDuration(3 * time.Second)
	RunSpecs(t, "Auditing what is stored")
}

// The control plane, an administrator's client, and the binaries, set once before the suite. No webhook runs: all that is
// stored went past the guard.
var (
	plane   *env.ControlPlane
	admin   client.Client
	binary  string
	plugin  string
	running *controller
)

const namespace = "istio-system"

var _ = BeforeSuite(func(ctx context.Context) {
	var err error
	plane, err = env.Start(ctx, env.Options{Audit: true, Progress: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	Expect(plane.InstallKinds(env.ForeignKinds()...)).To(Succeed())
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1beta1.AddToScheme, v1alpha1.AddToScheme} {
		Expect(add(scheme)).To(Succeed())
	}
	admin, err = client.New(plane.Config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	Expect(admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
	Expect(admin.Create(ctx, &v1alpha1.GatewayCluster{
		ObjectMeta: metav1.ObjectMeta{Name: "local"},
		Spec:       v1alpha1.GatewayClusterSpec{Local: new(true)},
	})).To(Succeed())
	DeferCleanup(gexec.CleanupBuildArtifacts)
	binary, err = gexec.Build("portcullis.dev/portcullis/cmd/controller")
	Expect(err).NotTo(HaveOccurred())
	plugin, err = gexec.Build("portcullis.dev/portcullis/cmd/kubectl-portcullis")
	Expect(err).NotTo(HaveOccurred())
	running = start("10m")
	DeferCleanup(func() { running.stop() })
})

// controller is one process of the controller.
type controller struct {
	metrics int
	session *gexec.Session
}

// start starts the controller with an interval between audits.
func start(interval string) *controller {
	GinkgoHelper()
	out := &controller{metrics: freePort()}
	command := exec.Command(binary, "--kubeconfig", plane.Kubeconfig, "--fence=false", "--audit-interval", interval,
		"--health-probe-bind-address", "0", "--metrics-bind-address", "127.0.0.1:"+strconv.Itoa(out.metrics))
	var err error
	out.session, err = gexec.Start(command, GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	return out
}

// stop ends it as Kubernetes does.
func (c *controller) stop() {
	GinkgoHelper()
	Eventually(c.session.Terminate()).Should(gexec.Exit())
}

// restart ends it, and starts another one.
func restart(interval string) {
	GinkgoHelper()
	running.stop()
	running = start(interval)
}

// scraped is what the controller's metrics say; nothing while it does not answer.
func (c *controller) scraped() string {
	response, err := http.Get("http://127.0.0.1:" + strconv.Itoa(c.metrics) + "/metrics")
	if err != nil {
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	text := &bytes.Buffer{}
	_, _ = text.ReadFrom(response.Body)
	return text.String()
}

// freePort is a port that nobody listens on.
func freePort() int {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(listener.Close()).To(Succeed()) }()
	return listener.Addr().(*net.TCPAddr).Port
}

// gatewayOf is a gateway with a spec in YAML.
func gatewayOf(name, spec string) *v1beta1.IstioGateway {
	GinkgoHelper()
	gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	Expect(yaml.UnmarshalStrict([]byte(spec), &gw.Spec)).To(Succeed())
	return gw
}

// expectStored stores a gateway, past the guard, and sees it removed after the spec.
func expectStored(ctx context.Context, gw *v1beta1.IstioGateway) *v1beta1.IstioGateway {
	GinkgoHelper()
	Expect(admin.Create(ctx, gw)).To(Succeed())
	DeferCleanup(func(ctx context.Context) {
		Expect(client.IgnoreNotFound(admin.Delete(ctx, gw))).To(Succeed())
		Eventually(func() error { return admin.Get(ctx, client.ObjectKeyFromObject(gw), gw) }).ShouldNot(Succeed())
	})
	return gw
}

// expectPolicy stores a GatewayPolicy that wants an owner of every gateway, and sees it removed after the spec.
func expectPolicy(ctx context.Context) *v1alpha1.GatewayPolicy {
	GinkgoHelper()
	policy := &v1alpha1.GatewayPolicy{ObjectMeta: metav1.ObjectMeta{Name: "acme"}, Spec: v1alpha1.GatewayPolicySpec{
		Modules: map[string]string{"validate/owner/owner.rego": `# METADATA
# title: Owner
# description: At night somebody must be woken.
package own.acme.validate.owner

deny contains finding if {
	not input.gateway.metadata.labels.owner
	finding := {"code": "owner", "field": "metadata.labels.owner", "message": "must be a team, is absent", "fix": ""}
}
`},
	}}
	Expect(admin.Create(ctx, policy)).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(client.IgnoreNotFound(admin.Delete(ctx, policy))).To(Succeed()) })
	return policy
}

// compliant is what the condition of a gateway says, of its present generation; nothing while there is none.
func compliant(ctx context.Context, gw *v1beta1.IstioGateway) string {
	if err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
		return err.Error()
	}
	condition := meta.FindStatusCondition(gw.Status.Conditions, v1beta1.ConditionCompliant)
	if condition == nil || condition.ObservedGeneration != gw.Generation {
		return ""
	}
	return string(condition.Status) + " " + condition.Reason + ": " + condition.Message
}

// What the condition says, mostly.
const (
	fine      = "True WouldBeAdmitted: The rules in force would admit it"
	ownerless = "False WouldBeRefused: The rules in force would refuse it: owner (1)"
)
