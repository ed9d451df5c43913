package charts_test

import (
	"bytes"
	"context"
	"errors"
	"io"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// restricted is a namespace that takes no pod which could hurt its node.
const restricted = "restricted"

var _ = Describe("In a namespace that enforces Pod Security restricted", func() {
	BeforeEach(func(ctx context.Context) {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: restricted, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}}
		Expect(client.IgnoreAlreadyExists(admin.Create(ctx, namespace))).To(Succeed())
		// The controller that gives every namespace its ServiceAccount may not have come by yet.
		Eventually(admin.Get).WithArguments(ctx, client.ObjectKey{Namespace: restricted, Name: "default"}, &corev1.ServiceAccount{}).Should(Succeed())
	})

	It("a pod that could hurt its node is refused", func(ctx context.Context) {
		pod := podOf(corev1.PodSpec{Containers: []corev1.Container{{Name: "any", Image: "any"}}})
		Expect(admin.Create(ctx, pod, client.DryRunAll)).To(MatchError(ContainSubstring(`violates PodSecurity "restricted`)))
	})

	DescribeTable("every pod of the chart is taken", func(ctx context.Context, values ...string) {
		rendered, err := helm(ctx, append([]string{"template", release, chart}, set(values)...)...)
		Expect(err).NotTo(HaveOccurred())
		templates := templatesIn(rendered)
		Expect(len(templates)).To(BeNumerically(">=", 1))
		for _, spec := range templates {
			Expect(admin.Create(ctx, podOf(spec), client.DryRunAll)).To(Succeed())
		}
	},
		Entry("by default"),
		Entry("with rules from a bundle", "webhook.bundleSecret=bundle"),
		Entry("as pods for an API server elsewhere", "mode=guard-only", "install=pods", "webhook.url=https://guard.example.com", "webhook.kubeconfigSecret=hub"),
	)
})

// podOf is a pod, with the ServiceAccount that every namespace has.
func podOf(spec corev1.PodSpec) *corev1.Pod {
	spec.ServiceAccountName = "default"
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: restricted, GenerateName: "pod-"}, Spec: spec}
}

// templatesIn are the pods of what the chart renders to.
func templatesIn(rendered string) []corev1.PodSpec {
	GinkgoHelper()
	var out []corev1.PodSpec
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewBufferString(rendered), 4096)
	for {
		var object struct {
			Kind string
			Spec struct{ Template corev1.PodTemplateSpec }
		}
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return out
		}
		Expect(err).NotTo(HaveOccurred())
		if object.Kind == "Deployment" || object.Kind == "Job" {
			out = append(out, object.Spec.Template.Spec)
		}
	}
}
