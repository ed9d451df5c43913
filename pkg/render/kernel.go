package render

import (
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// kernelParameters are the parameters that a pod can set: those that the kernel keeps for each network
// namespace.
//
// Four of the documented 18 are the node's own and are not rendered now: net.core.netdev_max_backlog,
// net.ipv4.tcp_max_orphans, kernel.printk and vm.swappiness. In a pod's sysctls they would keep it from
// starting; they need a privileged init container, which the rule kernel_parameters has yet to allow.
func kernelParameters(parameters *v1beta1.KernelParameters) []*corev1ac.SysctlApplyConfiguration {
	// Which of them a kubelet allows (net.core.somaxconn and others only on request) and which a kernel still
	// has (net.ipv4.tcp_tw_recycle not since 4.12) differs by cluster: admission knows the cluster's facts and
	// says so; what it let in is rendered.
	var out []*corev1ac.SysctlApplyConfiguration
	for _, sysctl := range []struct {
		name  string
		value *string
	}{
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
