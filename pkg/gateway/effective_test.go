package gateway

import (
	"testing"
)

func TestOverridesAreMerged(t *testing.T) {
	for _, test := range []struct {
		name string
		// mesh is the mesh's version; the default one when empty.
		mesh string
		spec string
		// same is a spec without overrides that means the same in the first cluster.
		same string
	}{
		{
			name: "leaves a cluster alone that has none",
			spec: `{replicaCount: 2, overrides: {c9f3e7a51b60: {replicaCount: 5}}}`,
			same: `{replicaCount: 2}`,
		},
		{
			name: "replaces a scalar",
			spec: `{replicaCount: 2, overrides: {c8a4b2e19d04: {replicaCount: 5}}}`,
			same: `{replicaCount: 5}`,
		},
		{
			name: "replaces a scalar by zero",
			spec: `{replicaCount: 2, overrides: {c8a4b2e19d04: {replicaCount: 0}}}`,
			same: `{replicaCount: 0}`,
		},
		{
			name: "sets a scalar that the spec leaves to its default",
			spec: `{overrides: {c8a4b2e19d04: {replicaCount: 5}}}`,
			same: `{replicaCount: 5}`,
		},
		{
			name: "merges annotations by key",
			spec: `{serviceAnnotations: {a: "1", b: "2"}, podAnnotations: {c: "3"}, overrides: {c8a4b2e19d04: {serviceAnnotations: {b: "20", d: "4"}, podAnnotations: {e: "5"}}}}`,
			same: `{serviceAnnotations: {a: "1", b: "20", d: "4"}, podAnnotations: {c: "3", e: "5"}}`,
		},
		{
			name: "takes away a key with an empty value",
			spec: `{serviceAnnotations: {a: "1", b: "2"}, overrides: {c8a4b2e19d04: {serviceAnnotations: {b: "", absent: ""}}}}`,
			same: `{serviceAnnotations: {a: "1"}}`,
		},
		{
			name: "leaves no empty map when the last key goes",
			spec: `{podAnnotations: {a: "1"}, overrides: {c8a4b2e19d04: {podAnnotations: {a: ""}}}}`,
			same: `{}`,
		},
		{
			name: "replaces resources as a whole",
			spec: `{resources: {requests: {cpu: 100m}, limits: {memory: 1Gi}}, overrides: {c8a4b2e19d04: {resources: {limits: {cpu: "4"}}}}}`,
			same: `{resources: {limits: {cpu: "4"}}}`,
		},
		{
			name: "takes empty resources for none",
			spec: `{resources: {limits: {memory: 1Gi}}, overrides: {c8a4b2e19d04: {resources: {}}}}`,
			same: `{resources: {limits: {memory: 1Gi}}}`,
		},
		{
			name: "replaces everything that scales",
			spec: `{minReplicas: 1, maxReplicas: 2, cpu: {targetAverageUtilization: 80}, overrides: {c8a4b2e19d04: {autoscaleEnabled: true, minReplicas: 3, maxReplicas: 9, cpu: {targetAverageUtilization: 50}, memory: {targetAverageUtilization: 70}}}}`,
			same: `{autoscaleEnabled: true, minReplicas: 3, maxReplicas: 9, cpu: {targetAverageUtilization: 50}, memory: {targetAverageUtilization: 70}}`,
		},
		{
			name: "takes no target away with an empty one",
			spec: `{cpu: {targetAverageUtilization: 80}, memory: {targetAverageUtilization: 70}, overrides: {c8a4b2e19d04: {cpu: {}, memory: {}}}}`,
			same: `{cpu: {targetAverageUtilization: 80}, memory: {targetAverageUtilization: 70}}`,
		},
		{
			name: "replaces the type of the Service",
			spec: `{externalTrafficPolicy: Local, overrides: {c8a4b2e19d04: {serviceType: NodePort}}}`,
			same: `{externalTrafficPolicy: Local, serviceType: NodePort}`,
		},
		{
			name: "fills defaults for the type of the Service that the override makes",
			spec: `{serviceType: ClusterIP, overrides: {c8a4b2e19d04: {serviceType: LoadBalancer}}}`,
			same: `{serviceType: LoadBalancer, externalTrafficPolicy: Cluster}`,
		},
		{
			name: "ignores scaling and the type of the Service before mesh 1.16",
			mesh: "1.15.3",
			spec: `{replicaCount: 2, maxReplicas: 2, overrides: {c8a4b2e19d04: {replicaCount: 5, autoscaleEnabled: false, minReplicas: 3, maxReplicas: 9, cpu: {targetAverageUtilization: 50}, memory: {targetAverageUtilization: 50}, serviceType: ClusterIP}}}`,
			same: `{replicaCount: 5, maxReplicas: 2}`,
		},
		{
			name: "ignores every field that is not honoured per cluster",
			spec: `
hostNetwork: false
overrides:
  c8a4b2e19d04:
    hostNetwork: true
    dnsPolicy: Default
    runAsRoot: true
    rollingMaxSurge: "1"
    rollingMaxUnavailable: "1"
    externalTrafficPolicy: Local
    loadBalancerClass: other
    loadBalancerIP: 192.0.2.1
    serviceLabels: {a: b}
    podLabels: {a: b}
    nodeSelector: {a: b}
    tolerations: [{operator: Exists}]
    affinity: {}
    env: [{name: A, value: b}]
    ports: [{port: 80}]
    secretVolumes: [{name: a, secretName: b, mountPath: /c}]
    configVolumes: [{name: a, configMapName: b, mountPath: /c}]
    kernel: {enabled: true}
    compression: {enabled: true}
    lifecycle: {}
    readinessProbe: {periodSeconds: 1}
    disableContainerPortExposed: true
    autoCreateGatewayYaml: true
`,
			same: `{}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectSame(t, effectiveIn(t, test.mesh, test.spec), effectiveIn(t, test.mesh, test.same))
		})
	}
}

func TestTheEffectiveSpecNamesNoClusters(t *testing.T) {
	got := effectiveIn(t, "", `{clusterIds: [c8a4b2e19d04], overrides: {c8a4b2e19d04: {replicaCount: 2}}}`)
	if got.ClusterIDs != nil || got.Overrides != nil {
		t.Errorf("got clusterIds %v and overrides %v, want neither", got.ClusterIDs, got.Overrides)
	}
}

func TestEachClusterHasItsOwnOverrides(t *testing.T) {
	gw := gatewayOf(t, `{clusterIds: [c8a4b2e19d04, c9f3e7a51b60], overrides: {c8a4b2e19d04: {replicaCount: 2}, c9f3e7a51b60: {replicaCount: 3}}}`)
	for id, want := range map[string]int32{first: 2, second: 3, "unknown": 1} {
		if got := *Place(gw, clusterOf(id, "")).Spec.ReplicaCount; got != want {
			t.Errorf("cluster %s: got %d replicas, want %d", id, got, want)
		}
	}
}
