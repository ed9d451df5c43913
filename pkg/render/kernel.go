package render

import (
	"strings"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// initContainerName names the container that sets what is the whole node's.
const initContainerName = "node-kernel-parameters"

// parameter is a kernel parameter that may be asked for.
type parameter struct {
	name  string
	value *string
}

// kernelParameters are the parameters that a pod can set: those that the kernel keeps for each network
// namespace.
func kernelParameters(parameters *v1beta1.KernelParameters) []*corev1ac.SysctlApplyConfiguration {
	// Which of them a kubelet allows (net.core.somaxconn and others only on request) and which a kernel still
	// has (net.ipv4.tcp_tw_recycle not since 4.12) differs by cluster: admission knows the cluster's facts and
	// says so; what it let in is rendered.
	var out []*corev1ac.SysctlApplyConfiguration
	for _, sysctl := range []parameter{
		{"net.core.somaxconn", parameters.SoMaxConn},
		{"net.ipv4.ip_local_port_range", parameters.IPLocalPortRange},
		{"net.ipv4.tcp_autocorking", parameters.TCPAutocorking},
		{"net.ipv4.tcp_fin_timeout", parameters.TCPFinTimeout},
		{"net.ipv4.tcp_max_syn_backlog", parameters.TCPMaxSynBacklog},
		{"net.ipv4.tcp_no_metrics_save", parameters.TCPNoMetricsSave},
		{"net.ipv4.tcp_retries2", parameters.TCPRetries2},
		{"net.ipv4.tcp_rmem", parameters.TCPRmem},
		{"net.ipv4.tcp_slow_start_after_idle", parameters.TCPSlowStartAfterIdle},
		{"net.ipv4.tcp_timestamps", parameters.TCPTimestamps},
		{"net.ipv4.tcp_tw_recycle", parameters.TCPTwRecycle},
		{"net.ipv4.tcp_tw_reuse", parameters.TCPTwReuse},
		{"net.ipv4.tcp_tw_timeout", parameters.TCPTwTimeout},
		{"net.ipv4.tcp_wmem", parameters.TCPWmem},
	} {
		if sysctl.value != nil {
			out = append(out, corev1ac.Sysctl().WithName(sysctl.name).WithValue(*sysctl.value))
		}
	}
	return out
}

// nodeParameters are the parameters of the whole node that an init container can set: those of its network only where the
// pod is on it, because the kernel does not show them to any other.
func nodeParameters(p gateway.Placed) []parameter {
	kernel := p.Spec.Kernel
	if kernel == nil || !valueOf(kernel.Enabled) || kernel.Parameters == nil || !p.Mesh.PrivilegedInit {
		return nil
	}
	var out []parameter
	for _, sysctl := range []parameter{
		{"kernel.printk", kernel.Parameters.Printk},
		{"net.core.netdev_max_backlog", kernel.Parameters.NetdevMaxBacklog},
		{"net.ipv4.tcp_max_orphans", kernel.Parameters.TCPMaxOrphans},
		{"vm.swappiness", kernel.Parameters.Swappiness},
	} {
		if sysctl.value != nil && (valueOf(p.Spec.HostNetwork) || !strings.HasPrefix(sysctl.name, "net.")) {
			out = append(out, sysctl)
		}
	}
	return out
}

// initContainers set what of a gateway's kernel parameters is the whole node's; none where none is asked for, or where the
// mesh profile allows no privileged init container.
func initContainers(p gateway.Placed) []*corev1ac.ContainerApplyConfiguration {
	parameters := nodeParameters(p)
	if len(parameters) == 0 {
		return nil
	}
	// No shell: a value is one word, whatever is in it.
	command := []string{"sysctl", "-w"}
	for _, parameter := range parameters {
		command = append(command, parameter.name+"="+*parameter.value)
	}
	return []*corev1ac.ContainerApplyConfiguration{corev1ac.Container().
		WithName(initContainerName).
		WithImage(p.Mesh.ProxyImage).
		WithCommand(command...).
		// It ends before the proxy starts, and takes no more of the node than the pod has anyway.
		WithResources(resources(p)).
		WithSecurityContext(corev1ac.SecurityContext().
			WithPrivileged(true).
			WithReadOnlyRootFilesystem(true).
			WithRunAsUser(0).WithRunAsGroup(0).WithRunAsNonRoot(false))}
}
