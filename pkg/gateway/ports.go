package gateway

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// fillPorts fills what a port leaves out: its protocol, the port that it leads to, and a name of its own. An
// Istio protocol stays as it is written; only the Service that comes of it speaks TCP.
func fillPorts(ports []corev1.ServicePort) {
	taken := takenNames(ports)
	for i := range ports {
		port := &ports[i]
		if port.Protocol == "" {
			port.Protocol = corev1.ProtocolTCP
		}
		// 0 is what consoles write for none.
		if port.TargetPort == (intstr.IntOrString{}) || port.TargetPort == intstr.FromString("") {
			port.TargetPort = intstr.FromInt32(port.Port)
		}
		if port.Name == "" {
			port.Name = freeName(*port, taken)
		}
	}
}

// takenNames collects the names that are written. A name that an earlier port has counts as none: the API
// server refuses a Service with two ports of one name.
func takenNames(ports []corev1.ServicePort) map[string]bool {
	taken := map[string]bool{}
	for i := range ports {
		if taken[ports[i].Name] {
			ports[i].Name = ""
		}
		taken[ports[i].Name] = true
	}
	return taken
}

// freeName names a port after its protocol and number, and takes that name. It counts no ports, so that one
// keeps its name, and with it its node port, when others come and go.
func freeName(port corev1.ServicePort, taken map[string]bool) string {
	base := fmt.Sprintf("%s-%d", strings.ToLower(string(port.Protocol)), port.Port)
	name := base
	for i := 2; taken[name]; i++ {
		name = fmt.Sprintf("%s-%d", base, i)
	}
	taken[name] = true
	return name
}
