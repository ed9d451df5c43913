package reconcile_test

import (
	"context"
	"reflect"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// retaining is a gateway with a policy for what it leaves behind, applied and ready.
func retaining(ctx context.Context, name, policy string) *v1beta1.IstioGateway {
	GinkgoHelper()
	gw := gatewayOf(name, `{clusterIds: [local], ports: [{name: http, port: 80}], autoCreateGatewayYaml: true}`)
	metav1.SetMetaDataAnnotation(&gw.ObjectMeta, gateway.AnnotationDeletionPolicy, policy)
	expectApplied(ctx, gw)
	expectReady(ctx, gw)
	Eventually(func() int { return len(expectExists(ctx, gw, &corev1.Service{}).Status.LoadBalancer.Ingress) }).Should(Equal(1))
	return gw
}

// expectNobodys expects that nothing of an object says that it is ours.
func expectNobodys(object client.Object) {
	GinkgoHelper()
	for _, marks := range []map[string]string{object.GetLabels(), object.GetAnnotations()} {
		for key := range marks {
			Expect(strings.HasPrefix(key, "portcullis.dev/")).To(BeFalse(), key)
		}
	}
	for _, fields := range object.GetManagedFields() {
		Expect(fields.Operation == metav1.ManagedFieldsOperationApply && fields.Manager == "portcullis").To(BeFalse(), "our fields")
	}
}

// left are the objects of a gateway's name that exist, as its own object is no more; and removes them.
func left(ctx context.Context, name string) []string {
	GinkgoHelper()
	var out []string
	for _, object := range kinds() {
		if err := admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "istio-" + name}, object); err == nil {
			expectNobodys(object)
			Expect(object.GetDeletionTimestamp()).To(BeNil())
			out = append(out, reflect.TypeOf(object).Elem().Name())
			Expect(admin.Delete(ctx, object)).To(Succeed())
		}
	}
	return out
}

var _ = Describe("What a gateway leaves behind", func() {
	It("is its Service, with its address, if it asks for that", func(ctx context.Context) {
		gw := retaining(ctx, "kept", "RetainService")
		before := expectExists(ctx, gw, &corev1.Service{})
		Expect(admin.Delete(ctx, gw)).To(Succeed())
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
		after := expectExists(ctx, gw, &corev1.Service{})
		Expect(after.UID).To(Equal(before.UID))
		Expect(after.Spec).To(Equal(before.Spec))
		Expect(after.Status).To(Equal(before.Status))
		Expect(left(ctx, "kept")).To(ConsistOf("Service"))
		Eventually(notes).WithArguments(ctx, gw, "Removed").Should(ConsistOf("Removed the gateway from cluster local, but for its Service, which is nobody's now"))
	})

	It("is everything if it asks for that, and the pods run on", func(ctx context.Context) {
		gw := retaining(ctx, "left", "Retain")
		before := expectExists(ctx, gw, &appsv1.Deployment{})
		// A cluster that it leaves counts like its deletion.
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.ClusterIDs = []string{"elsewhere"} })
		Eventually(func() []v1beta1.ClusterStatus {
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
			return gw.Status.Clusters
		}).Should(ConsistOf(HaveField("ClusterID", "elsewhere")))
		after := expectExists(ctx, gw, &appsv1.Deployment{})
		Expect(after.UID).To(Equal(before.UID))
		Expect(after.Spec).To(Equal(before.Spec))
		Expect(left(ctx, "left")).To(ContainElements("Service", "Deployment", "ServiceAccount", "Role", "RoleBinding"))
	})

	It("is everything if its policy is misspelt, and it says so beforehand", func(ctx context.Context) {
		gw := retaining(ctx, "misspelt", "retain-service")
		Expect(saysOf(ctx, gw, v1beta1.ConditionDeletionBlocked)).To(Equal(
			`False Nobody deleted the gateway; annotation portcullis.dev/deletion-policy must be Delete, RetainService or Retain, is "retain-service", and counts as Retain`))
		Expect(admin.Delete(ctx, gw)).To(Succeed())
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
		Expect(left(ctx, "misspelt")).To(ContainElements("Service", "Deployment"))
	})
})
