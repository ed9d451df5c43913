package env

import (
	"bytes"
	_ "embed"
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/yaml"
)

// webhooks is the mutating configuration, then the validating one.
//
//go:embed webhooks.yaml
var webhooks []byte

// Webhooks returns the configurations that send gateways to the server at the base URL, for example
// https://localhost:9443. Without a CA bundle, the server is expected to write one itself.
func Webhooks(baseURL string, caBundle []byte) (*admissionregistrationv1.MutatingWebhookConfiguration, *admissionregistrationv1.ValidatingWebhookConfiguration, error) {
	first, second, _ := bytes.Cut(webhooks, []byte("\n---\n"))
	mutating := &admissionregistrationv1.MutatingWebhookConfiguration{}
	if err := yaml.UnmarshalStrict(first, mutating); err != nil {
		return nil, nil, fmt.Errorf("reading the mutating configuration: %w", err)
	}
	validating := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	if err := yaml.UnmarshalStrict(second, validating); err != nil {
		return nil, nil, fmt.Errorf("reading the validating configuration: %w", err)
	}
	for i := range mutating.Webhooks {
		direct(&mutating.Webhooks[i].ClientConfig, baseURL, caBundle)
	}
	for i := range validating.Webhooks {
		direct(&validating.Webhooks[i].ClientConfig, baseURL, caBundle)
	}
	return mutating, validating, nil
}

// direct sends the calls of one webhook, whose URL is a path so far, to the server.
func direct(config *admissionregistrationv1.WebhookClientConfig, baseURL string, caBundle []byte) {
	config.URL = new(baseURL + *config.URL)
	config.CABundle = caBundle
}
