package render

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

// containerName is the name by which istioctl, the injector and its analyzers know a proxy.
const containerName = "istio-proxy"

// The ports on which every proxy serves what is not traffic.
const (
	// portMetrics serves the metrics of agent and Envoy as one page.
	portMetrics = 15020
	// portStatus answers whether the proxy is ready.
	portStatus = 15021
	// portEnvoyMetrics serves Envoy's metrics alone, for scrapers that look for the port by its name.
	portEnvoyMetrics = 15090
)

// imageAuto stands for the image that the injector brings.
const imageAuto = "auto"

// container is the proxy, without what is mounted into it.
func container(p gateway.Placed, drain int64) (*corev1ac.ContainerApplyConfiguration, error) {
	env, err := environment(p, drain)
	if err != nil {
		return nil, err
	}
	lifecycle, err := convert[corev1ac.LifecycleApplyConfiguration](p.Spec.Lifecycle)
	if err != nil {
		return nil, err
	}
	out := corev1ac.Container().
		WithName(containerName).
		WithPorts(containerPorts(p)...).
		WithEnv(env...).
		WithResources(resources(p)).
		WithSecurityContext(securityContext(p))
	// The user's hooks, or none: how long draining takes is the agent's business, not a hook's.
	out.Lifecycle = lifecycle
	if !p.Mesh.Injection {
		return out.
			WithImage(p.Mesh.ProxyImage).
			WithArgs(arguments(p)...).
			WithReadinessProbe(readinessProbe(p)).
			WithStartupProbe(startupProbe()), nil
	}
	out.WithImage(imageAuto)
	// The injector has a probe of its own, over which it lays the user's.
	if p.Spec.ReadinessProbe != nil {
		out.WithReadinessProbe(readinessProbe(p))
	}
	return out, nil
}

// arguments start the proxy. Each flag is one token: another spelling would restart every gateway.
func arguments(p gateway.Placed) []string {
	return []string{
		"proxy", "router",
		"--domain=$(POD_NAMESPACE).svc." + p.Mesh.ClusterDomain,
		"--proxyLogLevel=warning",
		"--proxyComponentLogLevel=misc:error",
		"--log_output_level=default:info",
	}
}

// containerPorts are the ports that the pod template names. They open nothing and close nothing; they are
// there for people and for scrapers, so a port that is left out costs nothing and one that is named costs a
// restart whenever it changes.
func containerPorts(p gateway.Placed) []*corev1ac.ContainerPortApplyConfiguration {
	if p.Mesh.Injection {
		return injectedPorts(p)
	}
	var out []*corev1ac.ContainerPortApplyConfiguration
	// Before 1.16 the two agent ports were not named, and naming them would restart gateways of such a mesh.
	if gateway.PortsOutsidePodTemplate.In(p.Mesh.Version) {
		out = append(out, containerPort(portMetrics).WithName("metrics"), containerPort(portStatus).WithName("status-port"))
	}
	out = append(out, containerPort(portEnvoyMetrics).WithName("http-envoy-prom"))
	if exposesPorts(p) {
		out = appendTargets(out, p.Spec.Ports)
	}
	return out
}

// injectedPorts are the ports that the injector does not name itself.
func injectedPorts(p gateway.Placed) []*corev1ac.ContainerPortApplyConfiguration {
	if !exposesPorts(p) {
		return nil
	}
	return appendTargets(nil, p.Spec.Ports)
}

// exposesPorts says whether the Service's ports are named in the pod template.
func exposesPorts(p gateway.Placed) bool {
	if p.Spec.DisableContainerPortExposed != nil {
		return !*p.Spec.DisableContainerPortExposed
	}
	return !gateway.PortsOutsidePodTemplate.In(p.Mesh.Version)
}

// appendTargets appends what the Service's ports lead to, each once: two ports may lead to one. A target
// with a name has no number, and leads to a port that is named already.
func appendTargets(out []*corev1ac.ContainerPortApplyConfiguration, ports []corev1.ServicePort) []*corev1ac.ContainerPortApplyConfiguration {
	type target struct {
		port     int32
		protocol corev1.Protocol
	}
	// The proxy's own ports keep their names, even when a Service's port leads to one of them.
	seen := map[target]bool{}
	for _, port := range out {
		seen[target{*port.ContainerPort, *port.Protocol}] = true
	}
	for _, port := range ports {
		// The Service has refused every protocol that is unknown.
		protocol, _ := transport(port.Protocol)
		to := target{port.TargetPort.IntVal, protocol}
		if port.TargetPort.Type == intstr.String || seen[to] {
			continue
		}
		seen[to] = true
		out = append(out, containerPort(to.port).WithProtocol(protocol))
	}
	return out
}

// containerPort is a TCP port of the proxy.
func containerPort(number int32) *corev1ac.ContainerPortApplyConfiguration {
	return corev1ac.ContainerPort().WithContainerPort(number).WithProtocol(corev1.ProtocolTCP)
}
