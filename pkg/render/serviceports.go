package render

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

// transport says what a port's protocol is on the wire. Kubernetes knows three protocols; Istio's own names
// are those of what runs on top.
func transport(protocol corev1.Protocol) (corev1.Protocol, bool) {
	switch strings.ToUpper(string(protocol)) {
	case "TCP", "HTTP", "HTTPS", "HTTP2", "GRPC", "GRPC-WEB", "TLS", "MONGO", "MYSQL", "REDIS":
		return corev1.ProtocolTCP, true
	case "UDP", "QUIC", "HTTP3":
		return corev1.ProtocolUDP, true
	case "SCTP":
		return corev1.ProtocolSCTP, true
	default:
		return "", false
	}
}

// applicationProtocol is what runs on top of a port's transport, as Istio reads it from appProtocol; empty
// when the protocol does not say, or says what appProtocol has no name for (QUIC, HTTP3).
func applicationProtocol(protocol corev1.Protocol) string {
	switch name := strings.ToLower(string(protocol)); name {
	case "http", "https", "http2", "grpc", "grpc-web", "tls", "mongo", "mysql", "redis":
		return name
	default:
		return ""
	}
}

// servicePorts are the ports of the Service, in the gateway's order. Names are unique already: gateway.Place
// sees to that, so that every cluster and every version of a gateway has the same ones.
func servicePorts(p gateway.Placed) ([]*corev1ac.ServicePortApplyConfiguration, error) {
	out := make([]*corev1ac.ServicePortApplyConfiguration, 0, len(p.Spec.Ports))
	// By what the API server holds unique, with the place of the first for the sentence.
	taken := map[string]int{}
	for i, port := range p.Spec.Ports {
		protocol, known := transport(port.Protocol)
		if !known {
			return nil, fmt.Errorf("spec.ports[%d].protocol must be TCP, UDP, SCTP or one of Istio's (HTTP, HTTPS, HTTP2, GRPC, GRPC-Web, TLS, MONGO, MYSQL, REDIS, QUIC, HTTP3), is %q", i, port.Protocol)
		}
		// HTTP and TCP on one port are two entries in the gateway and one in the Service.
		key := fmt.Sprintf("%d over %s", port.Port, protocol)
		if first, ok := taken[key]; ok {
			return nil, fmt.Errorf("spec.ports[%d].port must be free, is %s like that of spec.ports[%d]", i, key, first)
		}
		taken[key] = i
		out = append(out, servicePort(p, port, protocol))
	}
	return out, nil
}

// servicePort is one port of the Service. Its node port is the cluster's to choose and keep unless the user
// asks for one.
func servicePort(p gateway.Placed, port corev1.ServicePort, protocol corev1.Protocol) *corev1ac.ServicePortApplyConfiguration {
	out := corev1ac.ServicePort().
		WithName(port.Name).
		WithProtocol(protocol).
		WithPort(port.Port).
		WithTargetPort(port.TargetPort)
	if name := applicationProtocol(port.Protocol); name != "" {
		out.WithAppProtocol(name)
	}
	// What the user says of the application wins over what the protocol implies.
	if port.AppProtocol != nil {
		out.WithAppProtocol(*port.AppProtocol)
	}
	if port.NodePort != 0 && valueOf(p.Spec.ServiceType) != corev1.ServiceTypeClusterIP {
		out.WithNodePort(port.NodePort)
	}
	return out
}
