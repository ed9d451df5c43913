package reconcile_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/reconcile"
)

// warned gathers what an API server warns of.
type warned struct {
	mu       sync.Mutex
	messages []string
}

// HandleWarningHeader keeps one warning.
func (w *warned) HandleWarningHeader(_ int, _, message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.messages = append(w.messages, message)
}

// documents are the objects of a file.
func documents(path string) []*unstructured.Unstructured {
	GinkgoHelper()
	content, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	var out []*unstructured.Unstructured
	for document := range strings.SplitSeq(string(content), "\n---\n") {
		object := &unstructured.Unstructured{}
		Expect(yaml.UnmarshalStrict([]byte(document), &object.Object)).To(Succeed())
		out = append(out, object)
	}
	return out
}

var _ = Describe("A rendered object", func() {
	goldens, err := filepath.Glob("../../pkg/render/testdata/*.out.yaml")

	It("is in a golden", func() {
		Expect(err).NotTo(HaveOccurred())
		Expect(len(goldens)).To(BeNumerically(">", 20))
	})

	for _, golden := range goldens {
		It("is one that the API server takes, without a warning: "+strings.TrimSuffix(filepath.Base(golden), ".out.yaml"), func(ctx context.Context) {
			warnings := &warned{}
			config := rest.CopyConfig(plane.Config)
			config.WarningHandler = warnings
			server, err := client.New(config, client.Options{Scheme: admin.Scheme()})
			Expect(err).NotTo(HaveOccurred())
			objects := documents(golden)
			Expect(objects).NotTo(BeEmpty())
			for _, object := range objects {
				Expect(object.GetNamespace()).To(Equal(namespace))
				Expect(server.Apply(ctx, client.ApplyConfigurationFromUnstructured(object),
					client.FieldOwner(reconcile.FieldOwner), client.ForceOwnership, client.DryRunAll)).To(Succeed(), object.GetKind())
			}
			Expect(warnings.messages).To(BeEmpty())
		})
	}
})
