package admission_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ask sends a body to the guard as the API server would, and returns its answer.
func ask(ctx context.Context, path, body string) *admissionv1.AdmissionResponse {
	GinkgoHelper()
	secret := &corev1.Secret{}
	Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "portcullis-webhook-ca"}, secret)).To(Succeed())
	pool := x509.NewCertPool()
	Expect(pool.AppendCertsFromPEM(secret.Data["ca.crt"])).To(BeTrue())
	asker := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://localhost:"+strconv.Itoa(webhook.port)+path, bytes.NewBufferString(body))
	Expect(err).NotTo(HaveOccurred())
	request.Header.Set("Content-Type", "application/json")
	response, err := asker.Do(request)
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(response.Body.Close()).To(Succeed()) }()
	review := &admissionv1.AdmissionReview{}
	Expect(json.NewDecoder(response.Body).Decode(review)).To(Succeed())
	return review.Response
}

var _ = DescribeTable("The guard refuses what no API server would send,",
	func(ctx context.Context, body, want string) {
		for _, path := range []string{"/mutate", "/validate"} {
			answer := ask(ctx, path, body)
			Expect(answer.Allowed).To(BeFalse())
			Expect(answer.Result.Message).To(ContainSubstring(want))
		}
	},
	Entry("a review without a request", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`, "operation must be"),
	Entry("a review without an object",
		`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE","kind":{"group":"istio.alibabacloud.com","version":"v1beta1","kind":"IstioGateway"}}}`,
		"request.object must hold the IstioGateway on CREATE, is empty"),
	Entry("a review of a kind that is not ours",
		`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE","kind":{"group":"apps","version":"v1","kind":"Deployment"},"object":{}}}`,
		`kind must be IstioGateway of istio.alibabacloud.com, is "Deployment" of "apps"`),
	Entry("what is no review", `{"apiVersion":"v1","kind":"Pod"`, "unexpected end of JSON input"),
	Entry("a body of 8 MiB", `{"apiVersion":"admission.k8s.io/v1","kind":"`+strings.Repeat("x", 8<<20)+`"}`, "request entity is too large; limit is 7340032 bytes"),
)

var _ = Describe("A decision", func() {
	It("says in its audit annotations which rules refused, and of which revision", func(ctx context.Context) {
		object := parse(strings.Replace(gatewayYAML("edge", `{clusterIds: [nowhere]}`), "istio-system", "elsewhere", 1))
		raw, err := json.Marshal(object)
		Expect(err).NotTo(HaveOccurred())
		body, err := json.Marshal(admissionv1.AdmissionReview{
			TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
			Request: &admissionv1.AdmissionRequest{
				UID: "42", Operation: admissionv1.Create, Namespace: "elsewhere", Name: "edge",
				Kind: metav1.GroupVersionKind{Group: "istio.alibabacloud.com", Version: "v1beta1", Kind: "IstioGateway"},
			},
		})
		Expect(err).NotTo(HaveOccurred())
		answer := ask(ctx, "/validate", strings.Replace(string(body), `"object":null`, `"object":`+string(raw), 1))
		Expect(answer.UID).To(BeEquivalentTo("42"))
		Expect(answer.Allowed).To(BeFalse())
		Expect(answer.Result.Code).To(BeEquivalentTo(http.StatusForbidden))
		// Nobody mutated it, so it lacks the guard's stamps too.
		Expect(answer.AuditAnnotations).To(HaveKeyWithValue("denied", "cluster_ids,namespace,stamps"))
		Expect(answer.AuditAnnotations).To(HaveKeyWithValue("revision", Not(BeEmpty())))
	})
})

var _ = Describe("While the guard is down", Serial, func() {
	BeforeEach(func() {
		webhook.stop()
		DeferCleanup(func() { webhook.start("{}") })
	})

	It("lets no gateway in, and holds up nothing else", func(ctx context.Context) {
		err := create(ctx, gatewayYAML("unguarded", `{clusterIds: [c8a4b2xxxxxx]}`))
		Expect(err).To(MatchError(ContainSubstring(`failed calling webhook "mutate.portcullis.dev"`)))
		Expect(create(ctx, `{apiVersion: v1, kind: ConfigMap, metadata: {name: free, namespace: istio-system}}`)).To(Succeed())
	})
})
