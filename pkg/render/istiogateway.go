package render

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"portcullis.dev/portcullis/pkg/gateway"
)

// proxyPorts are the proxy's own, which no Gateway may listen on.
var proxyPorts = [...]int32{15020, 15021, 15090}

// istioGateway opens the gateway's ports to the mesh's routing; nil unless autoCreateGatewayYaml asks for it, and while
// there is no port to open. It bears the gateway's own name, by which VirtualServices refer to it.
func istioGateway(p gateway.Placed) *Custom {
	if !valueOf(p.Spec.AutoCreateGatewayYaml) {
		return nil
	}
	var servers []any
	for _, port := range p.Spec.Ports {
		if transport, known := transport(port.Protocol); known && transport == corev1.ProtocolTCP && !slices.Contains(proxyPorts[:], port.Port) {
			servers = append(servers, server(p, port))
		}
	}
	if len(servers) == 0 {
		return nil
	}
	out := custom(p, schema.GroupVersionKind{Group: "networking.istio.io", Version: "v1", Kind: "Gateway"}, map[string]any{
		"selector": selector(p),
		"servers":  servers,
	})
	out.Metadata.Name = p.Name
	return out
}

// server listens on a port for every host. TLS goes through as it is, unless the gateway has a certificate of its own: then
// it ends here, for the hosts of that.
func server(p gateway.Placed, port corev1.ServicePort) map[string]any {
	protocol, hosts := routed(port), []string{"*"}
	var tls map[string]any
	switch {
	case protocol != "TLS":
	case certificate(p) != nil:
		hosts = tlsHosts(p)
		if application(port) == "https" {
			protocol = "HTTPS"
		}
		tls = map[string]any{"mode": "SIMPLE", "credentialName": tlsSecret(p)}
	default:
		tls = map[string]any{"mode": "PASSTHROUGH"}
	}
	out := map[string]any{
		"port":  map[string]any{"number": port.Port, "name": port.Name, "protocol": protocol},
		"hosts": hosts,
	}
	if tls != nil {
		out["tls"] = tls
	}
	return out
}

// application is the protocol of the application behind a port: what the gateway says of it, or the name of the port in
// Istio's convention (https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/).
func application(port corev1.ServicePort) string {
	said := applicationProtocol(port.Protocol)
	if port.AppProtocol != nil {
		said = strings.ToLower(*port.AppProtocol)
	}
	if said == "" {
		said, _, _ = strings.Cut(port.Name, "-")
	}
	return said
}

// routed is what Istio routes a port by; plain TCP where nothing is said.
func routed(port corev1.ServicePort) string {
	switch application(port) {
	case "http":
		return "HTTP"
	case "http2":
		return "HTTP2"
	case "grpc", "grpc-web":
		return "GRPC"
	case "https", "tls":
		return "TLS"
	case "mongo":
		return "MONGO"
	default:
		return "TCP"
	}
}
