package charts_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/test/charts/previous"
)

// deployed is what a gateway's pods come from: another UID or generation is other pods.
type deployed struct {
	uid        types.UID
	generation int64
}

// One life of a release with a gateway in it: each of its stages is what the one before left.
var _ = Describe("A release with a live gateway", Ordered, func() {
	var (
		guard, worker *gexec.Session
		ann           client.Client
		before        deployed
		gw            = &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "lasting"}}
	)

	// restart does with the processes what a cluster does with pods after an upgrade.
	restart := func(ctx context.Context) {
		GinkgoHelper()
		stop(guard, worker)
		guard = start(ctx, "webhook", "--bind-address=127.0.0.1", "--port="+strconv.Itoa(port))
		worker = start(ctx, "controller")
	}

	// labelled changes the gateway in a way that restarts nothing, waits until that is applied, and expects the same pods.
	labelled := func(ctx context.Context, value string) {
		GinkgoHelper()
		Eventually(relabel).WithArguments(ctx, ann, gw, value).Should(Succeed())
		expectService(ctx, gw, value)
		Expect(deploymentOf(ctx, gw)).To(Equal(before))
	}

	BeforeAll(func() {
		_, config, err := plane.KubeconfigFor("ann", "system:masters")
		Expect(err).NotTo(HaveOccurred())
		ann = clientFor(config)
		DeferCleanup(func(ctx context.Context) {
			stop(guard, worker)
			Expect(helm(ctx, append([]string{"upgrade", "--install", release, chart}, values()...)...)).To(ContainSubstring("STATUS: deployed"))
		})
	})

	It("begins with the chart before this one", func(ctx context.Context) {
		older, commit, err := previous.Chart(ctx, GinkgoT().TempDir())
		if errors.Is(err, previous.ErrNoHistory) {
			_, _ = fmt.Fprintln(os.Stderr, "NOT RUN: the upgrade from the chart before this one:", err)
			older, commit, err = chart, "this one", nil
		}
		Expect(err).NotTo(HaveOccurred())
		AddReportEntry("chart of", commit)
		_, err = helm(ctx, "uninstall", release)
		Expect(err).NotTo(HaveOccurred())
		Expect(helm(ctx, append([]string{"install", release, older}, values()...)...)).To(ContainSubstring("STATUS: deployed"))
		restart(ctx)
		gw.Spec.ClusterIDs, gw.Spec.Ports = []string{"c1"}, []corev1.ServicePort{{Name: "http", Port: 80}}
		Eventually(func() error { return client.IgnoreAlreadyExists(ann.Create(ctx, gw.DeepCopy())) }).Should(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
			g.Expect(meta.IsStatusConditionTrue(gw.Status.Conditions, v1beta1.ConditionReady)).To(BeTrue(), "%v", gw.Status.Conditions)
		}).Should(Succeed())
		before = deploymentOf(ctx, gw)
	})

	It("is upgraded to this one, with a policy", func(ctx context.Context) {
		Expect(helm(ctx, append([]string{"upgrade", release, chart, "--set-json", `policies={"calm":{"parameters":{"namespace":{"allowed":["istio-system"]}}}}`}, values()...)...)).
			To(ContainSubstring("STATUS: deployed"))
		restart(ctx)
		labelled(ctx, "upgraded")
	})

	It("is rolled back, and upgraded again", func(ctx context.Context) {
		Expect(helm(ctx, "rollback", release, "1")).To(ContainSubstring("Rollback was a success"))
		restart(ctx)
		labelled(ctx, "rolled-back")
		Expect(helm(ctx, append([]string{"upgrade", release, chart}, values()...)...)).To(ContainSubstring("STATUS: deployed"))
		restart(ctx)
		labelled(ctx, "again")
	})

	It("locks gateways and nothing else while nobody answers", func(ctx context.Context) {
		stop(guard)
		Expect(relabel(ctx, ann, gw, "down")).To(MatchError(ContainSubstring(`failed calling webhook "mutate.portcullis.dev"`)))
		for _, object := range []client.Object{
			&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "meanwhile"}},
			&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "meanwhile"}},
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: home, Name: "meanwhile"}},
		} {
			Expect(client.IgnoreAlreadyExists(admin.Create(ctx, object))).To(Succeed(), "%T", object)
			Expect(admin.Delete(ctx, object)).To(Succeed(), "%T", object)
		}
		Expect(deploymentOf(ctx, gw)).To(Equal(before))
	})

	It("has a gate that opens in an emergency, and closes with the next upgrade", func(ctx context.Context) {
		Expect(kubectl(ctx, strings.Fields("delete validatingwebhookconfiguration,mutatingwebhookconfiguration "+release)...)).To(ContainSubstring("deleted"))
		Eventually(relabel).WithArguments(ctx, ann, gw, "urgent").Should(Succeed())
		Expect(helm(ctx, append([]string{"upgrade", release, chart}, values()...)...)).To(ContainSubstring("STATUS: deployed"))
		Eventually(relabel).WithArguments(ctx, ann, gw, "shut").Should(MatchError(ContainSubstring("failed calling webhook")))
		restart(ctx)
		labelled(ctx, "shut")
	})

	It("is uninstalled, says what that leaves, and leaves the gateway running", func(ctx context.Context) {
		Expect(helm(ctx, "get", "notes", release)).To(ContainSubstring("Uninstalling leaves gateways running"))
		stop(worker, guard)
		Expect(helm(ctx, "uninstall", release)).To(ContainSubstring("uninstalled"))
		Expect(deploymentOf(ctx, gw)).To(Equal(before))
		Consistently(func() deployed { return deploymentOf(ctx, gw) }).WithTimeout(3 * time.Second).Should(Equal(before))
		Expect(relabel(ctx, ann, gw, "unguarded")).To(Succeed())
		Expect(helm(ctx, append([]string{"install", release, chart}, values()...)...)).To(ContainSubstring("STATUS: deployed"))
		restart(ctx)
		labelled(ctx, "back")
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
		Expect(admin.Create(ctx, approvalBetween(ctx, gw, nil))).To(Succeed())
		Expect(ann.Delete(ctx, gw)).To(Succeed())
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
	})
})

// stop ends processes, as a cluster ends pods.
func stop(sessions ...*gexec.Session) {
	GinkgoHelper()
	for _, session := range sessions {
		if session != nil {
			Eventually(session.Terminate()).Should(gexec.Exit(0))
		}
	}
}

// relabel changes the labels of a gateway's Services, which restarts nothing.
func relabel(ctx context.Context, somebody client.Client, gw *v1beta1.IstioGateway, value string) error {
	patch := fmt.Sprintf(`{"spec":{"serviceLabels":{"stage":%q}}}`, value)
	return somebody.Patch(ctx, gw.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(patch)))
}

// expectService waits until a gateway's Service has the label that relabel gave it.
func expectService(ctx context.Context, gw *v1beta1.IstioGateway, value string) {
	GinkgoHelper()
	Eventually(func() (string, error) {
		service := &corev1.Service{}
		err := admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "istio-" + gw.Name}, service)
		return service.Labels["stage"], err
	}).Should(Equal(value))
}

// deploymentOf tells of the Deployment of a gateway.
func deploymentOf(ctx context.Context, gw *v1beta1.IstioGateway) deployed {
	GinkgoHelper()
	deployment := &appsv1.Deployment{}
	Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "istio-" + gw.Name}, deployment)).To(Succeed())
	return deployed{deployment.UID, deployment.Generation}
}
