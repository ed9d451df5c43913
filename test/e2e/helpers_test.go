//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/fence"
	"portcullis.dev/portcullis/pkg/gateway"
)

// values are those of the release. People here have tokens of ServiceAccounts, which do not approve by default.
func values() []string {
	mesh, err := json.Marshal(v1alpha1.MeshProfile{ProxyImage: image("proxy")})
	Expect(err).NotTo(HaveOccurred())
	return []string{
		"--set", "image.registry=" + registry + ",webhook.image.tag=" + tag + ",controller.image.tag=" + tag + ",cluster.id=" + cluster,
		// Whose ServiceAccounts may pass the fence in an emergency.
		"--set", "controller.fence.emergencyGroup=system:serviceaccounts:" + oncall,
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
