package page_test

import (
	"context"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("Who looks at the page", func() {
	It("shows whoever may read everything the fleet, the decisions, the clusters and the rules", func(ctx context.Context) {
		status, _, text := asked(http.MethodGet, "", viewer(ctx, "platform", "", everything()...))
		Expect(status).To(Equal(http.StatusOK))
		Expect(text).To(SatisfyAll(
			ContainSubstring("istio-system/edge"), ContainSubstring("elsewhere/hidden"), ContainSubstring("Running"),
			ContainSubstring("Nothing is written. What waits:"),
			ContainSubstring("Deny: namespace: metadata.namespace"),
			ContainSubstring("c2"), ContainSubstring("InvalidKubeconfig"),
			ContainSubstring("soft"), ContainSubstring("restart_approval"),
			ContainSubstring("For system:serviceaccount:istio-system:platform"),
		))
		Expect(text).NotTo(ContainSubstring("You may not"))
	})

	It("shows whoever may read one namespace nothing of another, and no clusters and rules", func(ctx context.Context) {
		token := viewer(ctx, "team", namespace,
			reading("istio.alibabacloud.com", "list", "istiogateways"), reading("istio.alibabacloud.com", "get", "istiogateways/decisions"))
		status, _, text := asked(http.MethodGet, "", token)
		Expect(status).To(Equal(http.StatusOK))
		Expect(text).To(SatisfyAll(ContainSubstring("istio-system/edge"), ContainSubstring("istio-system/misspelt"),
			ContainSubstring("You may not list gatewayclusters"), ContainSubstring("You may not list gatewaypolicies")))
		Expect(text).NotTo(SatisfyAny(ContainSubstring("elsewhere"), ContainSubstring("InvalidKubeconfig"), ContainSubstring("restart_approval")))
	})

	It("shows what was refused without the values of the environment", func(ctx context.Context) {
		refusal := apply(strings.Replace(gateway("edge", namespace, ""), "spec: {", "spec: {env: [{name: TOKEN, value: correct-horse-battery}], ", 1))
		Expect(refusal).To(SatisfyAll(ContainSubstring("restart_approval"), ContainSubstring("correct-horse-battery")), "its author reads what they wrote")
		_, _, text := asked(http.MethodGet, "", viewer(ctx, "curious", "", everything()...))
		Expect(text).To(SatisfyAll(ContainSubstring("Deny: restart_approval: spec.env"), ContainSubstring("***")))
		Expect(text).NotTo(ContainSubstring("correct-horse-battery"))
	})

	It("shows no decision to whoever may read the gateways alone", func(ctx context.Context) {
		status, _, text := asked(http.MethodGet, "", viewer(ctx, "reader", "", reading("istio.alibabacloud.com", "list", "istiogateways")))
		Expect(status).To(Equal(http.StatusOK))
		Expect(text).To(ContainSubstring("istio-system/edge"))
		Expect(text).NotTo(ContainSubstring("misspelt"))
	})

	It("shows nothing of gateways to whoever may read none", func(ctx context.Context) {
		status, _, text := asked(http.MethodGet, "", viewer(ctx, "stranger", ""))
		Expect(status).To(Equal(http.StatusOK))
		Expect(text).NotTo(SatisfyAny(ContainSubstring("edge"), ContainSubstring("elsewhere"), ContainSubstring("c2")))
	})

	DescribeTable("asks for a token where there is", func(token string) {
		status, header, text := asked(http.MethodGet, "", token)
		Expect(status).To(Equal(http.StatusUnauthorized))
		Expect(header.Get("WWW-Authenticate")).To(HavePrefix("Basic realm="))
		Expect(text).NotTo(ContainSubstring("edge"))
	},
		Entry("none", ""),
		Entry("one that the API server does not know", "made-up"),
	)

	It("takes a bearer's token too", func(ctx context.Context) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
		Expect(err).NotTo(HaveOccurred())
		request.Header.Set("Authorization", "Bearer "+viewer(ctx, "bearer", "", everything()...))
		response, err := http.DefaultClient.Do(request)
		Expect(err).NotTo(HaveOccurred())
		Expect(response.Body.Close()).To(Succeed())
		Expect(response.StatusCode).To(Equal(http.StatusOK))
	})

	It("changes nothing, and serves nothing else", func(ctx context.Context) {
		token := viewer(ctx, "writer", "", everything()...)
		status, header, _ := asked(http.MethodPost, "", token)
		Expect(status).To(Equal(http.StatusMethodNotAllowed))
		Expect(header.Get("Allow")).To(Equal("GET, HEAD"))
		status, _, _ = asked(http.MethodGet, "metrics", token)
		Expect(status).To(Equal(http.StatusNotFound))
	})

	It("tells browsers to load nothing, run nothing and keep nothing", func(ctx context.Context) {
		_, header, text := asked(http.MethodGet, "", viewer(ctx, "careful", "", everything()...))
		Expect(header.Get("Content-Security-Policy")).To(HavePrefix("default-src 'none'"))
		Expect(header.Get("Cache-Control")).To(Equal("no-store"))
		Expect(text).NotTo(SatisfyAny(ContainSubstring("<script"), ContainSubstring("<link"), ContainSubstring("http://"), ContainSubstring("url(")))
	})
})
