package v1beta1

// KernelConfiguration is custom kernel tuning of a gateway's pods.
type KernelConfiguration struct {
	// Whether the parameters are applied. Default: false.
	//
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// The parameters, by sysctl name; values are quoted strings.
	//
	// +optional
	Parameters *KernelParameters `json:"parameters,omitempty"`
}

// KernelParameters are the 18 sysctls that ASM documents, and no others.
type KernelParameters struct {
	// Longest queue of connections that wait to be accepted. The kubelet must allow it.
	//
	// +optional
	SoMaxConn *string `json:"net.core.somaxconn,omitempty"`
	// Longest queue of received packets. Node-wide: a pod cannot set it.
	//
	// +optional
	NetdevMaxBacklog *string `json:"net.core.netdev_max_backlog,omitempty"`
	// Smallest, default and largest receive buffer of a TCP socket, in bytes. Kernel 4.15 or later.
	//
	// +optional
	TCPRmem *string `json:"net.ipv4.tcp_rmem,omitempty"`
	// Smallest, default and largest send buffer of a TCP socket, in bytes. Kernel 4.15 or later.
	//
	// +optional
	TCPWmem *string `json:"net.ipv4.tcp_wmem,omitempty"`
	// First and last port for outgoing connections, for example "1024 65535".
	//
	// +optional
	IPLocalPortRange *string `json:"net.ipv4.ip_local_port_range,omitempty"`
	// Seconds that an orphaned connection stays in FIN-WAIT-2. Kernel 4.6 or later.
	//
	// +optional
	TCPFinTimeout *string `json:"net.ipv4.tcp_fin_timeout,omitempty"`
	// Seconds in TIME-WAIT, 1 to 600. Alibaba Cloud Linux 2 and 3 only.
	//
	// +optional
	TCPTwTimeout *string `json:"net.ipv4.tcp_tw_timeout,omitempty"`
	// Whether sockets in TIME-WAIT may be reused for outgoing connections. The kubelet must allow it.
	//
	// +optional
	TCPTwReuse *string `json:"net.ipv4.tcp_tw_reuse,omitempty"`
	// Fast recycling of TIME-WAIT sockets. Removed from Linux in 4.12.
	//
	// +optional
	TCPTwRecycle *string `json:"net.ipv4.tcp_tw_recycle,omitempty"`
	// TCP timestamps (RFC 1323). The kubelet must allow it.
	//
	// +optional
	TCPTimestamps *string `json:"net.ipv4.tcp_timestamps,omitempty"`
	// Retransmissions before an established connection is given up. The kubelet must allow it.
	//
	// +optional
	TCPRetries2 *string `json:"net.ipv4.tcp_retries2,omitempty"`
	// Whether the congestion window shrinks after a connection was idle. The kubelet must allow it.
	//
	// +optional
	TCPSlowStartAfterIdle *string `json:"net.ipv4.tcp_slow_start_after_idle,omitempty"`
	// Most orphaned TCP sockets. Node-wide: a pod cannot set it.
	//
	// +optional
	TCPMaxOrphans *string `json:"net.ipv4.tcp_max_orphans,omitempty"`
	// Most connection requests without a final acknowledgement. The kubelet must allow it.
	//
	// +optional
	TCPMaxSynBacklog *string `json:"net.ipv4.tcp_max_syn_backlog,omitempty"`
	// Whether metrics of closed connections are forgotten. Kernel 4.15 or later; the kubelet must allow it.
	//
	// +optional
	TCPNoMetricsSave *string `json:"net.ipv4.tcp_no_metrics_save,omitempty"`
	// Whether small writes are joined into full segments. Kernel 4.15 or later; the kubelet must allow it.
	//
	// +optional
	TCPAutocorking *string `json:"net.ipv4.tcp_autocorking,omitempty"`
	// Log levels of the kernel console. Node-wide: a pod cannot set it.
	//
	// +optional
	Printk *string `json:"kernel.printk,omitempty"`
	// Willingness to swap. Node-wide: a pod cannot set it.
	//
	// +optional
	Swappiness *string `json:"vm.swappiness,omitempty"`
}
