package hold_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/fence"
	"portcullis.dev/portcullis/pkg/render"
)

// bolted waits until the API server refuses what the fence refuses: it learns of policies a moment later.
func bolted(ctx context.Context, gw *v1beta1.IstioGateway) {
	GinkgoHelper()
	Eventually(func() string {
		// That it is refused is in what kubectl prints, and not only that it fails.
		output, _ := kubectl(ctx, plane.Kubeconfig, "patch", "deployment", "istio-"+gw.Name, "--dry-run=server", "--type=merge", "-p", `{"spec":{"paused":true}}`)
		return output
	}).Should(ContainSubstring("is made by IstioGateway " + gw.Name))
}

// unfence takes the fence away, for the specs after this one. It returns when the API server lets pass what the fence
// refuses: until then the next spec would take this fence for its own, and find it open a moment later.
func unfence(ctx context.Context) {
	GinkgoHelper()
	binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: fence.Name}}
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: fence.Name}}
	for _, object := range []client.Object{binding, policy} {
		Expect(client.IgnoreNotFound(admin.Delete(ctx, object))).To(Succeed())
	}
	probe := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, GenerateName: "probe-", Labels: map[string]string{render.LabelGateway: "probe"}},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
	Expect(admin.Create(ctx, probe)).To(Succeed())
	Eventually(func() error { return admin.Delete(ctx, probe) }).Should(Succeed())
}

// closed starts a controller that closes the back door to a gateway with a Service and an autoscaler's room.
func closed(ctx context.Context, name string) *v1beta1.IstioGateway {
	GinkgoHelper()
	DeferCleanup(unfence)
	startController(fenced())
	clusterOf(ctx, "fenced")
	gw := gatewayIn(ctx, name, `{clusterIds: [fenced], replicaCount: 2, ports: [{name: http, port: 80}]}`)
	bolted(ctx, gw)
	Eventually(fencedAs).WithArguments(ctx, "fenced").Should(HavePrefix("True FenceUp"))
	return gw
}

// fencedAs is what a cluster says of its fence.
func fencedAs(ctx context.Context, name string) string {
	cluster := &v1alpha1.GatewayCluster{}
	if err := admin.Get(ctx, client.ObjectKey{Name: name}, cluster); err != nil {
		return err.Error()
	}
	told := meta.FindStatusCondition(cluster.Status.Conditions, v1alpha1.ConditionFenced)
	if told == nil {
		return "not told"
	}
	return fmt.Sprintf("%s %s %s", told.Status, told.Reason, told.Message)
}

// recorded is what the API server noted of emergencies, a line each.
func recorded() []string {
	GinkgoHelper()
	text, err := os.ReadFile(plane.AuditLog)
	Expect(err).NotTo(HaveOccurred())
	var out []string
	for line := range strings.Lines(string(text)) {
		event := struct{ Annotations map[string]string }{}
		// The last line may be half written.
		if json.Unmarshal([]byte(line), &event) == nil {
			out = append(out, event.Annotations[fence.Name+"/"+fence.AuditEmergency])
		}
	}
	return out
}

var _ = Describe("The back door", func() {
	It("is closed to kubectl, even an administrator's, with a sentence that names the gateway and what to do", func(ctx context.Context) {
		gw := closed(ctx, "fort")
		pods := podsOf(ctx, gw)
		edit, remove := "kubectl edit istiogateway fort -n istio-system", "kubectl delete istiogateway fort -n istio-system"
		for _, test := range []struct {
			args []string
			want string
		}{
			{[]string{"rollout", "restart", "deployment/istio-fort"}, edit},
			{[]string{"rollout", "pause", "deployment/istio-fort"}, edit},
			{[]string{"set", "image", "deployment/istio-fort", "istio-proxy=example.com/evil:1"}, edit},
			{[]string{"set", "env", "deployment/istio-fort", "EVIL=1"}, edit},
			{[]string{"set", "resources", "deployment/istio-fort", "--limits=memory=3Gi"}, edit},
			{[]string{"patch", "deployment", "istio-fort", "--type=merge", "-p", `{"spec":{"template":{"metadata":{"labels":{"a":"b"}}}}}`}, edit},
			{[]string{"patch", "deployment", "istio-fort", "--type=json", "-p", `[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"evil"}]`}, edit},
			{[]string{"label", "deployment", "istio-fort", "portcullis.dev/gateway-"}, edit},
			{[]string{"label", "deployment", "istio-fort", "portcullis.dev/gateway=other", "--overwrite"}, edit},
			{[]string{"annotate", "deployment", "istio-fort", "portcullis.dev/mesh={}", "--overwrite"}, edit},
			{[]string{"patch", "deployment", "istio-fort", "--type=merge", "-p", `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"gone","uid":"gone"}]}}`}, edit},
			{[]string{"delete", "deployment", "istio-fort"}, remove},
			{[]string{"delete", "deployments", "--all"}, remove},
			{[]string{"delete", "service", "istio-fort"}, remove},
			{[]string{"delete", "services", "-l", "portcullis.dev/gateway=fort"}, remove},
			{[]string{"label", "service", "istio-fort", "portcullis.dev/gateway-"}, edit},
			{[]string{"annotate", "service", "istio-fort", "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type=intranet"}, edit},
			{[]string{"patch", "service", "istio-fort", "--type=merge", "-p", `{"spec":{"type":"ClusterIP"}}`}, edit},
		} {
			output, err := kubectl(ctx, plane.Kubeconfig, test.args...)
			Expect(err).To(HaveOccurred(), "kubectl %v printed %s", test.args, output)
			Expect(output).To(MatchRegexp(`(Deployment|Service) istio-fort is made by IstioGateway fort: change that instead \(`), "kubectl %v", test.args)
			Expect(output).To(ContainSubstring("("+test.want+")"), "kubectl %v", test.args)
		}
		expectSamePods(ctx, gw, pods)
		Expect(conditionOf(ctx, gw, v1beta1.ConditionReady)).To(Equal("True PodsAvailable"))
	})

	It("is closed to kubectl edit", func(ctx context.Context) {
		gw := closed(ctx, "edited")
		pods := podsOf(ctx, gw)
		output, err := kubectlEdit(ctx, "deployment/istio-edited", "s#"+oldImage+"#example.com/evil:1#")
		Expect(err).To(HaveOccurred())
		Expect(output).To(ContainSubstring("is made by IstioGateway edited"))
		expectSamePods(ctx, gw, pods)
	})

	It("is open to autoscalers, the cluster's controllers, and what changes nothing that runs", func(ctx context.Context) {
		gw := closed(ctx, "open")
		for _, args := range [][]string{
			{"scale", "deployment/istio-open", "--replicas=4"},
			{"annotate", "deployment", "istio-open", "example.com/note=seen"},
			{"label", "deployment", "istio-open", "example.com/note=seen"},
			{"label", "service", "istio-open", "example.com/note=seen"},
			{"delete", "pods", "-l", "app=istio-open", "--wait=false"},
		} {
			output, err := kubectl(ctx, plane.Kubeconfig, args...)
			Expect(err).NotTo(HaveOccurred(), output)
		}
		admitted(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.PodLabels = map[string]string{"rolled": "yes"} })
		Eventually(func() map[string]string { return deploymentOf(ctx, gw).Spec.Template.Labels }).Should(HaveKeyWithValue("rolled", "yes"))
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReady).Should(Equal("True PodsAvailable"))
		Eventually(func() map[string]string { return deploymentOf(ctx, gw).Annotations }).Should(HaveKeyWithValue("deployment.kubernetes.io/revision", "2"))
	})

	It("lets a namespace go with all that is in it", func(ctx context.Context) {
		gw := closed(ctx, "bystander")
		// What lies in a namespace that goes is deleted by the namespace controller, whatever the controller thinks.
		leaving := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "leaving-"}}
		Expect(admin.Create(ctx, leaving)).To(Succeed())
		template := deploymentOf(ctx, gw)
		copied := &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: leaving.Name, Name: "istio-copy", Labels: map[string]string{render.LabelGateway: "copy"}},
			Spec:       appsv1.DeploymentSpec{Replicas: new(int32(0)), Selector: template.Spec.Selector, Template: template.Spec.Template},
		}
		Expect(admin.Create(ctx, copied)).To(Succeed())
		Expect(apierrors.IsForbidden(admin.Delete(ctx, copied))).To(BeTrue())
		Expect(admin.Delete(ctx, leaving)).To(Succeed())
		Eventually(func() error { return admin.Get(ctx, client.ObjectKeyFromObject(copied), copied) }).ShouldNot(Succeed())
	})

	It("is open to the emergency group, and the controller holds what that changed", func(ctx context.Context) {
		gw := closed(ctx, "burning")
		kubeconfig, _, err := plane.KubeconfigFor("olga", emergency, "system:masters")
		Expect(err).NotTo(HaveOccurred())
		output, err := kubectl(ctx, kubeconfig, "set", "image", "deployment/istio-burning", "istio-proxy=example.com/proxy:hotfix")
		Expect(err).NotTo(HaveOccurred(), output)
		Eventually(recorded).Should(ContainElement("olga UPDATE Deployment istio-system/istio-burning of IstioGateway burning"))
		expectHeld(ctx, gw, v1beta1.TemplateDrifted)
		Consistently(imageOf).WithArguments(ctx, gw).Should(Equal("example.com/proxy:hotfix"))
	})

	It("is said to be open where the controller may not close it", func(ctx context.Context) {
		role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "limited"}, Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{"", "apps", "autoscaling", "policy", "rbac.authorization.k8s.io"}, Verbs: []string{"*"},
			// Not namespaces: it must not be found out that this is the cluster of the suite once more.
			Resources: []string{"nodes", "services", "serviceaccounts", "secrets", "deployments", "horizontalpodautoscalers", "poddisruptionbudgets", "roles", "rolebindings"},
		}}}
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: role.ObjectMeta,
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "limited"}},
		}
		file, _, err := plane.KubeconfigFor("limited")
		Expect(err).NotTo(HaveOccurred())
		kubeconfig, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "limited"}, Data: map[string][]byte{"limited": kubeconfig}}
		cluster := &v1alpha1.GatewayCluster{
			ObjectMeta: metav1.ObjectMeta{Name: "limited"},
			Spec:       v1alpha1.GatewayClusterSpec{KubeconfigSecret: &v1alpha1.SecretReference{Namespace: namespace, Name: "limited"}},
		}
		DeferCleanup(unfence)
		for _, object := range []client.Object{role, binding, secret, cluster} {
			Expect(admin.Create(ctx, object)).To(Succeed())
			DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, object)).To(Succeed()) })
		}
		startController(fenced())
		Eventually(fencedAs).WithArguments(ctx, "limited").Should(And(
			HavePrefix("False NotAllowed applying ValidatingAdmissionPolicy "+fence.Name), ContainSubstring(`User "limited" cannot patch resource "validatingadmissionpolicies"`)))
	})

	It("is closed again when somebody opens it", func(ctx context.Context) {
		gw := closed(ctx, "reopened")
		for _, kind := range []string{"validatingadmissionpolicy", "validatingadmissionpolicybinding"} {
			output, err := kubectl(ctx, plane.Kubeconfig, "delete", kind, fence.Name, "--wait=false")
			Expect(err).NotTo(HaveOccurred(), output)
			Eventually(func() error {
				_, err := kubectl(ctx, plane.Kubeconfig, "get", kind, fence.Name)
				return err
			}).Should(Succeed(), fmt.Sprintf("%s comes back", kind))
		}
		bolted(ctx, gw)
	})
})
