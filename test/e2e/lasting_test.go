//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/test/charts/previous"
)

// oncall is the namespace of those who may pass the fence in an emergency.
const oncall = "e2e-oncall"

// restarted is the annotation by which kubectl rollout restart replaces pods.
const restarted = "kubectl.kubernetes.io/restartedAt"

// leavesAlone has others write into what gateways are made of, and expects that an edit leaves it there.
func leavesAlone(ctx context.Context, ann client.Client, edge *v1beta1.IstioGateway) {
	GinkgoHelper()
	doors := parse("doors", "clusterIds: ["+cluster+"]\nserviceType: NodePort\nports: [{name: http, port: 80}]\nresources: {requests: {cpu: 10m, memory: 64Mi}, limits: {cpu: 200m, memory: 128Mi}}\n")
	Expect(ann.Create(ctx, doors)).To(Succeed())
	expectReady(ctx, doors)
	port := nodePort(ctx, doors)
	Expect(port).NotTo(BeZero())
	replaced := containersOf(ctx, edge)
	emergency(ctx, edge)
	Expect(kubectl(ctx, "annotate", "deployment", gateway.ObjectName(edge.Name), "example.com/team=shop", "--namespace", namespace)).To(ContainSubstring("annotated"))
	kept := containersOf(ctx, edge)
	for name := range replaced {
		Expect(kept).NotTo(HaveKey(name), "the restart of the emergency did not replace it")
	}
	for _, gw := range []*v1beta1.IstioGateway{edge, doors} {
		before, labelled := edited(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.ServiceLabels = map[string]string{"left": "alone"} })
		Expect(ann.Patch(ctx, labelled, client.MergeFrom(before))).To(Succeed())
		expectRolledOut(ctx, labelled)
	}
	deployment := deploymentOf(ctx, edge)
	Expect(deployment.Spec.Template.Annotations).To(HaveKey(restarted))
	Expect(deployment.Annotations).To(HaveKeyWithValue("example.com/team", "shop"))
	Expect(containersOf(ctx, edge)).To(Equal(kept))
	Expect(nodePort(ctx, doors)).To(Equal(port))
}

// emergency restarts a gateway's pods as somebody who may pass the fence, and waits until they are replaced.
func emergency(ctx context.Context, gw *v1beta1.IstioGateway) {
	GinkgoHelper()
	home := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: oncall}}
	Expect(client.IgnoreAlreadyExists(admin.Create(ctx, home))).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, home)).To(Succeed()) })
	somebody := person(ctx, oncall, "oncall")
	patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{%q:"2026-01-01T00:00:00Z"}}}}}`, restarted)
	Expect(somebody.Patch(ctx, deploymentOf(ctx, gw), client.RawPatch(types.StrategicMergePatchType, []byte(patch)))).To(Succeed())
	Expect(kubectl(ctx, "rollout", "status", "deployment/"+gateway.ObjectName(gw.Name), "--namespace", namespace, "--timeout", "3m")).To(ContainSubstring("successfully rolled out"))
	// Old pods that are on their way out are not counted, but may not have been told yet.
	Eventually(func() int { return len(containersOf(ctx, gw)) }).Should(Equal(int(*deploymentOf(ctx, gw).Spec.Replicas)))
}

// expectRotations makes the guard replace its CA, and then its certificate again and again.
func expectRotations(ctx context.Context) {
	GinkgoHelper()
	upgrade(ctx, chart, "--set", "certificates.duration=30s,certificates.caDuration=90s")
	// Those on their way out would make a CA too, which lasts as long as before.
	Eventually(podsOf).WithArguments(ctx, "webhook").Should(HaveLen(2))
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: home, Name: release + "-webhook-ca"}}
	ca := func() ([]byte, error) {
		err := admin.Get(ctx, client.ObjectKeyFromObject(secret), secret)
		return bytes.Clone(secret.Data["ca.crt"]), err
	}
	before, err := ca()
	Expect(err).NotTo(HaveOccurred())
	// A CA lasts as long as it was made to last: without one, the next is made with the new duration.
	Expect(admin.Patch(ctx, secret.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"data":null}`)))).To(Succeed())
	Eventually(ca).Should(And(Not(BeEmpty()), Not(Equal(before))))
	first, err := ca()
	Expect(err).NotTo(HaveOccurred())
	Eventually(ca).Should(And(Not(BeEmpty()), Not(Equal(first))), "the CA is not renewed by itself")
	for _, pod := range podsOf(ctx, "webhook") {
		ends := func() float64 {
			return metric(ctx, pod, `portcullis_certificate_expiry_timestamp_seconds{certificate="serving"}`)
		}
		served := ends()
		Eventually(ends).Should(BeNumerically(">", served), "the certificate is not renewed by itself")
		Expect(ends()).To(BeNumerically("<", float64(time.Now().Add(time.Minute).Unix())))
	}
}

// upgrade upgrades the release to a chart, and waits until its pods are ready.
func upgrade(ctx context.Context, to string, args ...string) {
	GinkgoHelper()
	Expect(helm(ctx, append(append([]string{"upgrade", release, to, "--wait", "--timeout", "3m"}, args...), values()...)...)).To(ContainSubstring("STATUS: deployed"))
}

// older takes the release to the chart before this one, so that the next upgrade comes from there.
func older(ctx context.Context) {
	GinkgoHelper()
	path, commit, err := previous.Chart(ctx, GinkgoT().TempDir())
	if errors.Is(err, previous.ErrNoHistory) {
		_, _ = fmt.Fprintln(os.Stderr, "NOT RUN: the upgrade from the chart before this one:", err)
		return
	}
	Expect(err).NotTo(HaveOccurred())
	AddReportEntry("upgraded from the chart of", commit)
	// The specs before the release made the CRDs, and are their writer beside helm until it is told to go before them.
	upgrade(ctx, path, "--force-conflicts")
}

// expectLocked has no guard answer, and expects that of all kinds gateways alone cannot be changed.
func expectLocked(ctx context.Context, ann client.Client, edge *v1beta1.IstioGateway) {
	GinkgoHelper()
	scale := func(replicas string) {
		Expect(kubectl(ctx, "scale", "deployment/"+release+"-webhook", "--replicas", replicas, "--namespace", home)).To(ContainSubstring("scaled"))
	}
	scale("0")
	Eventually(podsOf).WithArguments(ctx, "webhook").Should(BeEmpty())
	Expect(relabel(ctx, ann, edge, "locked")).To(MatchError(ContainSubstring("failed calling webhook")))
	for _, object := range []client.Object{
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "meanwhile"}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "meanwhile"}},
	} {
		Expect(ann.Create(ctx, object)).To(Succeed())
		Expect(ann.Delete(ctx, object)).To(Succeed())
	}
	scale("2")
	Eventually(relabel).WithArguments(ctx, ann, edge, "unlocked").Should(Succeed())
	_, err := kubectl(ctx, "rollout", "status", "deployment/"+release+"-webhook", "--namespace", home, "--timeout", "3m")
	Expect(err).NotTo(HaveOccurred())
}

// expectGate opens the gate as the chart's README says, and closes it with an upgrade.
func expectGate(ctx context.Context, ann client.Client, edge *v1beta1.IstioGateway) {
	GinkgoHelper()
	Expect(kubectl(ctx, "delete", "validatingwebhookconfiguration,mutatingwebhookconfiguration", release)).To(ContainSubstring("deleted"))
	unguarded := parse("unguarded", "clusterIds: [nowhere]")
	Eventually(func() error { return ann.Create(ctx, unguarded.DeepCopy(), client.DryRunAll) }).Should(Succeed())
	upgrade(ctx, chart)
	Eventually(func() error { return ann.Create(ctx, unguarded.DeepCopy(), client.DryRunAll) }).Should(MatchError(ContainSubstring("cluster_ids: ")))
	Eventually(relabel).WithArguments(ctx, ann, edge, "shut").Should(Succeed())
}

// relabel changes the labels of a gateway's Service, which restarts nothing.
func relabel(ctx context.Context, somebody client.Client, gw *v1beta1.IstioGateway, value string) error {
	patch := fmt.Sprintf(`{"spec":{"serviceLabels":{"stage":%q}}}`, value)
	return somebody.Patch(ctx, gw.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(patch)))
}

// nodePort is the port of nodes that leads to a gateway's first port; zero when there is none.
func nodePort(ctx context.Context, gw *v1beta1.IstioGateway) int32 {
	GinkgoHelper()
	service := &corev1.Service{}
	Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: gateway.ObjectName(gw.Name)}, service)).To(Succeed())
	return service.Spec.Ports[0].NodePort
}

// deploymentOf is the Deployment of a gateway.
func deploymentOf(ctx context.Context, gw *v1beta1.IstioGateway) *appsv1.Deployment {
	GinkgoHelper()
	deployment := &appsv1.Deployment{}
	Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: gateway.ObjectName(gw.Name)}, deployment)).To(Succeed())
	return deployment
}
