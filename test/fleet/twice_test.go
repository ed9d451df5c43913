package fleet_test

import (
	"context"
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/fence"
	"portcullis.dev/portcullis/test/env/wire"
)

// fenceAt is the policy that closes the back door of a cluster: whom it lets pass, and its version.
func fenceAt(ctx context.Context, admin client.Client) (text, version string) {
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{}
	if err := admin.Get(ctx, client.ObjectKey{Name: fence.Name}, policy); err != nil {
		return err.Error(), ""
	}
	raw, err := json.Marshal(policy.Spec)
	Expect(err).NotTo(HaveOccurred())
	return string(raw), policy.ResourceVersion
}

// versionsOn are the versions of the fence, the Deployments and the Services at a cluster's control plane.
func versionsOn(ctx context.Context, at member) []string {
	GinkgoHelper()
	_, version := fenceAt(ctx, at.admin)
	out := []string{version}
	for _, list := range []client.ObjectList{&appsv1.DeploymentList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{}} {
		Expect(at.admin.List(ctx, list, client.InNamespace(namespace))).To(Succeed())
		for _, object := range itemsOf(list) {
			out = append(out, object.GetName()+" "+object.GetResourceVersion())
		}
	}
	return out
}

// labelledOn is the ID of the cluster that a gateway's Deployment says to be in.
func labelledOn(ctx context.Context, at member, name string) string {
	deployment, err := deploymentOn(ctx, at, name)
	if err != nil {
		return err.Error()
	}
	return deployment.Labels["portcullis.dev/cluster"]
}

var _ = Describe("A cluster that is registered twice", Serial, func() {
	It("is written to under one ID, which the other one names", func(ctx context.Context) {
		first := expectRegistered(ctx, "a-twice", kubeconfig(spare, spare.wire))
		Eventually(reachability).WithArguments(ctx, "a-twice").Should(HavePrefix("True Connected"))
		expectRegistered(ctx, "b-twice", kubeconfig(spare, spare.wire))
		Eventually(reachability).WithArguments(ctx, "b-twice").Should(HavePrefix("False AlreadyRegistered cluster b-twice is registered as a-twice already"))
		gw := expectApplied(ctx, "twofold", `{clusterIds: [a-twice, b-twice, east], ports: [{name: http, port: 80}]}`)
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(And(
			HavePrefix("False Cluster b-twice: cluster b-twice is registered as a-twice already"), ContainSubstring("name a-twice in gateways instead")))
		Expect(entryOf(ctx, gw, "b-twice").State).To(Equal(v1beta1.ClusterFailed))
		for _, id := range []string{"a-twice", "east"} {
			Eventually(entryOf).WithArguments(ctx, gw, id).Should(And(HaveField("ObservedGeneration", gw.Generation), HaveField("Message", BeEmpty())))
		}
		Eventually(func() string { _, version := fenceAt(ctx, spare.admin); return version }).ShouldNot(BeEmpty())
		still := versionsOn(ctx, spare)
		Consistently(versionsOn).WithArguments(ctx, spare).Should(Equal(still), "nobody fights for anything")
		Expect(labelledOn(ctx, spare, "twofold")).To(Equal("a-twice"))

		By("deleting the first registration")
		before, err := deploymentOn(ctx, spare, "twofold")
		Expect(err).NotTo(HaveOccurred())
		Expect(hub.Delete(ctx, first)).To(Succeed())
		Eventually(reachability).WithArguments(ctx, "b-twice").Should(HavePrefix("True Connected"))
		Eventually(labelledOn).WithArguments(ctx, spare, "twofold").Should(Equal("b-twice"))
		Eventually(entryOf).WithArguments(ctx, gw, "b-twice").Should(And(HaveField("ObservedGeneration", gw.Generation), HaveField("Message", BeEmpty())))
		after, err := deploymentOn(ctx, spare, "twofold")
		Expect(err).NotTo(HaveOccurred())
		Expect(after.UID).To(Equal(before.UID))
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) {
			gw.Spec.ClusterIDs = []string{"b-twice", "east"}
			gw.Annotations = map[string]string{"portcullis.dev/forget-cluster": "a-twice"}
		})
		Eventually(entryOf).WithArguments(ctx, gw, "a-twice").Should(BeZero())
		Expect(hub.Delete(ctx, gw)).To(Succeed())
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
	})

	It("keeps what it has when an older registration turns out to be the same, which takes it over", func(ctx context.Context) {
		way := wayTo(spare.plane)
		way.Set(wire.Hanging)
		expectRegistered(ctx, "a-older", kubeconfig(spare, way))
		Eventually(reachability).WithArguments(ctx, "a-older").Should(HavePrefix("False NotConnected"))
		expectRegistered(ctx, "b-younger", kubeconfig(spare, spare.wire))
		gw := expectApplied(ctx, "moving", inTwo("b-younger"))
		Eventually(labelledOn).WithArguments(ctx, spare, "moving").Should(Equal("b-younger"))
		Eventually(entryOf).WithArguments(ctx, gw, "b-younger").Should(HaveField("ObservedGeneration", gw.Generation))
		before, err := deploymentOn(ctx, spare, "moving")
		Expect(err).NotTo(HaveOccurred())

		way.Set(wire.Passing)
		Eventually(entryOf).WithArguments(ctx, gw, "b-younger").Should(HaveField("Message", ContainSubstring("is registered as a-older already")))
		Eventually(func(g Gomega) {
			registered := &v1alpha1.GatewayCluster{}
			g.Expect(hub.Get(ctx, client.ObjectKey{Name: "a-older"}, registered)).To(Succeed())
			g.Expect(meta.IsStatusConditionTrue(registered.Status.Conditions, v1alpha1.ConditionFenced)).To(BeTrue())
		}).Should(Succeed())
		Consistently(versionsOn).WithArguments(ctx, spare).Should(Equal(versionsOn(ctx, spare)), "nothing is pruned")
		Expect(labelledOn(ctx, spare, "moving")).To(Equal("b-younger"))

		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.ClusterIDs = []string{"a-older", "east"} })
		Eventually(labelledOn).WithArguments(ctx, spare, "moving").Should(Equal("a-older"))
		Eventually(entryOf).WithArguments(ctx, gw, "b-younger").Should(BeZero())
		after, err := deploymentOn(ctx, spare, "moving")
		Expect(err).NotTo(HaveOccurred())
		Expect(after.UID).To(Equal(before.UID), "it is taken over, and not made anew")
		Expect(hub.Delete(ctx, gw)).To(Succeed())
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
		Eventually(func() error { _, err := deploymentOn(ctx, spare, "moving"); return err }).Should(MatchError(ContainSubstring("not found")))
	})

	It("has one fence, where it is the one that we run in", func(ctx context.Context) {
		const account = "system:serviceaccount:istio-system:portcullis-member"
		lets := func() string { text, _ := fenceAt(ctx, hub); return text }
		Eventually(lets).Should(And(ContainSubstring("object"), Not(ContainSubstring(account))))
		again := memberOn(hubPlane, hub)
		secret := expectRegistered(ctx, "home-again", kubeconfig(again, again.wire))
		Eventually(lets).Should(ContainSubstring(account))
		local := &v1alpha1.GatewayCluster{}
		local.Name, local.Spec.Local = "home-local", new(true)
		Expect(hub.Create(ctx, local)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(hub.Delete(ctx, local)).To(Succeed()) })
		Eventually(reachability).WithArguments(ctx, "home-local").Should(HavePrefix("False AlreadyRegistered cluster home-local is registered as home-again already"))
		Consistently(lets).Should(ContainSubstring(account), "the other one does not put up its own")
		Expect(hub.Delete(ctx, secret)).To(Succeed())
		Eventually(lets).ShouldNot(ContainSubstring(account))
		Eventually(reachability).WithArguments(ctx, "home-local").Should(HavePrefix("True Local"))
	})
})
