package fleet_test

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/test/env/wire"
)

// inTwo places a gateway in a cluster that is well and in another one.
func inTwo(other string) string {
	return `{clusterIds: [east, ` + other + `], ports: [{name: http, port: 80}]}`
}

// reachability is what a registered cluster says of itself: status, reason and message.
func reachability(ctx context.Context, id string) string {
	registered := &v1alpha1.GatewayCluster{}
	if err := hub.Get(ctx, client.ObjectKey{Name: id}, registered); err != nil {
		return err.Error()
	}
	condition := meta.FindStatusCondition(registered.Status.Conditions, v1alpha1.ConditionReachable)
	if condition == nil {
		return "not reported"
	}
	return string(condition.Status) + " " + condition.Reason + " " + condition.Message
}

// expectRegistered registers a cluster by a kubeconfig, until the spec ends.
func expectRegistered(ctx context.Context, id string, kubeconfig []byte) *corev1.Secret {
	GinkgoHelper()
	secret := remoteSecret(id, kubeconfig)
	Expect(hub.Create(ctx, secret)).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(client.IgnoreNotFound(hub.Delete(ctx, secret))).To(Succeed()) })
	return secret
}

// spoiled is the kubeconfig of a cluster that is well, with one thing in it replaced.
func spoiled(old, instead string) []byte {
	GinkgoHelper()
	before := string(kubeconfig(fleet["west"], fleet["west"].wire))
	after := before
	for _, line := range strings.Split(before, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), old) {
			after = strings.Replace(after, strings.TrimSpace(line), instead, 1)
		}
	}
	Expect(after).NotTo(Equal(before), "%s must be in the kubeconfig", old)
	return []byte(after)
}

var _ = Describe("A gateway in a cluster that cannot be connected", func() {
	DescribeTable("says why, and goes on in the others",
		func(ctx context.Context, id string, bad func() []byte, reason, message string) {
			expectRegistered(ctx, id, bad())
			gw := expectApplied(ctx, "beside-"+id, inTwo(id))
			Eventually(replicasIn).WithArguments(ctx, "east", gw.Name).Should(BeEquivalentTo(1))
			Eventually(entryOf).WithArguments(ctx, gw, id).Should(And(
				HaveField("State", v1beta1.ClusterFailed), HaveField("Message", ContainSubstring(message))))
			Eventually(reachability).WithArguments(ctx, id).Should(And(HavePrefix("False "+reason+" "), ContainSubstring(message)))
			Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(And(
				HavePrefix("False Cluster "+id+": "), ContainSubstring(message), Not(ContainSubstring("Cluster east"))))
		},
		Entry("because its kubeconfig runs a command", "commanding",
			func() []byte {
				return spoiled("token:", `exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/false, interactiveMode: Never}`)
			}, "InvalidKubeconfig", "users[u].exec must be absent: no command is run for a kubeconfig"),
		Entry("because its kubeconfig names files", "filing",
			func() []byte { return spoiled("token:", `tokenFile: /etc/hostname`) },
			"InvalidKubeconfig", "users[u].tokenFile must be absent: put the token itself into token"),
		Entry("because its CA is none", "uncertified",
			func() []byte { return spoiled("certificate-authority-data:", `certificate-authority-data: bm9uZQ==`) },
			"InvalidKubeconfig", "unable to load root certificates"),
		Entry("because its CA is another one's", "untrusted",
			func() []byte {
				return kubeconfig(fleet["east"], fleet["west"].wire)
			}, "NotConnected", "certificate signed by unknown authority"),
		Entry("because its kubeconfig is none", "unreadable", func() []byte { return []byte("{") }, "InvalidKubeconfig", "reading the kubeconfig: "),
	)

	It("is applied there once the kubeconfig is mended", func(ctx context.Context) {
		secret := expectRegistered(ctx, "mended", spoiled("token:", `tokenFile: /etc/hostname`))
		gw := expectApplied(ctx, "mending", inTwo("mended"))
		Eventually(entryOf).WithArguments(ctx, gw, "mended").Should(HaveField("Message", ContainSubstring("tokenFile must be absent")))
		secret.Data["mended"] = kubeconfig(spare, spare.wire)
		Expect(hub.Update(ctx, secret)).To(Succeed())
		Eventually(entryOf).WithArguments(ctx, gw, "mended").Should(And(
			HaveField("Message", BeEmpty()), HaveField("ObservedGeneration", gw.Generation)))
	})

	It("says that the Secret vanished", func(ctx context.Context) {
		registered := &v1alpha1.GatewayCluster{ObjectMeta: metav1.ObjectMeta{Name: "vanishing"}}
		registered.Spec.KubeconfigSecret = &v1alpha1.SecretReference{Namespace: namespace, Name: "istio-remote-secret-vanishing"}
		Expect(hub.Create(ctx, registered)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(hub.Delete(ctx, registered)).To(Succeed()) })
		secret := expectRegistered(ctx, "vanishing", kubeconfig(spare, spare.wire))
		gw := expectCreated(ctx, "bereft", inTwo("vanishing"))
		Eventually(entryOf).WithArguments(ctx, gw, "vanishing").Should(HaveField("ObservedGeneration", gw.Generation))
		Expect(hub.Delete(ctx, secret)).To(Succeed())
		Eventually(entryOf).WithArguments(ctx, gw, "vanishing").Should(HaveField("Message",
			ContainSubstring("spec.kubeconfigSecret must name a Secret, istio-system/istio-remote-secret-vanishing is none")))
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.ReplicaCount = new(int32(2)) })
		Eventually(replicasIn).WithArguments(ctx, "east", gw.Name).Should(BeEquivalentTo(2))
		secret.ResourceVersion = ""
		Expect(hub.Create(ctx, secret)).To(Succeed())
		Eventually(replicasOn).WithArguments(ctx, spare, gw.Name).Should(BeEquivalentTo(2))
		Expect(hub.Delete(ctx, gw)).To(Succeed())
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
	})
})

var _ = Describe("A cluster that was dead when the controller started", Serial, func() {
	It("holds up nothing, and gets everything when it comes to life (istio#33564)", func(ctx context.Context) {
		gw := expectApplied(ctx, "early", inTwo("dead"))
		Eventually(replicasIn).WithArguments(ctx, "east", "early").Should(BeEquivalentTo(1))
		Eventually(entryOf).WithArguments(ctx, gw, "dead").Should(HaveField("Message", ContainSubstring("cluster dead is not connected since")))
		Eventually(reachability).WithArguments(ctx, "dead").Should(And(HavePrefix("False NotConnected "), ContainSubstring("deadline exceeded")))
		dead.Set(wire.Passing)
		DeferCleanup(func() { dead.Set(wire.Hanging) })
		Eventually(replicasOn).WithArguments(ctx, spare, "early").Should(BeEquivalentTo(1))
		Eventually(entryOf).WithArguments(ctx, gw, "dead").Should(And(HaveField("Message", BeEmpty()), HaveField("ObservedGeneration", gw.Generation)))
		Expect(hub.Delete(ctx, gw)).To(Succeed())
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
		// The cluster is known now, and other specs register it under other IDs.
		Expect(hub.Delete(ctx, remoteSecret("dead", nil))).To(Succeed())
	})
})

var _ = Describe("A cluster that refuses", func() {
	It("by a quota is told in its own words, and does what else is asked (istio#56299)", func(ctx context.Context) {
		quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "few"}}
		none := corev1.ResourceList{"count/deployments.apps": resource.MustParse("0")}
		quota.Spec.Hard = none
		Expect(fleet["west"].admin.Create(ctx, quota)).To(Succeed())
		// Nobody counts here but us.
		quota.Status = corev1.ResourceQuotaStatus{Hard: none, Used: none}
		Expect(fleet["west"].admin.Status().Update(ctx, quota)).To(Succeed())
		DeferCleanup(func(ctx context.Context) {
			Expect(client.IgnoreNotFound(fleet["west"].admin.Delete(ctx, quota))).To(Succeed())
		})
		gw := expectApplied(ctx, "rationed", inTwo("west"))
		Eventually(replicasIn).WithArguments(ctx, "east", "rationed").Should(BeEquivalentTo(1))
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(And(
			HavePrefix("False Cluster west: applying Deployment istio-system/istio-rationed: "),
			ContainSubstring("exceeded quota: few, requested: count/deployments.apps=1, used: count/deployments.apps=0, limited: count/deployments.apps=0")))
		Eventually(objectsIn).WithArguments(ctx, "west", "rationed").Should(HaveLen(2))
		Expect(fleet["west"].admin.Delete(ctx, quota)).To(Succeed())
		Eventually(replicasIn).WithArguments(ctx, "west", "rationed").Should(BeEquivalentTo(1))
	})

	It("by a policy of its own is told in its own words, and does what else is asked", func(ctx context.Context) {
		for _, object := range denying("istio-denied", "gateways are the network team's") {
			Expect(fleet["west"].admin.Create(ctx, object)).To(Succeed())
			DeferCleanup(func(ctx context.Context) {
				Expect(client.IgnoreNotFound(fleet["west"].admin.Delete(ctx, object))).To(Succeed())
			})
		}
		// It is in force a moment later.
		Eventually(func() error {
			probe := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istio-denied"}}
			probe.Spec.Ports = []corev1.ServicePort{{Port: 80}}
			return fleet["west"].admin.Create(ctx, probe, client.DryRunAll)
		}).Should(MatchError(ContainSubstring("gateways are the network team's")))
		gw := expectApplied(ctx, "denied", inTwo("west"))
		Eventually(replicasIn).WithArguments(ctx, "east", "denied").Should(BeEquivalentTo(1))
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(And(
			HavePrefix("False Cluster west: applying Service istio-system/istio-denied: "),
			ContainSubstring("ValidatingAdmissionPolicy 'theirs' with binding 'theirs' denied request: gateways are the network team's")))
		Eventually(replicasIn).WithArguments(ctx, "west", "denied").Should(BeEquivalentTo(1), "the Deployment")
		binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "theirs"}}
		Expect(fleet["west"].admin.Delete(ctx, binding)).To(Succeed())
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(HavePrefix("True"))
	})
})

// denying are a policy and its binding that refuse Services of one name.
func denying(name, why string) []client.Object {
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "theirs"}}
	policy.Spec.MatchConstraints = &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
		RuleWithOperations: admissionregistrationv1.RuleWithOperations{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
			Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"services"}},
		},
	}}}
	policy.Spec.Validations = []admissionregistrationv1.Validation{{Expression: `object.metadata.name != "` + name + `"`, Message: why}}
	binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "theirs"}}
	binding.Spec.PolicyName = "theirs"
	binding.Spec.ValidationActions = []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny}
	return []client.Object{policy, binding}
}
