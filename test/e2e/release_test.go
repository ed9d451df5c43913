//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/fence"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/test/restart/edits"
)

// Where the release is, its chart, and the cluster that it registers.
const (
	release = "portcullis"
	home    = "portcullis"
	chart   = "../../charts/portcullis"
	cluster = edits.Cluster
)

// small is what every gateway here says: no load balancer, which the cluster may lack, and little of its node.
const small = `clusterIds: [` + cluster + `]
serviceType: ClusterIP
ports: [{name: http, port: 80}]
resources: {requests: {cpu: 10m, memory: 64Mi}, limits: {cpu: 200m, memory: 128Mi}}
`

var _ = Describe("A release", Ordered, func() {
	var (
		ann, bob client.Client
		edge     = parse("edge", small+"replicaCount: 2")
		quiet    = parse("quiet", small+"replicaCount: 2")
	)

	BeforeAll(func(ctx context.Context) {
		ann, bob = person(ctx, "ann"), person(ctx, "bob")
		DeferCleanup(removeEverything)
	})

	It("is installed, and ready when helm says so", func(ctx context.Context) {
		started := time.Now()
		out, err := helm(ctx, append([]string{"install", release, chart, "--create-namespace", "--take-ownership", "--wait", "--timeout", "3m"}, values()...)...)
		Expect(err).NotTo(HaveOccurred())
		Expect(out).To(ContainSubstring("STATUS: deployed"))
		AddReportEntry("installed within", time.Since(started).String())
		for _, component := range []string{"webhook", "controller"} {
			for _, pod := range podsOf(ctx, component) {
				AddReportEntry(component+" ready after its container's start within", readyAfter(pod).String())
			}
		}
	})

	It("is asked by the API server through its Service", func(ctx context.Context) {
		Expect(helm(ctx, "test", release)).To(ContainSubstring("Succeeded"))
	})

	It("makes gateways real", func(ctx context.Context) {
		for _, gw := range []*v1beta1.IstioGateway{edge, quiet} {
			Expect(ann.Create(ctx, gw)).To(Succeed())
			expectReady(ctx, gw)
			Expect(containersOf(ctx, gw)).To(HaveLen(2))
		}
	})

	It("refuses a restart that nobody approved", func(ctx context.Context) {
		kept := containersOf(ctx, edge)
		before, after := edited(ctx, edge, painted)
		Expect(predictsRestart(ctx, before, after)).To(BeTrue())
		Expect(ann.Patch(ctx, after, client.MergeFrom(before))).To(MatchError(MatchRegexp(
			`restart_approval: spec\.podLabels\.color: must be approved by somebody other than .* restarts every pod in ` + cluster)))
		Expect(containersOf(ctx, edge)).To(Equal(kept))
	})

	It("restarts the pods of which that was predicted, and no others", func(ctx context.Context) {
		replaced, kept := containersOf(ctx, edge), containersOf(ctx, quiet)
		before, after := edited(ctx, edge, painted)
		approve(ctx, bob, before, after)
		Expect(ann.Patch(ctx, after, client.MergeFrom(before))).To(Succeed())
		before, labelled := edited(ctx, quiet, func(gw *v1beta1.IstioGateway) { gw.Spec.ServiceLabels = map[string]string{"team": "shop"} })
		Expect(predictsRestart(ctx, before, labelled)).To(BeFalse())
		Expect(ann.Patch(ctx, labelled, client.MergeFrom(before))).To(Succeed())
		expectRolledOut(ctx, after)
		expectRolledOut(ctx, labelled)
		for name := range replaced {
			Expect(containersOf(ctx, edge)).NotTo(HaveKey(name))
		}
		Expect(containersOf(ctx, quiet)).To(Equal(kept))
	})

	It("keeps the back door shut", func(ctx context.Context) {
		kept := containersOf(ctx, edge)
		for _, args := range []string{
			"rollout restart deployment/istio-edge", "set image deployment/istio-edge istio-proxy=example.com/other:1", "delete service istio-edge",
		} {
			_, err := kubectl(ctx, append(strings.Fields(args), "--namespace", namespace)...)
			Expect(err).To(MatchError(ContainSubstring("istio-edge is made by IstioGateway edge: change that instead (")))
		}
		Expect(containersOf(ctx, edge)).To(Equal(kept))
	})

	It("hands the number of pods to an autoscaler, and does not take it back", func(ctx context.Context) {
		kept := containersOf(ctx, quiet)
		before, scaled := edited(ctx, quiet, func(gw *v1beta1.IstioGateway) {
			gw.Spec.ReplicaCount, gw.Spec.MinReplicas, gw.Spec.MaxReplicas = nil, new(int32(3)), new(int32(4))
			gw.Spec.CPU = &v1beta1.HpaCPU{TargetAverageUtilization: new(int32(80))}
		})
		Expect(ann.Patch(ctx, scaled, client.MergeFrom(before))).To(Succeed())
		Eventually(available).WithArguments(ctx, quiet).Should(BeNumerically("==", 3))
		before, labelled := edited(ctx, quiet, func(gw *v1beta1.IstioGateway) { gw.Spec.ServiceLabels = map[string]string{"team": "edge"} })
		Expect(ann.Patch(ctx, labelled, client.MergeFrom(before))).To(Succeed())
		expectRolledOut(ctx, labelled)
		after := containersOf(ctx, quiet)
		Expect(after).To(HaveLen(3))
		expectKept(kept, after)
	})

	It("lets every change in while the guard's pods are replaced", func(ctx context.Context) {
		under(ctx, ann, edge, func() {
			Expect(kubectl(ctx, "rollout", "restart", "deployment/"+release+"-webhook", "--namespace", home)).To(ContainSubstring("restarted"))
			Expect(kubectl(ctx, "rollout", "status", "deployment/"+release+"-webhook", "--namespace", home, "--timeout", "3m")).To(ContainSubstring("successfully rolled out"))
			Eventually(podsOf).WithArguments(ctx, "webhook").Should(HaveLen(2))
		})
	})

	It("lets nodes be drained of the guard one pod at a time, and every change in meanwhile", func(ctx context.Context) {
		under(ctx, ann, edge, func() {
			pods := podsOf(ctx, "webhook")
			Expect(pods).To(HaveLen(2))
			Expect(evict(ctx, pods[0])).To(Succeed())
			Expect(apierrors.IsTooManyRequests(evict(ctx, pods[1]))).To(BeTrue())
			Eventually(func() bool { return gone(ctx, &pods[0]) }).Should(BeTrue())
			_, err := kubectl(ctx, "rollout", "status", "deployment/"+release+"-webhook", "--namespace", home, "--timeout", "3m")
			Expect(err).NotTo(HaveOccurred())
		})
	})

	It("goes on when its leader is killed", func(ctx context.Context) {
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: home, Name: "portcullis-controller"}}
		leader := func() string {
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(lease), lease)).To(Succeed())
			return *lease.Spec.HolderIdentity
		}
		before := leader()
		pod, _, _ := strings.Cut(before, "_")
		Expect(admin.Delete(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: home, Name: pod}}, client.GracePeriodSeconds(0))).To(Succeed())
		Eventually(leader).ShouldNot(Or(BeEmpty(), Equal(before)))
		stored, labelled := edited(ctx, edge, func(gw *v1beta1.IstioGateway) { gw.Spec.ServiceLabels = map[string]string{"led": "anew"} })
		Expect(ann.Patch(ctx, labelled, client.MergeFrom(stored))).To(Succeed())
		expectRolledOut(ctx, labelled)
	})

	It("is upgraded, and no gateway with it", func(ctx context.Context) {
		kept := both(ctx, edge, quiet)
		under(ctx, ann, edge, func() {
			Expect(helm(ctx, append([]string{"upgrade", release, chart, "--wait", "--timeout", "3m",
				"--set", "webhook.podAnnotations.release=second,controller.podAnnotations.release=second"}, values()...)...)).To(ContainSubstring("STATUS: deployed"))
		})
		stored, labelled := edited(ctx, edge, func(gw *v1beta1.IstioGateway) { gw.Spec.ServiceLabels = map[string]string{"upgraded": "yes"} })
		Expect(ann.Patch(ctx, labelled, client.MergeFrom(stored))).To(Succeed())
		expectRolledOut(ctx, labelled)
		Expect(both(ctx, edge, quiet)).To(Equal(kept))
	})

	It("is uninstalled, which leaves gateways running and locks nothing", func(ctx context.Context) {
		kept := both(ctx, edge, quiet)
		Expect(helm(ctx, "uninstall", release, "--wait")).To(ContainSubstring("uninstalled"))
		Eventually(podsOf).WithArguments(ctx, "webhook").Should(BeEmpty())
		for _, object := range []client.Object{
			&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "afterwards"}},
			&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "afterwards"}},
			parse("afterwards", small),
		} {
			Expect(ann.Create(ctx, object)).To(Succeed())
			Expect(ann.Delete(ctx, object)).To(Succeed())
		}
		Expect(both(ctx, edge, quiet)).To(Equal(kept))
	})
})

// values are those of the release. People here have tokens of ServiceAccounts, which do not approve by default.
func values() []string {
	mesh, err := json.Marshal(v1alpha1.MeshProfile{ProxyImage: image("proxy")})
	Expect(err).NotTo(HaveOccurred())
	return []string{
		"--set", "image.registry=" + registry + ",webhook.image.tag=" + tag + ",controller.image.tag=" + tag + ",cluster.id=" + cluster,
		"--set-json", "cluster.mesh=" + string(mesh),
		"--set-json", `webhook.config.parameters={"approval":{"serviceAccounts":true}}`,
	}
}

// removeEverything leaves the cluster as it was found, as the chart's README says.
func removeEverything(ctx context.Context) {
	_, err := helm(ctx, "uninstall", release, "--ignore-not-found", "--wait")
	Expect(err).NotTo(HaveOccurred())
	Expect(client.IgnoreNotFound(admin.Delete(ctx, &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: fence.Name}}))).To(Succeed())
	Expect(client.IgnoreNotFound(admin.Delete(ctx, &admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: fence.Name}}))).To(Succeed())
	gateways := &v1beta1.IstioGatewayList{}
	Expect(admin.List(ctx, gateways)).To(Succeed())
	for _, gw := range gateways.Items {
		Expect(admin.Patch(ctx, &gw, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`)))).To(Succeed())
		Expect(client.IgnoreNotFound(admin.Delete(ctx, &gw))).To(Succeed())
	}
	Eventually(kubectl).WithArguments(ctx, "delete", "deployment,service,serviceaccount,role,rolebinding,hpa,pdb", "--selector", "portcullis.dev/gateway", "--namespace", namespace).
		Should(ContainSubstring("No resources found"))
	Expect(admin.DeleteAllOf(ctx, &v1alpha1.ChangeApproval{}, client.InNamespace(namespace))).To(Succeed())
	Expect(admin.DeleteAllOf(ctx, &v1alpha1.GatewayCluster{})).To(Succeed())
}

// painted is an edit that restarts pods.
func painted(gw *v1beta1.IstioGateway) {
	gw.Spec.PodLabels = map[string]string{"color": "blue"}
}

// both are the containers of two gateways.
func both(ctx context.Context, one, other *v1beta1.IstioGateway) map[string]container {
	GinkgoHelper()
	out := containersOf(ctx, one)
	maps.Copy(out, containersOf(ctx, other))
	return out
}

// podsOf are the pods of a component of the release.
func podsOf(ctx context.Context, component string) []corev1.Pod {
	GinkgoHelper()
	pods := &corev1.PodList{}
	Expect(admin.List(ctx, pods, client.InNamespace(home), client.MatchingLabels{"app.kubernetes.io/component": component})).To(Succeed())
	return pods.Items
}

// readyAfter is how long a pod took from the start of its container until it was ready.
func readyAfter(pod corev1.Pod) time.Duration {
	GinkgoHelper()
	Expect(pod.Status.ContainerStatuses).To(HaveLen(1))
	running := pod.Status.ContainerStatuses[0].State.Running
	Expect(running).NotTo(BeNil())
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.LastTransitionTime.Sub(running.StartedAt.Time)
		}
	}
	return 0
}

// evict asks for the eviction of a pod, as kubectl drain does.
func evict(ctx context.Context, pod corev1.Pod) error {
	return admin.SubResource("eviction").Create(ctx, &pod, &policyv1.Eviction{})
}

// expectReady waits until a gateway says that it is ready.
func expectReady(ctx context.Context, gw *v1beta1.IstioGateway) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
		g.Expect(meta.IsStatusConditionTrue(gw.Status.Conditions, v1beta1.ConditionReady)).To(BeTrue(), "%v", gw.Status.Conditions)
	}).Should(Succeed())
}

// available is how many pods of a gateway are available.
func available(ctx context.Context, gw *v1beta1.IstioGateway) (int32, error) {
	deployment := &appsv1.Deployment{}
	err := admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: gateway.ObjectName(gw.Name)}, deployment)
	return deployment.Status.AvailableReplicas, err
}
