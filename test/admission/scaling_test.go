package admission_test

// scalingRows are the rules about how many pods there are.
func scalingRows() []row {
	return []row{
		{
			rule: "autoscaling",
			accepted: []asked{
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx], maxReplicas: 1, minReplicas: 1, cpu: {}}`)),
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx], minReplicas: 2, maxReplicas: 10, cpu: {targetAverageUtilization: 80}}`)),
			},
			refused: []asked{
				says(gw(`{clusterIds: [c8a4b2xxxxxx, c9f3e7xxxxxx], maxReplicas: 4, cpu: {targetAverageUtilization: 80}, overrides: {c9f3e7xxxxxx: {minReplicas: 6}}}`),
					`autoscaling: spec.overrides.c9f3e7xxxxxx.minReplicas: must be at most maxReplicas, which is 4, is 6 (lower minReplicas or raise maxReplicas)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], maxReplicas: 4, cpu: {targetAverageUtilization: 80}, resources: {limits: {memory: 1Gi}}}`),
					`autoscaling: spec.resources.requests.cpu: must be set for the cpu target to be measured against, is absent (set the request, or remove the target)`),
			},
			warned: []asked{
				says(gw(`{clusterIds: [c8a4b2xxxxxx], cpu: {targetAverageUtilization: 80}}`),
					`autoscaling: spec.maxReplicas: must be set for an autoscaler to be made, is absent (set maxReplicas, or remove the target)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], replicaCount: 6, minReplicas: 2, maxReplicas: 4, cpu: {targetAverageUtilization: 80}}`),
					`autoscaling: spec.replicaCount: must be between minReplicas and maxReplicas, which are 2 and 4, is 6 (leave replicaCount out: the autoscaler decides)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], maxReplicas: 4, memory: {targetAverageUtilization: 80}}`),
					`autoscaling: spec.memory.targetAverageUtilization: must be a CPU target for pods to be removed again, is a memory target: a proxy keeps the memory that it took (use cpu.targetAverageUtilization)`),
			},
		},
		{
			rule: "rolling_update",
			accepted: []asked{
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx], rollingMaxSurge: 25%, rollingMaxUnavailable: 25%}`)),
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx], replicaCount: 2, rollingMaxSurge: "0", rollingMaxUnavailable: "1"}`)),
			},
			refused: []asked{
				says(gw(`{clusterIds: [c8a4b2xxxxxx], rollingMaxUnavailable: "1"}`),
					`rolling_update: spec.rollingMaxUnavailable: must leave a pod running, is 1 of 1 (set rollingMaxUnavailable to 0 and rollingMaxSurge to 1 or more: a pod goes when the new one is there)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], rollingMaxSurge: "0", rollingMaxUnavailable: 25%}`),
					`rolling_update: spec.rollingMaxUnavailable: must leave a pod running, is 25% of 1, which counts as 1 where rollingMaxSurge is 0 (set rollingMaxUnavailable to 0 and rollingMaxSurge to 1 or more: a pod goes when the new one is there)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx, c9f3e7xxxxxx], replicaCount: 3, rollingMaxUnavailable: "2", overrides: {c9f3e7xxxxxx: {replicaCount: 2}}}`),
					`rolling_update: spec.overrides.c9f3e7xxxxxx.replicaCount: must be more than rollingMaxUnavailable stops at once, which is 2, is 2 (set rollingMaxUnavailable to 0 and rollingMaxSurge to 1 or more: a pod goes when the new one is there)`),
			},
		},
	}
}

// frailRows are the rules that refuse nothing.
func frailRows() []row {
	const production = `labels: {environment: production}`
	const spread = `affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {labelSelector: {matchLabels: {app: istio-edge}}, topologyKey: `
	return []row{
		{
			rule: "availability",
			accepted: []asked{
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx]}`)),
				letIn(with(production, `{clusterIds: [c8a4b2xxxxxx], replicaCount: 2, `+spread+`topology.kubernetes.io/zone}}]}}}`)),
				letIn(with(production, `{clusterIds: [serverless], replicaCount: 2, podAnnotations: {k8s.aliyun.com/eci-vswitch: "vsw-a,vsw-b"}}`)),
			},
			warned: []asked{
				says(with(production, `{clusterIds: [c8a4b2xxxxxx]}`),
					`availability: spec.replicaCount: must be at least 2 in production, is 1 (raise it)`,
					`availability: spec.affinity.podAntiAffinity: must keep pods apart in production, is absent: they may all be on one node (add a preferred term for this gateway's label app, with topologyKey topology.kubernetes.io/zone)`),
				says(with(production, `{clusterIds: [c8a4b2xxxxxx], replicaCount: 2, `+spread+`kubernetes.io/hostname}}]}}}`),
					`availability: spec.affinity.podAntiAffinity: must keep pods apart by zone in production, does by kubernetes.io/hostname (add a term with topologyKey topology.kubernetes.io/zone)`),
				says(with(production, `{clusterIds: [serverless], replicaCount: 2}`),
					`availability: spec.podAnnotations.k8s.aliyun.com/eci-vswitch: must list 2 vSwitches or more in production, does not in serverless (list a vSwitch of each zone, with commas between them)`),
			},
		},
		{
			rule:     "undocumented",
			accepted: []asked{letIn(gw(`{clusterIds: [c8a4b2xxxxxx], sds: {}, meshExpansionPorts: [], applicationPorts: ""}`))},
			warned: []asked{
				says(gw(`{clusterIds: [c8a4b2xxxxxx], sds: {enabled: true}}`),
					`undocumented: spec.sds: must be absent, is set: nothing reads it (remove it; certificates come by SDS always)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], meshExpansionPorts: [{name: a, port: 15011}], applicationPorts: "80", requestedNetworkView: network1}`),
					`undocumented: spec.meshExpansionPorts: must be absent, is set: nothing reads it (list the ports under spec.ports)`,
					`undocumented: spec.applicationPorts: must be absent, is set: nothing reads it (remove it)`,
					`undocumented: spec.requestedNetworkView: must be absent, is set: nothing reads it (remove it)`),
			},
		},
	}
}
