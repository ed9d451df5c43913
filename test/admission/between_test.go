package admission_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// somebodyElse is a mutating webhook of another vendor, which patches gateways that carry a label. It comes after the
// guard, by name, and once for each request.
func somebodyElse(ctx context.Context, patch string) *atomic.Int32 {
	GinkgoHelper()
	asked := &atomic.Int32{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		asked.Add(1)
		review := &admissionv1.AdmissionReview{}
		if err := json.NewDecoder(in.Body).Decode(review); err != nil {
			http.Error(out, err.Error(), http.StatusBadRequest)
			return
		}
		review.Response = &admissionv1.AdmissionResponse{
			UID: review.Request.UID, Allowed: true, Patch: []byte(patch), PatchType: new(admissionv1.PatchTypeJSONPatch),
		}
		review.Request = nil
		out.Header().Set("Content-Type", "application/json")
		// The API server reports an answer that it cannot read.
		_ = json.NewEncoder(out).Encode(review)
	}))
	DeferCleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "somebody-else"},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name:         "mutate.somebody-else.example.com",
			ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: new(server.URL), CABundle: ca},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
				Rule: admissionregistrationv1.Rule{
					APIGroups: []string{"istio.alibabacloud.com"}, APIVersions: []string{"v1beta1"}, Resources: []string{"istiogateways"},
				},
			}},
			ObjectSelector:          &metav1.LabelSelector{MatchLabels: map[string]string{"somebody": "else"}},
			SideEffects:             new(admissionregistrationv1.SideEffectClassNone),
			AdmissionReviewVersions: []string{"v1"},
		}},
	}
	Expect(admin.Create(ctx, configuration)).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, configuration)).To(Succeed()) })
	// API servers learn of webhooks a moment after they are stored.
	Eventually(ctx, func() int32 {
		_ = admin.Create(ctx, parse(with(`labels: {somebody: else}`, `{clusterIds: [c8a4b2xxxxxx], ports: [{port: 8080}]}`)), client.DryRunAll)
		return asked.Load()
	}).Should(BeNumerically(">", 0))
	return asked
}

var _ = Describe("With a webhook of somebody else after the guard", Serial, func() {
	const mine = `{clusterIds: [c8a4b2xxxxxx], ports: [{port: 8080}]}`

	It("what that one adds is filled in too, in its place, and nothing else changes again", func(ctx context.Context) {
		asked := somebodyElse(ctx, `[{"op":"add","path":"/spec/ports/0","value":{"port":80}},{"op":"add","path":"/spec/tolerations","value":[{"key":"theirs","operator":"Exists"}]}]`)
		before := asked.Load()
		gateway := expectCreated(ctx, with(`labels: {somebody: else}`, mine))
		Expect(asked.Load()-before).To(Equal(int32(1)), "the guard alone asks to be asked again")
		Expect(specOf(gateway)["ports"]).To(Equal([]any{
			map[string]any{"name": "tcp-80", "port": int64(80), "protocol": "TCP", "targetPort": int64(80)},
			map[string]any{"name": "tcp-8080", "port": int64(8080), "protocol": "TCP", "targetPort": int64(8080)},
		}))
		Expect(specOf(gateway)["tolerations"]).To(Equal([]any{map[string]any{"key": "theirs", "operator": "Exists"}}))
		Expect(admin.Update(ctx, gateway)).To(Succeed())
		Expect(gateway.GetGeneration()).To(Equal(int64(1)))
	})

	It("what that one takes away of the defaults comes back", func(ctx context.Context) {
		somebodyElse(ctx, `[{"op":"remove","path":"/spec/replicaCount"},{"op":"remove","path":"/spec/resources"}]`)
		gateway := expectCreated(ctx, with(`labels: {somebody: else}`, mine))
		Expect(specOf(gateway)).To(HaveKeyWithValue("replicaCount", int64(1)))
		Expect(specOf(gateway)).To(HaveKey("resources"))
	})

	It("what that one makes a sin is refused", func(ctx context.Context) {
		somebodyElse(ctx, `[{"op":"replace","path":"/spec/ports/0/targetPort","value":15001}]`)
		Expect(sentence(create(ctx, with(`labels: {somebody: else}`, mine)))).To(Equal(
			`ports: spec.ports[0].targetPort: must be free for traffic, is 15001, which istio-proxy keeps to itself (choose another target port)`))
	})
})
