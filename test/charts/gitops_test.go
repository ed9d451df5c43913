package charts_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// manager is the name that Argo CD applies by.
const manager = "argocd-controller"

// inGit is a gateway as a team may write it: with little, and lists of which parts are left out.
const inGit = `apiVersion: istio.alibabacloud.com/v1beta1
kind: IstioGateway
metadata: {name: edge, namespace: istio-system, labels: {team: edge}}
spec:
  clusterIds: [c1]
  minReplicas: 2
  maxReplicas: 4
  cpu: {targetAverageUtilization: 80}
  ports: [{port: 80}, {name: https, port: 443, targetPort: 8443}]
  compression: {enabled: true, gzip: {}}
`

// One life of what a tool applies from Git: each of its stages is what the one before left.
var _ = Describe("What a tool applies from Git on the server's side", Ordered, func() {
	var chartInGit, whole string
	gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "edge"}}

	BeforeAll(func(ctx context.Context) {
		_, err := helm(ctx, "uninstall", release)
		Expect(err).NotTo(HaveOccurred())
		whole, err = helm(ctx, append([]string{"template", release, chart, "--set", "hooks=false"}, values()...)...)
		Expect(err).NotTo(HaveOccurred())
		chartInGit = file("chart.yaml", whole)
		DeferCleanup(func(ctx context.Context) {
			_, err := kubectl(ctx, "delete", "--ignore-not-found", "-f", file("goes.yaml", withoutKept(whole)))
			Expect(err).NotTo(HaveOccurred())
			Expect(helm(ctx, append([]string{"install", release, chart, "--take-ownership", "--force-conflicts"}, values()...)...)).To(ContainSubstring("STATUS: deployed"))
		})
	})

	It("installs the chart", func(ctx context.Context) {
		Expect(applied(ctx, chartInGit)).To(ContainSubstring("deployment.apps/portcullis-webhook serverside-applied"))
		run(ctx, "webhook", "--bind-address=127.0.0.1", "--port="+strconv.Itoa(port))
		Expect(trusted(ctx)).To(BeTrue())
		Expect(diff(ctx, chartInGit)).To(BeEmpty())
		before, err := versions(ctx, chartInGit)
		Expect(err).NotTo(HaveOccurred())
		Expect(applied(ctx, chartInGit)).To(ContainSubstring("serverside-applied"))
		Expect(versions(ctx, chartInGit)).To(Equal(before))
		Expect(trusted(ctx)).To(BeTrue(), "the CA is gone that the webhook wrote")
	})

	It("makes a gateway, and is done with it", func(ctx context.Context) {
		run(ctx, "webhook", "--bind-address=127.0.0.1", "--port="+strconv.Itoa(port))
		run(ctx, "controller")
		path := file("edge.yaml", inGit)
		Eventually(func() (string, error) { return applied(ctx, path) }).Should(ContainSubstring("edge serverside-applied"))
		DeferCleanup(func(ctx context.Context) {
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
			Expect(admin.Create(ctx, approvalBetween(ctx, gw, nil))).To(Succeed())
			_, config, err := plane.KubeconfigFor("ann", "system:masters")
			Expect(err).NotTo(HaveOccurred())
			Expect(clientFor(config).Delete(ctx, gw)).To(Succeed())
			Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
		})
		Eventually(func(g Gomega) {
			g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
			g.Expect(meta.IsStatusConditionTrue(gw.Status.Conditions, v1beta1.ConditionReady)).To(BeTrue(), "%v", gw.Status.Conditions)
		}).Should(Succeed())
		Expect(gw.Spec.Ports[0].Name).NotTo(BeEmpty(), "nothing was filled in")
		Expect(diff(ctx, path)).To(BeEmpty())
		generation := gw.Generation
		Expect(applied(ctx, path)).To(ContainSubstring("edge serverside-applied"))
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
		Expect(gw.Generation).To(Equal(generation))
		Expect(fieldsOf(gw, manager, metav1.ManagedFieldsOperationApply)).To(SatisfyAll(
			ContainSubstring(`"f:minReplicas"`), ContainSubstring(`"f:ports"`), Not(ContainSubstring(`"f:replicaCount"`)), Not(ContainSubstring(gateway.AnnotationAdmitted))))
		for _, entry := range gw.ManagedFields {
			if entry.Manager != manager {
				Expect(entry.FieldsV1.GetRawString()).NotTo(ContainSubstring(`"f:spec"`), "%s took a field of the spec", entry.Manager)
			}
		}
		Expect(differsInTheOldWay(ctx, gw, inGit)).To(Equal([]string{"ports"}), "docs/gitops.md names what does")
	})
})

// differsInTheOldWay are the fields of a gateway's spec that a tool would write again which compares on the client's side,
// by what it applied last.
func differsInTheOldWay(ctx context.Context, gw *v1beta1.IstioGateway, text string) []string {
	GinkgoHelper()
	wanted, err := yaml.YAMLToJSON([]byte(text))
	Expect(err).NotTo(HaveOccurred())
	live, err := kubectl(ctx, "get", "istiogateway", gw.Name, "--namespace", gw.Namespace, "-o", "json")
	Expect(err).NotTo(HaveOccurred())
	patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(wanted, wanted, []byte(live))
	Expect(err).NotTo(HaveOccurred())
	var out struct{ Spec map[string]any }
	Expect(yaml.Unmarshal(patch, &out)).To(Succeed())
	var names []string
	for name := range out.Spec {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// fieldsOf are the fields that a manager owns by an operation, as the API server writes them.
func fieldsOf(object client.Object, manager string, operation metav1.ManagedFieldsOperationType) string {
	for _, entry := range object.GetManagedFields() {
		if entry.Manager == manager && entry.Operation == operation {
			return entry.FieldsV1.GetRawString()
		}
	}
	return ""
}

// trusted says whether the API server has the CA by which it knows the webhook.
func trusted(ctx context.Context) (bool, error) {
	configuration := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	err := admin.Get(ctx, client.ObjectKey{Name: release}, configuration)
	for _, webhook := range configuration.Webhooks {
		if len(webhook.ClientConfig.CABundle) == 0 {
			return false, err
		}
	}
	return len(configuration.Webhooks) > 0, err
}

// applied applies a file as Argo CD does, and returns what kubectl says.
func applied(ctx context.Context, path string) (string, error) {
	return kubectl(ctx, "apply", "--server-side", "--field-manager="+manager, "--force-conflicts", "-f", path)
}

// diff is what an apply would change.
func diff(ctx context.Context, path string) (string, error) {
	return kubectl(ctx, "diff", "--server-side", "--field-manager="+manager, "--force-conflicts", "-f", path)
}

// versions are the resource versions of the objects in a file, but of those whose status somebody keeps writing.
func versions(ctx context.Context, path string) (string, error) {
	out, err := kubectl(ctx, "get", "-f", path, "-o", `jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{"\n"}{end}`)
	lines := slices.DeleteFunc(strings.Split(out, "\n"), func(line string) bool {
		return strings.HasPrefix(line, "Deployment/") || strings.HasPrefix(line, "PodDisruptionBudget/")
	})
	return strings.Join(lines, "\n"), err
}

// withoutKept are the objects of a manifest that do not outlive the release.
func withoutKept(manifest string) string {
	documents := slices.DeleteFunc(strings.Split(manifest, "\n---\n"), func(document string) bool {
		return strings.Contains(document, "helm.sh/resource-policy: keep")
	})
	return strings.Join(documents, "\n---\n")
}

// file writes a file, and returns its path.
func file(name, text string) string {
	GinkgoHelper()
	path := filepath.Join(plane.Dir, name)
	Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
	return path
}

// kubectl runs kubectl as administrator in the release's namespace, and returns what it says.
func kubectl(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, plane.Kubectl, append([]string{"--kubeconfig", plane.Kubeconfig}, args...)...).CombinedOutput()
	return string(out), err
}
