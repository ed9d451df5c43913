package env_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"portcullis.dev/portcullis/test/env"
)

var _ = Describe("the webhook configurations", func() {
	It("send each question to its own path of the server", func() {
		mutating, validating, err := env.Webhooks("https://localhost:9443", []byte("ca"))
		Expect(err).NotTo(HaveOccurred())
		Expect(mutating.Webhooks[0].ClientConfig).To(Equal(admissionregistrationv1.WebhookClientConfig{
			URL: new("https://localhost:9443/mutate"), CABundle: []byte("ca"),
		}))
		Expect(validating.Webhooks[0].ClientConfig).To(Equal(admissionregistrationv1.WebhookClientConfig{
			URL: new("https://localhost:9443/validate"), CABundle: []byte("ca"),
		}))
		Expect(*mutating.Webhooks[1].ClientConfig.URL).To(Equal("https://localhost:9443/mutate-approval"))
		Expect(*validating.Webhooks[1].ClientConfig.URL).To(Equal("https://localhost:9443/validate-policy"))
		Expect(*validating.Webhooks[2].ClientConfig.URL).To(Equal("https://localhost:9443/validate-approval"))
	})

	It("leave the CA to the server when there is none yet", func() {
		mutating, validating, err := env.Webhooks("https://localhost:9443", nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(mutating.Webhooks[0].ClientConfig.CABundle).To(BeNil())
		Expect(validating.Webhooks[0].ClientConfig.CABundle).To(BeNil())
	})

	It("ask about nothing but our own kinds, so that a dead webhook locks nothing else", func() {
		mutating, validating, err := env.Webhooks("https://localhost:9443", nil)
		Expect(err).NotTo(HaveOccurred())
		gateways := func(operations ...admissionregistrationv1.OperationType) []admissionregistrationv1.RuleWithOperations {
			return []admissionregistrationv1.RuleWithOperations{{
				Operations: operations,
				Rule: admissionregistrationv1.Rule{
					APIGroups:   []string{"istio.alibabacloud.com"},
					APIVersions: []string{"v1beta1"},
					Resources:   []string{"istiogateways"},
					Scope:       new(admissionregistrationv1.NamespacedScope),
				},
			}}
		}
		approvals := gateways(admissionregistrationv1.Create)
		approvals[0].APIGroups, approvals[0].APIVersions = []string{"portcullis.dev"}, []string{"v1alpha1"}
		approvals[0].Resources = []string{"changeapprovals"}
		Expect(mutating.Webhooks).To(HaveLen(2))
		Expect(mutating.Webhooks[1].Rules).To(Equal(approvals))
		Expect(mutating.Webhooks[0].Rules).To(Equal(gateways(admissionregistrationv1.Create, admissionregistrationv1.Update)))
		for _, webhook := range validating.Webhooks[1:] {
			for _, rule := range webhook.Rules {
				Expect(rule.APIGroups).To(Equal([]string{"portcullis.dev"}))
				Expect(rule.APIVersions).To(Equal([]string{"v1alpha1"}))
			}
		}
		Expect(validating.Webhooks[0].Rules).To(Equal(gateways(admissionregistrationv1.Create, admissionregistrationv1.Update, admissionregistrationv1.Delete)))
	})

	It("ask nothing when a policy is deleted, so that a bad one can always go", func() {
		_, validating, err := env.Webhooks("https://localhost:9443", nil)
		Expect(err).NotTo(HaveOccurred())
		for _, webhook := range validating.Webhooks {
			for _, rule := range webhook.Rules {
				if rule.Resources[0] == "gatewaypolicies" {
					Expect(rule.Operations).To(ConsistOf(admissionregistrationv1.Create, admissionregistrationv1.Update))
				}
			}
		}
	})
})
