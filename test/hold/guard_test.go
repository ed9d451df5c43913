package hold_test

import (
	"context"
	"net"
	"net/http"
	"os/exec"
	"strconv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/test/env"
)

// question matches what the controller asks the guard. In this suite the guard is asked nothing else: edits go past it.
var question = admissionregistrationv1.MatchCondition{
	Name:       "asks-for-a-release",
	Expression: `request.operation == "UPDATE" && request.?dryRun.orValue(false) && object.metadata.?annotations[?"` + gateway.AnnotationRelease + `"].hasValue()`,
}

// startGuard starts the webhook of this tree, for the questions of the controller alone.
func startGuard(ctx context.Context) {
	GinkgoHelper()
	binary, err := gexec.Build("portcullis.dev/portcullis/cmd/webhook")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(gexec.CleanupBuildArtifacts)
	port, health := strconv.Itoa(freePort()), strconv.Itoa(freePort())
	mutating, validating, err := env.Webhooks("https://localhost:"+port, nil)
	Expect(err).NotTo(HaveOccurred())
	mutating.Webhooks, validating.Webhooks = mutating.Webhooks[:1], validating.Webhooks[:1]
	mutating.Webhooks[0].MatchConditions = []admissionregistrationv1.MatchCondition{question}
	validating.Webhooks[0].MatchConditions = []admissionregistrationv1.MatchCondition{question}
	Expect(admin.Create(ctx, mutating)).To(Succeed())
	Expect(admin.Create(ctx, validating)).To(Succeed())
	session, err := gexec.Start(exec.Command(binary, "--kubeconfig", plane.Kubeconfig,
		"--bind-address", "127.0.0.1", "--port", port, "--health-probe-bind-address", "127.0.0.1:"+health, "--metrics-bind-address", "0",
		"--namespace", namespace, "--ca-secret-namespace", namespace, "--dns-names", "localhost",
		// The machine that tests may be a slow one.
		"--evaluation-deadline", "4s",
	), GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Eventually(session.Terminate()).Should(gexec.Exit()) })
	Eventually(func() (int, error) {
		response, err := http.Get("http://127.0.0.1:" + health + "/readyz")
		if err != nil {
			return 0, err
		}
		return response.StatusCode, response.Body.Close()
	}).Should(Equal(http.StatusOK))
}

// freePort is a port that nobody listens on.
func freePort() int {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(listener.Close()).To(Succeed()) }()
	return listener.Addr().(*net.TCPAddr).Port
}

// ruled gives the gateways with a label of the policy's name parameters of restart_approval, for the time of a spec.
func ruled(ctx context.Context, name, parameters string) {
	GinkgoHelper()
	policy := &v1alpha1.GatewayPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}}
	policy.Spec.Match = &v1alpha1.PolicyMatch{Labels: &metav1.LabelSelector{MatchLabels: map[string]string{"policy": name}}}
	policy.Spec.Parameters = map[string]apiextensionsv1.JSON{"restart_approval": {Raw: []byte(parameters)}}
	Expect(admin.Create(ctx, policy)).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, policy)).To(Succeed()) })
	Eventually(func(g Gomega) {
		g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(policy), policy)).To(Succeed())
		g.Expect(meta.IsStatusConditionTrue(policy.Status.Conditions, v1alpha1.ConditionActive)).To(BeTrue())
	}).Should(Succeed())
}
