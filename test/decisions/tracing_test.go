package decisions_test

import (
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	otlp "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"portcullis.dev/portcullis/pkg/decision"
)

// tracingConfig has the API server trace requests, but send nothing of that anywhere: it is the context that it hands on,
// and an endpoint that is down would keep it from stopping.
func tracingConfig() string {
	GinkgoHelper()
	file := filepath.Join(GinkgoT().TempDir(), "tracing.yaml")
	const text = "apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration\nendpoint: 127.0.0.1:1\nsamplingRatePerMillion: 0\n"
	Expect(os.WriteFile(file, []byte(text), 0o600)).To(Succeed())
	return file
}

// receiver takes spans over OTLP.
type receiver struct {
	*httptest.Server
	mutex sync.Mutex
	spans []*tracev1.Span
}

// newTraces starts one.
func newTraces() *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		sent := &otlp.ExportTraceServiceRequest{}
		if err := errors.Join(err, proto.Unmarshal(body, sent)); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.mutex.Lock()
		defer r.mutex.Unlock()
		for _, from := range sent.GetResourceSpans() {
			for _, scoped := range from.GetScopeSpans() {
				r.spans = append(r.spans, scoped.GetSpans()...)
			}
		}
	}))
	DeferCleanup(r.Close)
	return r
}

// of is the span of a decision, nil while there is none.
func (r *receiver) of(id string) *tracev1.Span {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, span := range r.spans {
		for _, attribute := range span.GetAttributes() {
			if attribute.GetKey() == "portcullis.decision" && attribute.GetValue().GetStringValue() == id {
				return span
			}
		}
	}
	return nil
}

var _ = Describe("A request that the API server traces", func() {
	It("is traced on in the webhook, and its record names the trace", func() {
		kubeconfig, _, err := plane.KubeconfigFor("tess", "system:masters")
		Expect(err).NotTo(HaveOccurred())
		Expect(applied(kubeconfig, edge("traced", ""))).To(ContainSubstring("traced created"))
		var of []decision.Record
		Eventually(func() []decision.Record {
			of = nil
			for _, record := range records() {
				if record.Gateway == "istio-system/traced" {
					of = append(of, record)
				}
			}
			return of
		}).Should(HaveLen(2), "what to fill in, and whether it may go in")
		Expect(of[0].TraceID).NotTo(BeEmpty())
		Expect(of[1].TraceID).To(Equal(of[0].TraceID), "both belong to the request of one kubectl")
		for _, record := range of {
			Eventually(func() *tracev1.Span { return traces.of(record.ID) }).ShouldNot(BeNil())
			span := traces.of(record.ID)
			Expect(span.GetName()).To(Equal("/" + record.Webhook))
			Expect(hex.EncodeToString(span.GetTraceId())).To(Equal(record.TraceID))
			Expect(span.GetParentSpanId()).NotTo(BeEmpty(), "its parent is the API server's")
		}
	})
})
