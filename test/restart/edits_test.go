package restart_test

import (
	"context"
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
	"portcullis.dev/portcullis/test/restart/edits"
)

var _ = Describe("The Deployment controller", func() {
	for i, edit := range edits.All() {
		It(fmt.Sprintf("replaces the pods exactly as predicted when somebody edits %s, and takes it back", edit), func(ctx context.Context) {
			expectMesh(ctx, edit.Profile())
			before, after, err := edit.Versions(namespace, fmt.Sprintf("edit-%d", i))
			Expect(err).NotTo(HaveOccurred())
			stored := expectCreated(ctx, before)
			expectPredicted(ctx, edit, stored, after, edit.LostThere, edit.Refused)
			expectPredicted(ctx, edit, stored, before, edit.LostBack, false)
		})
	}
})

// expectPredicted changes the stored gateway into a version as the guard would let it in, and holds what becomes of the
// pods and of the addresses against the prediction. refused says that the API server will not take the Service.
func expectPredicted(ctx context.Context, edit edits.Edit, stored, version *v1beta1.IstioGateway, lost, refused bool) {
	GinkgoHelper()
	template, addresses := templateHash(ctx, stored), addressesOf(ctx, stored)
	changed := stored.DeepCopy()
	changed.Spec, changed.Annotations = *version.Spec.DeepCopy(), version.Annotations
	mark(changed, stored.Generation)
	list := &v1alpha1.GatewayClusterList{}
	Expect(admin.List(ctx, list)).To(Succeed())
	predicted, err := change.Between(stored, changed, list.Items)
	Expect(err).NotTo(HaveOccurred())
	Expect(slices.Contains(predicted.Effects[change.Restart], edits.Cluster)).To(Equal(edit.Restart), "the prediction is not what is documented")

	expectAdmitted(ctx, stored, changed)
	expectApplied(ctx, stored, refused)
	Expect(templateHash(ctx, stored) != template).To(Equal(edit.Restart), "pods are replaced")
	// What a cloud gives away cannot be seen here; but what was not predicted to go must still be there.
	Expect(len(predicted.Effects[change.AddressLoss]) > 0).To(Equal(lost))
	if lost {
		return
	}
	for _, address := range addresses {
		Expect(addressesOf(ctx, stored)).To(ContainElement(address))
	}
}

// mark bumps the gateway's generation with what reaches nothing, so that it shows when the controller has seen an edit
// of annotations too.
func mark(gw *v1beta1.IstioGateway, generation int64) {
	if gw.Spec.Overrides == nil {
		gw.Spec.Overrides = map[string]v1beta1.IstioGatewayBasicConfiguration{}
	}
	marker := v1beta1.IstioGatewayBasicConfiguration{}
	marker.ReplicaCount = new(int32(generation))
	gw.Spec.Overrides["marker"] = marker
}

// stamp says, as the guard does, that it let a version in.
func stamp(gw *v1beta1.IstioGateway) {
	GinkgoHelper()
	fingerprint, err := change.Fingerprint(gw)
	Expect(err).NotTo(HaveOccurred())
	if gw.Annotations == nil {
		gw.Annotations = map[string]string{}
	}
	gw.Annotations[gateway.AnnotationAdmitted] = fingerprint
}

// expectMesh brings the cluster to a mesh profile before a gateway is made, which then keeps it.
func expectMesh(ctx context.Context, profile *v1alpha1.MeshProfile) {
	GinkgoHelper()
	Eventually(func() error {
		cluster := &v1alpha1.GatewayCluster{}
		if err := admin.Get(ctx, client.ObjectKey{Name: edits.Cluster}, cluster); err != nil {
			return err
		}
		cluster.Spec.Mesh = profile
		return admin.Update(ctx, cluster)
	}).Should(Succeed())
}

// expectCreated creates a gateway, waits until it is applied, and sees it removed after the spec.
func expectCreated(ctx context.Context, version *v1beta1.IstioGateway) *v1beta1.IstioGateway {
	GinkgoHelper()
	gw := version.DeepCopy()
	mark(gw, 0)
	stamp(gw)
	Expect(admin.Create(ctx, gw)).To(Succeed())
	DeferCleanup(func(ctx context.Context) {
		Expect(client.IgnoreNotFound(admin.Delete(ctx, gw))).To(Succeed())
		Eventually(func() bool { return apierrors.IsNotFound(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)) }).Should(BeTrue())
	})
	expectApplied(ctx, gw, false)
	return gw
}

// expectAdmitted stores a version, and leaves what is stored then in gw.
func expectAdmitted(ctx context.Context, gw, version *v1beta1.IstioGateway) {
	GinkgoHelper()
	Eventually(func() error {
		if err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
			return err
		}
		gw.Spec, gw.Annotations = *version.Spec.DeepCopy(), version.Annotations
		stamp(gw)
		return admin.Update(ctx, gw)
	}).Should(Succeed())
}

// expectApplied waits until the controller has applied the generation that is stored, or until the API server has
// refused to take its Service, and leaves what is stored then in gw.
func expectApplied(ctx context.Context, gw *v1beta1.IstioGateway, refused bool) {
	GinkgoHelper()
	generation := gw.Generation
	Eventually(func(g Gomega) {
		g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
		i := slices.IndexFunc(gw.Status.Clusters, func(entry v1beta1.ClusterStatus) bool { return entry.ClusterID == edits.Cluster })
		g.Expect(i).To(BeNumerically(">=", 0), "the controller has not seen the gateway")
		entry := gw.Status.Clusters[i]
		if refused {
			g.Expect(gw.Status.ObservedGeneration).To(Equal(generation))
			g.Expect(entry.Message).To(ContainSubstring("loadBalancerClass"))
			return
		}
		g.Expect(entry.ObservedGeneration).To(Equal(generation), "%s: %s", entry.State, entry.Message)
		g.Expect(entry.Mesh).NotTo(BeNil())
	}).Should(Succeed())
}

// templateHash is the hash of the newest pod template of a gateway, as the Deployment controller computes it.
func templateHash(ctx context.Context, gw *v1beta1.IstioGateway) string {
	GinkgoHelper()
	const revision = "deployment.kubernetes.io/revision"
	var hash string
	Eventually(func(g Gomega) {
		deployment := &appsv1.Deployment{}
		g.Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: gateway.ObjectName(gw.Name)}, deployment)).To(Succeed())
		g.Expect(deployment.Status.ObservedGeneration).To(Equal(deployment.Generation))
		sets := &appsv1.ReplicaSetList{}
		g.Expect(admin.List(ctx, sets, client.InNamespace(namespace), client.MatchingLabels(deployment.Spec.Selector.MatchLabels))).To(Succeed())
		i := slices.IndexFunc(sets.Items, func(set appsv1.ReplicaSet) bool {
			return set.Annotations[revision] == deployment.Annotations[revision]
		})
		g.Expect(i).To(BeNumerically(">=", 0), "no ReplicaSet is of the newest template")
		hash = sets.Items[i].Labels[appsv1.DefaultDeploymentUniqueLabelKey]
		g.Expect(hash).NotTo(BeEmpty())
	}).Should(Succeed())
	return hash
}

// addressesOf are the addresses of a gateway's load balancer, waited for while there is none; none without one.
func addressesOf(ctx context.Context, gw *v1beta1.IstioGateway) []corev1.LoadBalancerIngress {
	GinkgoHelper()
	var out []corev1.LoadBalancerIngress
	Eventually(func(g Gomega) {
		services := &corev1.ServiceList{}
		g.Expect(admin.List(ctx, services, client.InNamespace(namespace), client.MatchingLabels{render.LabelGateway: gw.Name})).To(Succeed())
		out = nil
		for _, service := range services.Items {
			if service.Spec.Type == corev1.ServiceTypeLoadBalancer {
				g.Expect(service.Status.LoadBalancer.Ingress).NotTo(BeEmpty())
			}
			out = append(out, service.Status.LoadBalancer.Ingress...)
		}
	}).Should(Succeed())
	return out
}
