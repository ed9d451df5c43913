package admission_test

// kernelRows are the rules about what a gateway asks of its nodes' kernels and networks.
func kernelRows() []row {
	tuned := func(cluster, parameters string) string {
		return gw(`{clusterIds: [` + cluster + `], kernel: {enabled: true, parameters: {` + parameters + `}}}`)
	}
	const wholeNode = `must be a parameter that a pod can set, is one of the whole node (remove it, and set it on the nodes)`
	return []row{
		{
			rule: "kernel_parameters",
			accepted: []asked{
				letIn(tuned("c8a4b2xxxxxx", `net.ipv4.ip_local_port_range: "1024 65535"`)),
				letIn(tuned("mixed", `net.ipv4.tcp_rmem: "4096 87380 6291456", net.ipv4.tcp_fin_timeout: "30"`)),
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx], kernel: {enabled: false, parameters: {vm.swappiness: "10"}}}`)),
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx], kernel: {parameters: {}}}`)),
			},
			refused: []asked{
				says(tuned("c8a4b2xxxxxx", `vm.swappiness: "10"`), `kernel_parameters: spec.kernel.parameters.vm.swappiness: `+wholeNode),
				says(tuned("c8a4b2xxxxxx", `net.core.netdev_max_backlog: "1000", net.ipv4.tcp_max_orphans: "1000"`),
					`kernel_parameters: spec.kernel.parameters.net.core.netdev_max_backlog: `+wholeNode,
					`kernel_parameters: spec.kernel.parameters.net.ipv4.tcp_max_orphans: `+wholeNode),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], hostNetwork: true, kernel: {enabled: true, parameters: {net.ipv4.tcp_fin_timeout: "30"}}}`),
					`kernel_parameters: spec.kernel.parameters.net.ipv4.tcp_fin_timeout: must be absent on the host's network, is set: no pod would start, and new ones would be made without end (remove it, or set spec.hostNetwork to false)`),
				says(tuned("machines", `net.ipv4.tcp_tw_recycle: "1"`),
					`kernel_parameters: spec.kernel.parameters.net.ipv4.tcp_tw_recycle: must exist in the kernels of every cluster, is missing in machines (remove it)`),
			},
			warned: []asked{
				says(tuned("c8a4b2xxxxxx", `net.core.somaxconn: "65535"`),
					`kernel_parameters: spec.kernel.parameters.net.core.somaxconn: must be allowed by the kubelets, is not by default (add net.core.somaxconn to allowedUnsafeSysctls of the nodes' kubelets, or remove it)`),
				says(tuned("machines", `net.ipv4.tcp_fin_timeout: "30"`),
					`kernel_parameters: spec.kernel.parameters.net.ipv4.tcp_fin_timeout: must be allowed by the kubelets, is not by default before Kubernetes 1.29 (add net.ipv4.tcp_fin_timeout to allowedUnsafeSysctls of the nodes' kubelets, or remove it)`),
				says(tuned("c8a4b2xxxxxx", `net.ipv4.tcp_tw_recycle: "1"`),
					`kernel_parameters: spec.kernel.parameters.net.ipv4.tcp_tw_recycle: must exist in the kernels of every cluster, is rare, and those of c8a4b2xxxxxx are not known (remove it)`),
				says(tuned("mixed", `net.ipv4.tcp_tw_timeout: "30"`),
					`kernel_parameters: spec.kernel.parameters.net.ipv4.tcp_tw_timeout: must exist in the kernels of all nodes, is missing on some of mixed (remove it, or keep the gateway off those nodes with spec.nodeSelector)`),
			},
		},
		{
			rule: "host_network",
			accepted: []asked{
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx], hostNetwork: false, ports: [{name: ssh, port: 22}]}`)),
			},
			refused: []asked{
				says(gw(`{clusterIds: [c8a4b2xxxxxx], hostNetwork: true, runAsRoot: true, ports: [{name: ssh, port: 22}]}`),
					`host_network: spec.ports[0].targetPort: must be a port that nodes do not use themselves, is 22 (choose another target; the Service may keep its port)`),
				says(gw(`{clusterIds: [machines], hostNetwork: true, replicaCount: 3}`),
					`host_network: spec.replicaCount: must be at most the 2 nodes of machines, as no node takes two pods on its network, is 3 (lower it, or set spec.hostNetwork to false)`),
				{beside: named("other", `{clusterIds: [machines], hostNetwork: true}`), gateway: gw(`{clusterIds: [machines], hostNetwork: true, replicaCount: 2}`), says: []string{
					`host_network: spec.replicaCount: must be at most 1, as of the 2 nodes of machines those with a pod of istio-system/other on their network take no other, is 2 (lower it, or set spec.hostNetwork to false)`,
				}},
			},
			warned: []asked{
				says(gw(`{clusterIds: [c8a4b2xxxxxx], hostNetwork: true, runAsRoot: true}`),
					`host_network: spec.hostNetwork: must be false for pods to be kept apart from their nodes, is true: they reach what the node reaches (set it to false; a Service of type LoadBalancer reaches the pods)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], hostNetwork: true, dnsPolicy: ClusterFirst}`),
					`host_network: spec.dnsPolicy: must be ClusterFirstWithHostNet for the proxy to find its control plane from the host's network, is ClusterFirst (set it to ClusterFirstWithHostNet)`),
			},
		},
	}
}
