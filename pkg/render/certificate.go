package render

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"portcullis.dev/portcullis/pkg/gateway"
)

// certificate asks cert-manager for the certificate that the gateway's own Istio Gateway ends TLS with; nil unless the
// gateway names an issuer and hosts. cert-manager keeps its Secret, and renews it.
// https://cert-manager.io/docs/reference/api-docs/#cert-manager.io/v1.CertificateSpec
func certificate(p gateway.Placed) *Custom {
	issuer, hosts := issuer(p), tlsHosts(p)
	if issuer == nil || len(hosts) == 0 {
		return nil
	}
	return custom(p, schema.GroupVersionKind{Group: "cert-manager.io", Version: "v1", Kind: "Certificate"}, map[string]any{
		"secretName": tlsSecret(p),
		"dnsNames":   hosts,
		"issuerRef":  issuer,
	})
}

// issuer is who signs; nil when nobody is named. Of both conventions the Issuer of the gateway's own namespace is the
// nearer one.
func issuer(p gateway.Placed) map[string]any {
	for _, named := range [...]struct{ kind, name string }{
		{"Issuer", p.Annotations[gateway.AnnotationIssuer]},
		{"ClusterIssuer", p.Annotations[gateway.AnnotationClusterIssuer]},
	} {
		if named.name != "" {
			return map[string]any{"group": "cert-manager.io", "kind": named.kind, "name": named.name}
		}
	}
	return nil
}

// tlsHosts are the names that the certificate is for, sorted, each once.
func tlsHosts(p gateway.Placed) []string {
	names := gateway.List(p.Annotations[gateway.AnnotationTLSHosts])
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

// tlsSecret is the Secret that cert-manager keeps the certificate in, beside the pods, where they find it.
func tlsSecret(p gateway.Placed) string {
	return gateway.ObjectName(p.Name) + "-tls"
}
