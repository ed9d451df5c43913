package admission_test

const (
	byASM = `annotations: {asm.alibabacloud.com/managed-by-asm: "true"}`
	eci   = `podLabels: {alibabacloud.com/eci: "true"}`
)

// managedRows are the rules about gateways that run without nodes of their own.
func managedRows() []row {
	const remove = `must be absent on a gateway that ASM manages, is set (remove it, or remove the annotation asm.alibabacloud.com/managed-by-asm)`
	const noRoom = `virtual_nodes: spec.configVolumes: must leave room for the proxy's 8 of 20 volumes on virtual nodes, is one of 13 in all (put several files into one ConfigMap or Secret)`
	return []row{
		{
			rule: "managed_placement",
			accepted: []asked{
				letIn(with(byASM, `{serviceType: ClusterIP}`)),
				letIn(with(byASM, `{hostNetwork: false, nodeSelector: {}, ports: [{name: http, port: 80}]}`)),
				letIn(with(`annotations: {asm.alibabacloud.com/managed-by-asm: "true", asm.alibabacloud.com/export-metrics: c8a4b2xxxxxx}`, `{}`)),
			},
			refused: []asked{
				says(with(byASM, `{clusterIds: [c8a4b2xxxxxx]}`), `managed_placement: spec.clusterIds: `+remove),
				says(with(byASM, `{nodeSelector: {a: b}}`), `managed_placement: spec.nodeSelector: `+remove),
				says(with(byASM, `{hostNetwork: true}`), `managed_placement: spec.hostNetwork: `+remove),
				says(with(byASM, `{configVolumes: [{name: a, configMapName: a, mountPath: /a}]}`), `managed_placement: spec.configVolumes: `+remove),
				says(with(byASM, `{secretVolumes: [{name: a, secretName: a, mountPath: /a}]}`), `managed_placement: spec.secretVolumes: `+remove),
				says(with(byASM, `{overrides: {c8a4b2xxxxxx: {replicaCount: 2}}}`), `managed_placement: spec.overrides: `+remove),
				says(with(byASM, `{serviceType: NodePort}`), `managed_placement: spec.serviceType: must be one of ClusterIP, LoadBalancer on a gateway that ASM manages, is NodePort (choose one of them)`),
				says(with(`annotations: {asm.alibabacloud.com/managed-by-asm: "yes"}`, `{clusterIds: [c8a4b2xxxxxx]}`),
					`managed_placement: metadata.annotations.asm.alibabacloud.com/managed-by-asm: must be the string 'true' or absent, is yes (write asm.alibabacloud.com/managed-by-asm: 'true', or remove the annotation)`),
				says(with(`annotations: {asm.alibabacloud.com/managed-by-asm: "true", asm.alibabacloud.com/export-metrics: nowhere}`, `{}`),
					`managed_placement: metadata.annotations.asm.alibabacloud.com/export-metrics: must be the ID of a registered cluster, is nowhere (list the clusters with kubectl get gatewayclusters)`),
			},
		},
		{
			rule: "virtual_nodes",
			accepted: []asked{
				letIn(gw(`{clusterIds: [serverless], serviceType: ClusterIP, kernel: {enabled: true, parameters: {net.core.somaxconn: "65535"}}}`)),
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx], serviceType: NodePort, ports: [{name: a, port: 111}]}`)),
			},
			refused: []asked{
				says(gw(`{clusterIds: [serverless], hostNetwork: true}`),
					`virtual_nodes: spec.hostNetwork: must be false on virtual nodes, is true: there is no node whose network the pods could use (set it to false; a Service of type LoadBalancer reaches the pods)`),
				says(gw(`{clusterIds: [serverless], serviceType: NodePort}`),
					`virtual_nodes: spec.serviceType: must be one of ClusterIP, LoadBalancer on virtual nodes, is NodePort (choose one of them)`),
				says(gw(`{clusterIds: [mixed], serviceType: NodePort, `+eci+`}`),
					`virtual_nodes: spec.serviceType: must be one of ClusterIP, LoadBalancer on virtual nodes, is NodePort (choose one of them)`),
				says(gw(`{clusterIds: [serverless], kernel: {enabled: true, parameters: {vm.swappiness: "10"}}}`),
					`kernel_parameters: spec.kernel.parameters.vm.swappiness: must be a parameter that a pod can set, is one of the whole node (remove it, and set it on the nodes)`,
					`virtual_nodes: spec.kernel.parameters.vm.swappiness: must be a parameter that virtual nodes take, is one of a whole node (remove it)`),
				says(gw(`{clusterIds: [serverless], ports: [{name: a, port: 80, targetPort: 10250}]}`),
					`virtual_nodes: spec.ports[0].targetPort: must be free on virtual nodes, which use 111, 10250, 10255 themselves, is 10250 (choose another target; the Service may keep its port)`),
				says(gw(`{clusterIds: [serverless], configVolumes: `+volumes("configMapName", 13)+`}`), noRoom),
				says(gw(`{clusterIds: [serverless], affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: kubernetes.io/hostname}}]}}}`),
					`virtual_nodes: spec.affinity.podAntiAffinity: must be absent where every node is virtual, as in serverless, is set (remove it, and list a vSwitch of each zone in the pod annotation k8s.aliyun.com/eci-vswitch)`),
			},
		},
		{
			rule: "serverless_tolerations",
			accepted: []asked{
				letIn(gw(`{clusterIds: [serverless]}`)),
				letIn(gw(`{clusterIds: [mixed], nodeSelector: {type: virtual-kubelet}}`)),
			},
			refused: []asked{
				says(gw(`{clusterIds: [serverless], nodeSelector: {type: machine}}`),
					`serverless_tolerations: spec.nodeSelector: must be met by a node in every cluster, keeps off virtual nodes, and serverless has no others (remove it, or make a gateway of its own for the clusters with machines)`),
				says(gw(`{clusterIds: [machines], nodeSelector: {type: virtual-kubelet}}`),
					`serverless_tolerations: spec.nodeSelector: must be met by a node in every cluster, asks for virtual nodes, which machines has none of (remove it, or make a gateway of its own for the clusters with virtual nodes)`),
				says(gw(`{clusterIds: [machines], affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: type, operator: In, values: [virtual-kubelet]}]}]}}}}`),
					`serverless_tolerations: spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution: must be met by a node in every cluster, asks for virtual nodes, which machines has none of (remove it, or make a gateway of its own for the clusters with virtual nodes)`),
			},
		},
	}
}
