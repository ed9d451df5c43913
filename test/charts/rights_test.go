package charts_test

import (
	"context"
	"os"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/fence"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/test/env"
)

// refused is how a log says that the API server let somebody do less than they asked for.
const refused = `(?i)is forbidden: user`

// One life of everything that both do, and then a look at what they were refused.
var _ = Describe("The webhook and the controller, with the rights that the chart gives them,", Ordered, func() {
	var (
		guard, worker *gexec.Session
		ann           client.Client
		gw            *v1beta1.IstioGateway
	)

	BeforeAll(func(ctx context.Context) {
		Expect(plane.InstallKinds(certManagerKinds()...)).To(Succeed())
		DeferCleanup(func() { Expect(plane.RemoveKinds(certManagerKinds()...)).To(Succeed()) })
		_, config, err := plane.KubeconfigFor("ann", "system:masters")
		Expect(err).NotTo(HaveOccurred())
		ann = clientFor(config)
		guard = run(ctx, "webhook", "--bind-address=127.0.0.1", "--port="+strconv.Itoa(port))
		worker = run(ctx, "controller")
		DeferCleanup(gexec.CleanupBuildArtifacts)
	})

	It("guard gateways, as the probe finds that helm test runs", func(ctx context.Context) {
		out, err := probe(ctx, "30s")
		Expect(err).NotTo(HaveOccurred(), out)
	})

	It("find out about the cluster that the chart registered", func(ctx context.Context) {
		cluster := &v1alpha1.GatewayCluster{ObjectMeta: metav1.ObjectMeta{Name: "c1"}}
		Eventually(func(g Gomega) {
			g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(cluster), cluster)).To(Succeed())
			g.Expect(meta.IsStatusConditionTrue(cluster.Status.Conditions, v1alpha1.ConditionReachable)).To(BeTrue())
			g.Expect(cluster.Status.Facts.Nodes).To(HaveValue(BeNumerically(">", 0)))
		}).Should(Succeed())
	})

	It("make a gateway real, of every kind of object", func(ctx context.Context) {
		gw = &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "edge"}}
		gw.Spec.ClusterIDs, gw.Spec.Ports = []string{"c1"}, []corev1.ServicePort{{Name: "http", Port: 80}}
		gw.Spec.MinReplicas, gw.Spec.MaxReplicas = new(int32(2)), new(int32(4))
		gw.Spec.CPU = &v1beta1.HpaCPU{TargetAverageUtilization: new(int32(80))}
		gw.Spec.Compression = &v1beta1.CompressorConfiguration{Enabled: new(true), Gzip: &v1beta1.GzipCompressorConfiguration{}}
		gw.Spec.AutoCreateGatewayYaml = new(true)
		gw.Annotations = map[string]string{gateway.AnnotationIssuer: "ours", gateway.AnnotationTLSHosts: "edge.example.com"}
		// The API server learns a moment later whom to ask, and by which certificate it knows them.
		Eventually(func() (map[string]string, error) {
			asked := gw.DeepCopy()
			err := ann.Create(ctx, asked, client.DryRunAll)
			return asked.Annotations, err
		}).Should(HaveKey(gateway.AnnotationAdmitted))
		Expect(ann.Create(ctx, gw)).To(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
			g.Expect(meta.IsStatusConditionTrue(gw.Status.Conditions, "Ready")).To(BeTrue(), "%v", gw.Status.Conditions)
		}).Should(Succeed())
		for _, object := range objects() {
			Eventually(ctx, func() error { return admin.Get(ctx, client.ObjectKeyFromObject(object), object) }).Should(Succeed(), "%T", object)
		}
	})

	It("put right what somebody deleted, and the fence", func(ctx context.Context) {
		for _, object := range []client.Object{
			&policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istio-edge"}},
			&rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istio-edge"}},
			&admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: fence.Name}},
			&admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: fence.Name}},
		} {
			Eventually(ctx, func() error { return admin.Get(ctx, client.ObjectKeyFromObject(object), object) }).Should(Succeed())
			before := object.GetUID()
			Expect(admin.Delete(ctx, object)).To(Succeed())
			Eventually(func(g Gomega) {
				g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
				g.Expect(object.GetUID()).NotTo(Equal(before))
			}).Should(Succeed(), "%T", object)
		}
	})

	It("remove an autoscaler that is no longer wanted", func(ctx context.Context) {
		edited := gw.DeepCopy()
		edited.Spec.MinReplicas, edited.Spec.MaxReplicas, edited.Spec.CPU = nil, nil, nil
		edited.Spec.ReplicaCount = new(int32(2))
		Expect(ann.Patch(ctx, edited, client.MergeFrom(gw))).To(Succeed())
		Eventually(gone).WithArguments(ctx, &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istio-edge"}}).Should(BeTrue())
	})

	It("let a restart in by an approval, mark it used and let it go", func(ctx context.Context) {
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
		edited := gw.DeepCopy()
		edited.Spec.RunAsRoot = new(true)
		Expect(ann.Patch(ctx, edited.DeepCopy(), client.MergeFrom(gw))).To(MatchError(ContainSubstring("restart_approval: ")))
		approval := approvalBetween(ctx, gw, edited)
		Expect(admin.Create(ctx, approval)).To(Succeed())
		Expect(ann.Patch(ctx, edited, client.MergeFrom(gw))).To(Succeed())
		Eventually(gone).WithArguments(ctx, approval).Should(BeTrue())
	})

	It("run a policy that an upgrade brings", func(ctx context.Context) {
		Expect(helm(ctx, append([]string{"upgrade", release, chart, "--set-json", `policies={"quiet":{"parameters":{"namespace":{"allowed":["istio-system"]}}}}`}, values()...)...)).
			To(ContainSubstring("STATUS: deployed"))
		policy := &v1alpha1.GatewayPolicy{ObjectMeta: metav1.ObjectMeta{Name: "quiet"}}
		Eventually(func(g Gomega) {
			g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(policy), policy)).To(Succeed())
			g.Expect(meta.IsStatusConditionTrue(policy.Status.Conditions, v1alpha1.ConditionActive)).To(BeTrue(), "%v", policy.Status)
		}).Should(Succeed())
	})

	It("register a cluster by a remote secret, notice that it is the chart's own once more, and forget it again", func(ctx context.Context) {
		kubeconfig, err := os.ReadFile(plane.Kubeconfig)
		Expect(err).NotTo(HaveOccurred())
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istio-remote-secret-c2", Labels: map[string]string{"istio/multiCluster": "true"}},
			Data:       map[string][]byte{"c2": kubeconfig},
		}
		Expect(admin.Create(ctx, secret)).To(Succeed())
		cluster := &v1alpha1.GatewayCluster{ObjectMeta: metav1.ObjectMeta{Name: "c2"}}
		Eventually(func(g Gomega) {
			g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(cluster), cluster)).To(Succeed())
			g.Expect(meta.FindStatusCondition(cluster.Status.Conditions, v1alpha1.ConditionReachable)).To(
				HaveValue(And(HaveField("Reason", "AlreadyRegistered"), HaveField("Message", HavePrefix("cluster c2 is registered as c1 already")))))
		}).Should(Succeed())
		Expect(admin.Delete(ctx, secret)).To(Succeed())
		Eventually(gone).WithArguments(ctx, cluster).Should(BeTrue())
	})

	It("take a gateway away", func(ctx context.Context) {
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
		Expect(admin.Create(ctx, approvalBetween(ctx, gw, nil))).To(Succeed())
		Expect(ann.Delete(ctx, gw)).To(Succeed())
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
		for _, object := range objects() {
			Expect(gone(ctx, object)).To(BeTrue(), "%T is still there", object)
		}
	})

	It("tell of it in events", func(ctx context.Context) {
		events := &eventsv1.EventList{}
		Eventually(func() ([]eventsv1.Event, error) {
			return events.Items, admin.List(ctx, events, client.InNamespace(namespace))
		}).Should(ContainElement(HaveField("ReportingController", "portcullis")))
		leader := &corev1.EventList{}
		Eventually(func() ([]corev1.Event, error) {
			return leader.Items, admin.List(ctx, leader, client.InNamespace(home))
		}).Should(ContainElement(HaveField("Reason", "LeaderElection")))
	})

	It("are missed by the probe", func(ctx context.Context) {
		Eventually(guard.Terminate(), time.Minute).Should(gexec.Exit(0))
		out, err := probe(ctx, "1s")
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring("the guard must answer within 1s, does not"))
		Expect(out).To(ContainSubstring("failed calling webhook"))
	})

	It("were refused nothing, and leave no Lease behind", func(ctx context.Context) {
		for _, session := range []*gexec.Session{worker, guard} {
			Eventually(session.Terminate(), time.Minute).Should(gexec.Exit(0))
			Expect(string(session.Err.Contents())).NotTo(MatchRegexp(refused))
		}
		leases := &coordinationv1.LeaseList{}
		Expect(admin.List(ctx, leases, client.InNamespace(home), client.HasLabels{"portcullis.dev/webhook-replica"})).To(Succeed())
		Expect(leases.Items).To(BeEmpty())
	})

	It("can be uninstalled, which keeps what belongs to people, and installed again", func(ctx context.Context) {
		definition := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: "istiogateways.istio.alibabacloud.com"}}
		cluster := &v1alpha1.GatewayCluster{ObjectMeta: metav1.ObjectMeta{Name: "c1"}}
		kept := []client.Object{definition, cluster}
		var before []types.UID
		for _, object := range kept {
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
			before = append(before, object.GetUID())
		}
		Expect(helm(ctx, "uninstall", release)).To(ContainSubstring("uninstalled"))
		Expect(gone(ctx, &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: release}})).To(BeTrue())
		Expect(helm(ctx, append([]string{"install", release, chart}, values()...)...)).To(ContainSubstring("STATUS: deployed"))
		for i, object := range kept {
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
			Expect(object.GetUID()).To(Equal(before[i]), "%T is another one", object)
		}
	})
})

var _ = DescribeTable("Nobody has the right",
	func(ctx context.Context, component, verb, group, resource, in, name string) {
		user, groups := account(component)
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user, Groups: append(groups, "system:authenticated"),
			ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: verb, Group: group, Resource: resource, Namespace: in, Name: name},
		}}
		Expect(admin.Create(ctx, review)).To(Succeed())
		Expect(review.Status.Allowed).To(BeFalse(), review.Status.Reason)
	},
	Entry("to read any Secret", "controller", "list", "", "secrets", "", ""),
	Entry("to read the Secrets of the release", "controller", "get", "", "secrets", home, release+"-webhook-ca"),
	Entry("to read other Secrets beside their own", "webhook", "get", "", "secrets", home, "another"),
	Entry("to make Secrets", "webhook", "create", "", "secrets", home, ""),
	Entry("to change other people's webhooks", "webhook", "patch", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "", "another"),
	Entry("to change other people's policies", "controller", "patch", "admissionregistration.k8s.io", "validatingadmissionpolicies", "", "another"),
	Entry("to change Deployments where no gateways are", "controller", "patch", "apps", "deployments", "kube-system", ""),
	Entry("to give rights where no gateways are", "controller", "create", "rbac.authorization.k8s.io", "roles", "kube-system", ""),
	Entry("to change gateways, as the guard", "webhook", "patch", v1beta1.GroupVersion.Group, "istiogateways", namespace, ""),
	Entry("to approve", "controller", "approve", v1beta1.GroupVersion.Group, "istiogateways", namespace, ""),
	Entry("to make approvals", "controller", "create", v1alpha1.GroupVersion.Group, "changeapprovals", namespace, ""),
)

// objects are what a gateway is made of, by their names alone.
func objects() []client.Object {
	all := []client.Object{
		&corev1.Service{}, &corev1.ServiceAccount{}, &appsv1.Deployment{}, &rbacv1.Role{}, &rbacv1.RoleBinding{},
		&autoscalingv2.HorizontalPodAutoscaler{}, &policyv1.PodDisruptionBudget{},
	}
	for _, kind := range env.ForeignKinds() {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(kind)
		all = append(all, object)
	}
	for _, object := range all {
		object.SetNamespace(namespace)
		object.SetName("istio-edge")
		// Gateways of Istio are named by people, after the gateway.
		if object.GetObjectKind().GroupVersionKind().Kind == "Gateway" {
			object.SetName("edge")
		}
	}
	return all
}

// gone tells that an object is not there any more.
func gone(ctx context.Context, object client.Object) bool {
	return apierrors.IsNotFound(admin.Get(ctx, client.ObjectKeyFromObject(object), object))
}

// approvalBetween approves what leads from one gateway to another; nil is none.
func approvalBetween(ctx context.Context, before, after *v1beta1.IstioGateway) *v1alpha1.ChangeApproval {
	GinkgoHelper()
	clusters := &v1alpha1.GatewayClusterList{}
	Expect(admin.List(ctx, clusters)).To(Succeed())
	effect, err := change.Between(before, after, clusters.Items)
	Expect(err).NotTo(HaveOccurred())
	changes, err := change.ToApproved(effect.Changes)
	Expect(err).NotTo(HaveOccurred())
	return &v1alpha1.ChangeApproval{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: before.Name + "-"},
		Spec:       v1alpha1.ChangeApprovalSpec{GatewayName: before.Name, Digest: effect.Digest, Changes: changes, Reason: "agreed upon"},
	}
}
