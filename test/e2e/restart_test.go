//go:build e2e

package e2e_test

import (
	"context"
	"maps"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/test/restart/edits"
)

// leftOut are the edits that cannot be made here, and why.
var leftOut = map[string]string{
	"loadBalancerClass": "the API server refuses it on a live Service, and then this gateway could not be edited any more",
	"hostNetwork":       "two pods on the network of the only node want one port",
}

var _ = Describe("The containers of a gateway", Ordered, func() {
	var gw *v1beta1.IstioGateway

	BeforeAll(func(ctx context.Context) {
		_, err := envtest.InstallCRDs(config, envtest.CRDInstallOptions{Scheme: scheme, CRDs: definitions()})
		Expect(err).NotTo(HaveOccurred())
		cluster := &v1alpha1.GatewayCluster{ObjectMeta: metav1.ObjectMeta{Name: edits.Cluster}, Spec: v1alpha1.GatewayClusterSpec{
			Local: new(true), Managed: new(true), Mesh: &v1alpha1.MeshProfile{ProxyImage: image("proxy")},
		}}
		Expect(admin.Create(ctx, cluster)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, cluster)).To(Succeed()) })
		startController()
		gw = &v1beta1.IstioGateway{}
		gw.Namespace, gw.Name = namespace, "edge"
		gw.Spec.ClusterIDs, gw.Spec.Ports = []string{edits.Cluster}, []corev1.ServicePort{{Port: 80}}
		stamp(gw)
		Expect(admin.Create(ctx, gw)).To(Succeed())
		DeferCleanup(func(ctx context.Context) {
			Expect(client.IgnoreNotFound(admin.Delete(ctx, gw))).To(Succeed())
			Eventually(func() bool { return apierrors.IsNotFound(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)) }).Should(BeTrue())
		})
		expectRolledOut(ctx, gw)
	})

	for _, edit := range edits.All() {
		if edit.How != "" {
			continue
		}
		It("start anew exactly when that is predicted of an edit of "+edit.Field, func(ctx context.Context) {
			if reason, ok := leftOut[edit.Field]; ok {
				Skip("An edit of " + edit.Field + " is not made here: " + reason)
			}
			_, version, err := edit.Versions(namespace, gw.Name)
			Expect(err).NotTo(HaveOccurred())
			before := containersOf(ctx, gw)
			restarts := expectEdited(ctx, gw, version)
			after := containersOf(ctx, gw)
			if restarts {
				for name := range before {
					Expect(after).NotTo(HaveKey(name), "a pod that was predicted to be replaced is still there")
				}
				return
			}
			expectKept(before, after)
		})
	}
})

// container is one life of a pod's proxy.
type container struct {
	uid, id, started string
	restarts         int32
}

// containersOf are the proxies of a gateway, by pod, without those that are on their way out. It waits for those that are
// on their way in.
func containersOf(ctx context.Context, gw *v1beta1.IstioGateway) map[string]container {
	GinkgoHelper()
	var out map[string]container
	Eventually(func(g Gomega) {
		pods := &corev1.PodList{}
		g.Expect(admin.List(ctx, pods, client.InNamespace(namespace), client.MatchingLabels{"app": gateway.ObjectName(gw.Name)})).To(Succeed())
		out = map[string]container{}
		for _, pod := range pods.Items {
			if pod.DeletionTimestamp != nil {
				continue
			}
			g.Expect(pod.Status.ContainerStatuses).To(HaveLen(1))
			status := pod.Status.ContainerStatuses[0]
			g.Expect(status.ContainerID).NotTo(BeEmpty())
			out[pod.Name] = container{string(pod.UID), status.ContainerID, pod.Status.StartTime.String(), status.RestartCount}
		}
		g.Expect(out).NotTo(BeEmpty())
	}).Should(Succeed())
	return out
}

// expectKept sees that the same containers run, but for those that scaling added or took away.
func expectKept(before, after map[string]container) {
	GinkgoHelper()
	kept := 0
	for name, was := range before {
		if is, ok := after[name]; ok {
			Expect(is).To(Equal(was), "the container of pod %s started anew", name)
			kept++
		}
	}
	Expect(kept).To(Equal(min(len(before), len(after))), "pods went that were to stay: %v, then %v",
		slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
}

// expectEdited changes the gateway into a version as the guard would let it in, waits until that has reached the pods,
// and returns whether they were predicted to restart.
func expectEdited(ctx context.Context, gw, version *v1beta1.IstioGateway) bool {
	GinkgoHelper()
	registered := &v1alpha1.GatewayClusterList{}
	Expect(admin.List(ctx, registered)).To(Succeed())
	var predicted change.Change
	Eventually(func() error {
		if err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
			return err
		}
		stored := gw.DeepCopy()
		gw.Spec, gw.Annotations = *version.Spec.DeepCopy(), version.Annotations
		// Bumps the generation and reaches nothing, so that an edit of annotations shows as applied too.
		marker := v1beta1.IstioGatewayBasicConfiguration{}
		marker.ReplicaCount = new(int32(stored.Generation))
		gw.Spec.Overrides = maps.Clone(gw.Spec.Overrides)
		if gw.Spec.Overrides == nil {
			gw.Spec.Overrides = map[string]v1beta1.IstioGatewayBasicConfiguration{}
		}
		gw.Spec.Overrides["marker"] = marker
		var err error
		if predicted, err = change.Between(stored, gw, registered.Items); err != nil {
			return err
		}
		stamp(gw)
		return admin.Update(ctx, gw)
	}).Should(Succeed())
	expectRolledOut(ctx, gw)
	return slices.Contains(predicted.Effects[change.Restart], edits.Cluster)
}

// stamp says, as the guard does, that it let a version in.
func stamp(gw *v1beta1.IstioGateway) {
	GinkgoHelper()
	fingerprint, err := change.Fingerprint(gw)
	Expect(err).NotTo(HaveOccurred())
	gw.Annotations = maps.Clone(gw.Annotations)
	if gw.Annotations == nil {
		gw.Annotations = map[string]string{}
	}
	gw.Annotations[gateway.AnnotationAdmitted] = fingerprint
}

// expectRolledOut waits until the stored generation is applied and every pod is one of it, ready.
func expectRolledOut(ctx context.Context, gw *v1beta1.IstioGateway) {
	GinkgoHelper()
	generation := gw.Generation
	Eventually(func(g Gomega) {
		g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
		i := slices.IndexFunc(gw.Status.Clusters, func(entry v1beta1.ClusterStatus) bool { return entry.ClusterID == edits.Cluster })
		g.Expect(i).To(BeNumerically(">=", 0), "the controller has not seen the gateway")
		entry := gw.Status.Clusters[i]
		g.Expect(entry.ObservedGeneration).To(Equal(generation), "%s: %s", entry.State, entry.Message)
		deployment := &appsv1.Deployment{}
		g.Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: gateway.ObjectName(gw.Name)}, deployment)).To(Succeed())
		status := deployment.Status
		g.Expect(status.ObservedGeneration).To(Equal(deployment.Generation))
		g.Expect([]int32{status.Replicas, status.UpdatedReplicas, status.AvailableReplicas}).To(HaveEach(*deployment.Spec.Replicas))
	}).Should(Succeed())
}
