package audit_test

import (
	"context"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// expectReportsServed has the API server serve reports of a version, until the end of the spec. The definition is that of
// the file REPORTS_CRD where it is set, which may be OpenReports' own.
func expectReportsServed(version string) {
	GinkgoHelper()
	file := os.Getenv("REPORTS_CRD")
	if file == "" {
		file = filepath.Join("testdata", "reports.yaml")
	}
	text, err := os.ReadFile(file)
	Expect(err).NotTo(HaveOccurred())
	definition := &apiextensionsv1.CustomResourceDefinition{}
	Expect(yaml.Unmarshal(text, definition)).To(Succeed())
	definition.Spec.Versions[0].Name = version
	options := envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{definition}}
	_, err = envtest.InstallCRDs(plane.Config, options)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx context.Context) {
		Expect(envtest.UninstallCRDs(plane.Config, options)).To(Succeed())
		// It goes when its objects are gone, and until then no other one comes.
		Eventually(func() bool {
			return apierrors.IsNotFound(admin.Get(ctx, client.ObjectKeyFromObject(definition), definition))
		}).Should(BeTrue())
	})
}

// reportOf reads the report of a gateway.
func reportOf(ctx context.Context, gw *v1beta1.IstioGateway) (*unstructured.Unstructured, error) {
	out := &unstructured.Unstructured{}
	out.SetGroupVersionKind(schema.GroupVersionKind{Group: "openreports.io", Version: "v1alpha1", Kind: "Report"})
	return out, admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "portcullis-" + gw.Name}, out)
}

// failing is how many results of a gateway's report failed.
func failing(ctx context.Context, gw *v1beta1.IstioGateway) int64 {
	report, err := reportOf(ctx, gw)
	if err != nil {
		return -1
	}
	fails, _, _ := unstructured.NestedInt64(report.Object, "summary", "fail")
	return fails
}

var _ = Describe("Reports", Ordered, func() {
	When("OpenReports is installed", func() {
		It("has one for each gateway, and brings it up to date in place", func(ctx context.Context) {
			expectReportsServed("v1alpha1")
			restart("1s")
			DeferCleanup(func() { restart("10m") })
			gw := expectStored(ctx, gatewayOf("reported", `{clusterIds: [local, nowhere]}`))
			Eventually(failing).WithArguments(ctx, gw).Should(Equal(int64(1)))
			first, err := reportOf(ctx, gw)
			Expect(err).NotTo(HaveOccurred())
			Expect(first.GetOwnerReferences()).To(ConsistOf(HaveField("UID", gw.UID)))
			results, _, err := unstructured.NestedSlice(first.Object, "results")
			Expect(err).NotTo(HaveOccurred())
			Expect(results).To(HaveLen(1))
			Expect(results[0]).To(And(HaveKeyWithValue("policy", "cluster_ids"), HaveKeyWithValue("result", "fail"),
				HaveKeyWithValue("message", HavePrefix("cluster_ids: spec.clusterIds[1]: must be the ID of a registered cluster, is nowhere"))))
			// Nothing changes, and nothing is written, though it is audited every second.
			before := writes()
			Consistently(writes).Should(Equal(before))
			policy := expectPolicy(ctx)
			Eventually(failing).WithArguments(ctx, gw).Should(Equal(int64(2)))
			second, err := reportOf(ctx, gw)
			Expect(err).NotTo(HaveOccurred())
			Expect(second.GetUID()).To(Equal(first.GetUID()))
			Expect(admin.Delete(ctx, policy)).To(Succeed())
			Eventually(failing).WithArguments(ctx, gw).Should(Equal(int64(1)))
			restart("0s")
			Eventually(failing).WithArguments(ctx, gw).Should(Equal(int64(-1)))
		})
	})

	When("OpenReports is of another version", func() {
		It("audits without, and says so once", func(ctx context.Context) {
			expectReportsServed("v1beta1")
			restart("1s")
			DeferCleanup(func() { restart("10m") })
			gw := expectStored(ctx, gatewayOf("unreported", `{clusterIds: [local]}`))
			Eventually(compliant).WithArguments(ctx, gw).Should(Equal(fine))
			said := func() int { return len(lines(string(running.session.Err.Contents()), "Wrote no reports")) }
			Eventually(said).Should(Equal(1))
			Consistently(said).Should(Equal(1))
			Eventually(running.scraped).Should(MatchRegexp(`(?m)^portcullis_audit_failures_total [1-9]`))
		})
	})

	When("OpenReports comes and goes", func() {
		It("goes on in between", func(ctx context.Context) {
			restart("1s")
			DeferCleanup(func() { restart("10m") })
			gw := expectStored(ctx, gatewayOf("coming", `{clusterIds: [local, nowhere]}`))
			Eventually(compliant).WithArguments(ctx, gw).Should(HavePrefix("False"))
			expectReportsServed("v1alpha1")
			Eventually(failing).WithArguments(ctx, gw).Should(Equal(int64(1)))
		})
	})
})
