package approvals_test

import (
	"context"
	"encoding/json"
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
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/decision"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/test/env"
)

func TestApprovals(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(30 * time.Second)
	RunSpecs(t, "Approving changes")
}

const namespace = "istio-system"

// The control plane and its people, set once before the suite. Each person came with a certificate of their own, but for
// the one who is impersonated.
var (
	plane *env.ControlPlane
	admin client.Client
	// ann and carl edit gateways, bob and dora approve too. eve edits, and may impersonate everybody.
	ann, bob, carl, dora, eve *person
	// otherAnn is ann's name in the group of those who approve.
	otherAnn *person
	// oncall may break the glass.
	oncall *person
)

// person is somebody with a client of their own.
type person struct {
	client.Client
	name   string
	config *rest.Config
	// kubeconfig is a file for kubectl.
	kubeconfig string
}

var _ = BeforeSuite(func(ctx context.Context) {
	var err error
	plane, err = env.Start(ctx, env.Options{Progress: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	admin = clientFor(plane.Config)
	Expect(admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
	for _, name := range []string{"c1", "c2"} {
		Expect(admin.Create(ctx, &v1alpha1.GatewayCluster{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: v1alpha1.GatewayClusterSpec{
				KubeconfigSecret: &v1alpha1.SecretReference{Namespace: namespace, Name: name},
				Mesh:             &v1alpha1.MeshProfile{Version: "1.26.0"},
			},
		})).To(Succeed())
	}
	Expect(create(ctx, past)).To(Succeed())
	grant(ctx)
	ann, carl, eve = somebody("ann", "editors"), somebody("carl", "editors"), somebody("eve", "editors", "impersonators")
	bob, dora = somebody("bob", "editors", "approvers"), somebody("dora", "editors", "approvers")
	otherAnn = somebody("ann", "editors", "approvers")
	oncall = somebody("oncall", "editors", "portcullis:break-glass")
	startGuard(ctx)
})

// grant gives the groups their rights. Whoever edits may do anything with gateways and approvals but what needs the verb
// approve; nobody but the administrator writes a status.
func grant(ctx context.Context) {
	GinkgoHelper()
	roles := map[string][]rbacv1.PolicyRule{
		"editors": {
			{APIGroups: []string{v1beta1.GroupVersion.Group}, Resources: []string{"istiogateways"}, Verbs: []string{"get", "list", "create", "update", "patch", "delete"}},
			{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"changeapprovals"}, Verbs: []string{"get", "list", "create", "update", "patch", "delete"}},
			{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"gatewayclusters", "gatewaypolicies"}, Verbs: []string{"get", "list"}},
		},
		"approvers":     {{APIGroups: []string{v1beta1.GroupVersion.Group}, Resources: []string{"istiogateways"}, Verbs: []string{"approve"}}},
		"impersonators": {{APIGroups: []string{""}, Resources: []string{"users", "groups", "serviceaccounts"}, Verbs: []string{"impersonate"}}},
	}
	for group, rules := range roles {
		Expect(admin.Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: group}, Rules: rules})).To(Succeed())
		Expect(admin.Create(ctx, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: group},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: group},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: group}},
		})).To(Succeed())
	}
}

// somebody has a certificate with a name and groups.
func somebody(name string, groups ...string) *person {
	GinkgoHelper()
	kubeconfig, config, err := plane.KubeconfigFor(name, groups...)
	Expect(err).NotTo(HaveOccurred())
	return &person{Client: clientFor(config), name: name, config: config, kubeconfig: kubeconfig}
}

// as is somebody who impersonates somebody else.
func (p *person) as(name string, groups ...string) *person {
	GinkgoHelper()
	config := rest.CopyConfig(p.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: name, Groups: groups}
	return &person{Client: clientFor(config), name: name, config: config}
}

// startGuard starts the webhook of this tree, and sends it what it guards when it is ready.
func startGuard(ctx context.Context) {
	GinkgoHelper()
	binary, err := gexec.Build("portcullis.dev/portcullis/cmd/webhook")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(gexec.CleanupBuildArtifacts)
	port, health := freePort(), freePort()
	mutating, validating, err := env.Webhooks("https://localhost:"+strconv.Itoa(port), nil)
	Expect(err).NotTo(HaveOccurred())
	Expect(admin.Create(ctx, mutating)).To(Succeed())
	Expect(admin.Create(ctx, validating)).To(Succeed())
	session, err := gexec.Start(exec.Command(binary,
		"--kubeconfig", plane.Kubeconfig,
		"--bind-address", "127.0.0.1", "--port", strconv.Itoa(port),
		"--health-probe-bind-address", "127.0.0.1:"+strconv.Itoa(health),
		"--metrics-bind-address", "0",
		"--ca-secret-namespace", namespace,
		"--dns-names", "localhost",
		// The machine that tests may be a slow one.
		"--evaluation-deadline", "4s",
	), GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Eventually(session.Terminate()).Should(gexec.Exit()) })
	Eventually(func() (int, error) {
		response, err := http.Get("http://127.0.0.1:" + strconv.Itoa(health) + "/readyz")
		if err != nil {
			return 0, err
		}
		return response.StatusCode, response.Body.Close()
	}).Should(Equal(http.StatusOK))
	// The API server learns a moment later whom to ask, and by which certificate it knows them.
	Eventually(func() (map[string]string, error) {
		probe := parse(`{apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway, metadata: {name: probe, namespace: istio-system}, spec: {clusterIds: [c1]}}`)
		err := admin.Create(ctx, probe, client.DryRunAll)
		return probe.GetAnnotations(), err
	}).Should(HaveKey(gateway.AnnotationAdmitted))
}

// freePort is a port that nobody listens on.
func freePort() int {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(listener.Close()).To(Succeed()) }()
	return listener.Addr().(*net.TCPAddr).Port
}

// clientFor reaches the API server as kubectl does.
func clientFor(config *rest.Config) client.Client {
	GinkgoHelper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme, v1beta1.AddToScheme} {
		Expect(add(scheme)).To(Succeed())
	}
	config = rest.CopyConfig(config)
	config.WarningHandler = rest.NoWarnings{}
	plain, err := client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	return client.WithFieldValidation(plain, metav1.FieldValidationStrict)
}

// sentence is what a person reads of a refusal, without the API server's own words before it and without the decision's
// ID, which no two have in common.
func sentence(err error) string {
	GinkgoHelper()
	if err == nil {
		return "accepted"
	}
	if _, text, found := strings.Cut(err.Error(), "denied the request: "); found {
		said, id := decision.Cut(text)
		Expect(id).NotTo(BeEmpty())
		return strings.TrimSpace(said)
	}
	return err.Error()
}

// asJSON is a value as JSON.
func asJSON(value any) string {
	GinkgoHelper()
	text, err := json.Marshal(value)
	Expect(err).NotTo(HaveOccurred())
	return string(text)
}
