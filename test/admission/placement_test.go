package admission_test

import "strings"

// placementRows are the rules about where a gateway is and what it is called.
func placementRows() []row {
	const nowhere = `must be the ID of a registered cluster, is nowhere (list the clusters with kubectl get gatewayclusters)`
	balanced := with(`annotations: {portcullis.dev/load-balancers: "[{name: private}]"}`, `{clusterIds: [c8a4b2xxxxxx], ports: [{name: http, port: 80}]}`)
	elsewhere := strings.Replace(gw(`{clusterIds: [c8a4b2xxxxxx]}`), "istio-system", "elsewhere", 1)
	return []row{
		{
			rule:     "namespace",
			accepted: []asked{letIn(gw(`{clusterIds: [c8a4b2xxxxxx]}`))},
			refused:  []asked{says(elsewhere, `namespace: metadata.namespace: must be istio-system, is elsewhere (create the gateway in istio-system)`)},
		},
		{
			rule: "name",
			accepted: []asked{
				letIn(named("canary-edge", `{clusterIds: [c8a4b2xxxxxx]}`)),
				letIn(named(strings.Repeat("e", 57), `{clusterIds: [c8a4b2xxxxxx]}`)),
				{beside: balanced, gateway: named("edge-private", `{clusterIds: [c9f3e7xxxxxx]}`)},
				{beside: balanced, gateway: named("edge-public", `{clusterIds: [c8a4b2xxxxxx]}`)},
			},
			refused: []asked{
				says(named("edge-canary", `{clusterIds: [c8a4b2xxxxxx]}`),
					`name: metadata.name: must not end in -canary, is edge-canary: the canary of edge is called so (create the gateway under another name, and remove this one when its traffic has moved)`),
				says(named("edge.v2", `{clusterIds: [c8a4b2xxxxxx]}`),
					`name: metadata.name: must be without dots for a Service to have it, is edge.v2 (use hyphens instead of dots)`),
				says(named(strings.Repeat("e", 58), `{clusterIds: [c8a4b2xxxxxx]}`),
					`name: metadata.name: must be at most 57 characters long for istio-<name>, is 58 (choose a shorter name)`),
				says(strings.Replace(with(`annotations: {asm.alibabacloud.com/enable-canary-deployment: "true"}`, `{clusterIds: [c8a4b2xxxxxx]}`), "edge", strings.Repeat("e", 51), 1),
					`name: metadata.name: must be at most 50 characters long for istio-<name>-canary, is 51 (choose a shorter name)`),
				{
					beside:  balanced,
					gateway: named("edge-private", `{clusterIds: [c8a4b2xxxxxx]}`),
					says: []string{`name: metadata.name: must be another one in c8a4b2xxxxxx, where gateway istio-system/edge has Service istio-edge-private for its load balancer private, ` +
						`is edge-private (choose another name, or take that load balancer, with its address, out of annotation portcullis.dev/load-balancers of istio-system/edge)`},
				},
			},
		},
		{
			rule: "annotations",
			accepted: []asked{
				letIn(with(`annotations: {portcullis.dev/deletion-policy: RetainService, portcullis.dev/adopt: DryRun, portcullis.dev/paused: c8a4b2xxxxxx}`, `{clusterIds: [c8a4b2xxxxxx]}`)),
				letIn(with(`annotations: {portcullis.dev/tls-hosts: shop.example.com, cert-manager.io/cluster-issuer: letsencrypt}`, `{clusterIds: [c8a4b2xxxxxx]}`)),
			},
			refused: []asked{
				says(with(`annotations: {portcullis.dev/deletion-policy: Keep}`, `{clusterIds: [c8a4b2xxxxxx]}`),
					`annotations: metadata.annotations.portcullis.dev/deletion-policy: must be one of Delete, Retain, RetainService, is Keep (write it like that, or remove the annotation)`),
				says(with(`annotations: {portcullis.dev/paused: c9f3e7xxxxxx}`, `{clusterIds: [c8a4b2xxxxxx]}`),
					`annotations: metadata.annotations.portcullis.dev/paused: must be true or IDs of the gateway's clusters, is c9f3e7xxxxxx (write the IDs as spec.clusterIds has them, separated by commas)`),
			},
		},
		{
			rule:     "cluster_ids",
			accepted: []asked{letIn(gw(`{clusterIds: [c8a4b2xxxxxx, c9f3e7xxxxxx]}`))},
			refused: []asked{
				says(gw(`{}`), `cluster_ids: spec.clusterIds: must name at least one cluster, names none (list the clusters with kubectl get gatewayclusters)`),
				says(gw(`{clusterIds: []}`), `cluster_ids: spec.clusterIds: must name at least one cluster, names none (list the clusters with kubectl get gatewayclusters)`),
				says(gw(`{clusterIds: [nowhere]}`), `cluster_ids: spec.clusterIds[0]: `+nowhere),
				changed(gw(`{clusterIds: [c8a4b2xxxxxx]}`), `{"spec":{"clusterIds":["c8a4b2xxxxxx","nowhere"]}}`, `cluster_ids: spec.clusterIds[1]: `+nowhere),
			},
			warned: []asked{says(gw(`{clusterIds: [lost]}`),
				`cluster_ids: spec.clusterIds[0]: must be reachable for the change to arrive, is not now: lost (see kubectl describe gatewaycluster lost; the change arrives when the cluster is back)`)},
		},
		{
			rule:     "override_clusters",
			accepted: []asked{letIn(gw(`{clusterIds: [c8a4b2xxxxxx, c9f3e7xxxxxx], overrides: {c9f3e7xxxxxx: {replicaCount: 2}}}`))},
			refused: []asked{
				says(gw(`{clusterIds: [c8a4b2xxxxxx, c9f3e7xxxxxx], overrides: {elsewhere: {replicaCount: 2}}}`),
					`override_clusters: spec.overrides.elsewhere: must be for one of the clusters in spec.clusterIds, is for elsewhere (add elsewhere to spec.clusterIds, or remove the override)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx], overrides: {c8a4b2xxxxxx: {replicaCount: 2}}}`),
					`override_clusters: spec.overrides: must be absent with fewer than 2 clusters, is set with 1 (write what the overrides say directly under spec)`),
			},
		},
		{
			rule: "override_fields",
			accepted: []asked{
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx, c9f3e7xxxxxx], overrides: {c9f3e7xxxxxx: {serviceType: ClusterIP, maxReplicas: 3, resources: {limits: {cpu: 1, memory: 1Gi}}}}}`)),
				letIn(gw(`{clusterIds: [c8a4b2xxxxxx, old-mesh], overrides: {old-mesh: {replicaCount: 2, podAnnotations: {a: b}, serviceAnnotations: {spec: slb.s1.small}}}}`)),
			},
			refused: []asked{
				says(gw(`{clusterIds: [c8a4b2xxxxxx, c9f3e7xxxxxx], overrides: {c9f3e7xxxxxx: {hostNetwork: true}}}`),
					`override_fields: spec.overrides.c9f3e7xxxxxx.hostNetwork: must be one of autoscaleEnabled, cpu, maxReplicas, memory, minReplicas, podAnnotations, replicaCount, resources, serviceAnnotations, serviceType, is hostNetwork (set it under spec for all clusters, or make a gateway of its own for the cluster)`),
				says(gw(`{clusterIds: [c8a4b2xxxxxx, old-mesh], overrides: {old-mesh: {serviceType: ClusterIP}}}`),
					`override_fields: spec.overrides.old-mesh.serviceType: must be honoured per cluster, is from mesh 1.16 on only; the mesh is on 1.15.3 (set it under spec for all clusters, or make a gateway of its own for the cluster)`),
			},
		},
	}
}
