//go:build e2e

package e2e_test

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
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
		ann, bob = person(ctx, namespace, "ann"), person(ctx, namespace, "bob")
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
		reportMemory(ctx, "webhook")
		reportMemory(ctx, "controller")
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

	It("leaves alone what others write", func(ctx context.Context) {
		leavesAlone(ctx, ann, edge)
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

	It("replaces its certificate and its CA, and lets every change in meanwhile", func(ctx context.Context) {
		under(ctx, ann, edge, func() { expectRotations(ctx) })
	})

	It("is upgraded from the chart before, then to another of its own and back, and no gateway with it", func(ctx context.Context) {
		kept := both(ctx, edge, quiet)
		older(ctx)
		under(ctx, ann, edge, func() {
			upgrade(ctx, chart, "--set", "webhook.podAnnotations.release=second,controller.podAnnotations.release=second")
			Expect(helm(ctx, "rollback", release, "--wait", "--timeout", "3m")).To(ContainSubstring("Rollback was a success"))
			upgrade(ctx, chart)
		})
		stored, labelled := edited(ctx, edge, func(gw *v1beta1.IstioGateway) { gw.Spec.ServiceLabels = map[string]string{"upgraded": "yes"} })
		Expect(ann.Patch(ctx, labelled, client.MergeFrom(stored))).To(Succeed())
		expectRolledOut(ctx, labelled)
		Expect(both(ctx, edge, quiet)).To(Equal(kept))
	})

	It("locks gateways and nothing else while no guard answers, and has a gate for an emergency", func(ctx context.Context) {
		kept := both(ctx, edge, quiet)
		expectLocked(ctx, ann, edge)
		expectGate(ctx, ann, edge)
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
