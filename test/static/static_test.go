package static_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// One life of an API server: each of its stages is what the one before left.
var _ = Describe("With the webhook configurations in the API server's files", Ordered, func() {
	var webhook *gexec.Session

	AfterAll(func() { Eventually(webhook.Terminate()).Should(gexec.Exit(0)) })

	It("gateways are guarded before anybody answers, and nothing else is", func(ctx context.Context) {
		Expect(ask(ctx, "edge", "c1")).To(MatchError(ContainSubstring(`failed calling webhook "mutate.portcullis.dev"`)))
		Expect(admin.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "any"}})).To(Succeed())
		Expect(admin.Create(ctx, &v1alpha1.GatewayCluster{ObjectMeta: metav1.ObjectMeta{Name: "c1"}, Spec: v1alpha1.GatewayClusterSpec{Local: new(true)}})).To(Succeed())
	})

	It("the webhook fills in and refuses", func(ctx context.Context) {
		webhook = guard(ctx)
		var gw *v1beta1.IstioGateway
		Eventually(func() (err error) {
			gw, err = asked(ctx, "edge", "c1")
			return err
		}).Should(Succeed())
		Expect(gw.Annotations).To(HaveKey(gateway.AnnotationAdmitted))
		Expect(ask(ctx, "edge", "nowhere")).To(MatchError(ContainSubstring("cluster_ids: spec.clusterIds[0]: must be the ID of a registered cluster, is nowhere")))
	})

	It("nobody finds them in the API, or puts others in their place", func(ctx context.Context) {
		list := &admissionregistrationv1.ValidatingWebhookConfigurationList{}
		Expect(admin.List(ctx, list)).To(Succeed())
		Expect(list.Items).To(BeEmpty())
		Expect(admin.DeleteAllOf(ctx, &admissionregistrationv1.ValidatingWebhookConfiguration{})).To(Succeed())
		imposter := &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "portcullis.static.k8s.io"}}
		Expect(admin.Create(ctx, imposter)).To(MatchError(ContainSubstring(".static.k8s.io")))
		Expect(ask(ctx, "edge", "nowhere")).To(MatchError(ContainSubstring("cluster_ids: ")))
	})

	It("the gate is opened by moving the files away, and closed by moving them back", func(ctx context.Context) {
		for _, name := range []string{"mutating", "validating"} {
			Expect(os.Rename(filepath.Join(directory, name, "portcullis.yaml"), filepath.Join(directory, name+".yaml"))).To(Succeed())
		}
		Eventually(ask).WithArguments(ctx, "edge", "nowhere").Should(Succeed())
		for _, name := range []string{"mutating", "validating"} {
			Expect(os.Rename(filepath.Join(directory, name+".yaml"), filepath.Join(directory, name, "portcullis.yaml"))).To(Succeed())
		}
		Eventually(ask).WithArguments(ctx, "edge", "nowhere").Should(MatchError(ContainSubstring("cluster_ids: ")))
	})
})

// ask asks for a gateway in a cluster, by a dry run.
func ask(ctx context.Context, name, cluster string) error {
	_, err := asked(ctx, name, cluster)
	return err
}

// asked is the gateway that would be stored.
func asked(ctx context.Context, name, cluster string) (*v1beta1.IstioGateway, error) {
	gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	gw.Spec.ClusterIDs = []string{cluster}
	gw.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80}}
	err := admin.Create(ctx, gw, client.DryRunAll)
	return gw, err
}

// guard runs the webhook, with the certificate whose CA is in the files.
func guard(ctx context.Context) *gexec.Session {
	GinkgoHelper()
	binary, err := gexec.Build("portcullis.dev/portcullis/cmd/webhook")
	Expect(err).NotTo(HaveOccurred())
	session, err := gexec.Start(exec.CommandContext(context.WithoutCancel(ctx), binary,
		"--bind-address=127.0.0.1", "--port="+strconv.Itoa(port), "--kubeconfig="+plane.Kubeconfig, "--namespace="+namespace, "--replica=one",
		"--tls-cert-file="+filepath.Join(directory, "tls.crt"), "--tls-private-key-file="+filepath.Join(directory, "tls.key"),
		"--metrics-bind-address=0", "--health-probe-bind-address=127.0.0.1:"+strconv.Itoa(freePort()),
	), GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	return session
}
