package review

import (
	"slices"
	"testing"

	"sigs.k8s.io/yaml"
)

// toYAML writes an object.
func toYAML(t *testing.T, object map[string]any) string {
	t.Helper()
	text, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// refusal is a gateway, and the rule and the field for which it is refused.
type refusal struct {
	gateway map[string]any
	want    string
}

// refusedGateways are one gateway or more for each rule, with as much around the sin as a rule may read.
func refusedGateways(t *testing.T) map[string]refusal {
	t.Helper()
	managed := func(annotations, spec string) map[string]any {
		return fromYAML(t, "{metadata: {name: edge, namespace: istio-system, annotations: {"+annotations+"}}, spec: "+spec+"}")
	}
	const byASM, metrics = "asm.alibabacloud.com/managed-by-asm: 'true'", "asm.alibabacloud.com/export-metrics: "
	elsewhere := gatewayOf(t, `{clusterIds: [c1], ports: [{port: 80}]}`)
	elsewhere["metadata"].(map[string]any)["namespace"] = "elsewhere"
	dotted := gatewayOf(t, `{clusterIds: [c1]}`)
	dotted["metadata"].(map[string]any)["name"] = "edge.v2"
	return map[string]refusal{
		"outside istio-system":               {elsewhere, "namespace: metadata.namespace"},
		"without a cluster":                  {gatewayOf(t, `{ports: [{port: 80}]}`), "cluster_ids: spec.clusterIds"},
		"in a cluster that is nowhere":       {gatewayOf(t, `{clusterIds: [c1, nowhere]}`), "cluster_ids: spec.clusterIds[1]"},
		"in a cluster twice":                 {gatewayOf(t, `{clusterIds: [c1, c2, c1]}`), "cluster_ids: spec.clusterIds[2]"},
		"with an override for no cluster":    {gatewayOf(t, `{clusterIds: [c1, c2], overrides: {elsewhere: {replicaCount: 2}}}`), "override_clusters: spec.overrides.elsewhere"},
		"with an override and one cluster":   {gatewayOf(t, `{clusterIds: [c1], overrides: {c1: {replicaCount: 2}}}`), "override_clusters: spec.overrides"},
		"with an override that is ignored":   {gatewayOf(t, `{clusterIds: [c1, c2], overrides: {c2: {kernel: {enabled: true, parameters: {net.ipv4.tcp_rmem: "1"}}}}}`), "override_fields: spec.overrides.c2.kernel"},
		"with an override for an old mesh":   {gatewayOf(t, `{clusterIds: [c1, old-mesh], overrides: {old-mesh: {serviceType: ClusterIP}}}`), "override_fields: spec.overrides.old-mesh.serviceType"},
		"with a minimum above the maximum":   {gatewayOf(t, `{clusterIds: [c1], minReplicas: 3, maxReplicas: 2, cpu: {targetAverageUtilization: 80}}`), "autoscaling: spec.minReplicas"},
		"with such a minimum in one cluster": {gatewayOf(t, `{clusterIds: [c1, c2], maxReplicas: 4, cpu: {targetAverageUtilization: 80}, overrides: {c2: {minReplicas: 6}}}`), "autoscaling: spec.overrides.c2.minReplicas"},
		"with a target above 100":            {gatewayOf(t, `{clusterIds: [c1], maxReplicas: 4, cpu: {targetAverageUtilization: 101}, resources: {requests: {cpu: 1}}}`), "autoscaling: spec.cpu.targetAverageUtilization"},
		"with a target and no request": {
			gatewayOf(t, `{clusterIds: [c1], maxReplicas: 4, cpu: {targetAverageUtilization: 80}, resources: {limits: {memory: 1Gi}}}`),
			"autoscaling: spec.resources.requests.cpu",
		},
		"with a parameter of nobody":         {gatewayOf(t, `{clusterIds: [c1], kernel: {enabled: true, parameters: {fs.file-max: "1"}}}`), "kernel_parameters: spec.kernel.parameters.fs.file-max"},
		"with a parameter of the node":       {gatewayOf(t, `{clusterIds: [c1], kernel: {enabled: true, parameters: {vm.swappiness: "10"}}}`), "kernel_parameters: spec.kernel.parameters.vm.swappiness"},
		"with a parameter of the network":    {gatewayOf(t, `{clusterIds: [c1], hostNetwork: true, kernel: {enabled: true, parameters: {net.ipv4.tcp_fin_timeout: "30"}}}`), "kernel_parameters: spec.kernel.parameters.net.ipv4.tcp_fin_timeout"},
		"with a parameter of older kernels":  {gatewayOf(t, `{clusterIds: [c1], kernel: {enabled: true, parameters: {net.ipv4.tcp_tw_recycle: "1"}}}`), "kernel_parameters: spec.kernel.parameters.net.ipv4.tcp_tw_recycle"},
		"with a compression level of nobody": {gatewayOf(t, `{clusterIds: [c1], compression: {enabled: true, gzip: {memory_level: 99}}}`), "compression: spec.compression.gzip.memory_level"},
		"with a variable of the proxy":       {gatewayOf(t, `{clusterIds: [c1], env: [{name: ISTIO_META_MESH_ID, value: mine}]}`), "env: spec.env[0].name"},
		"with a port of the node":            {gatewayOf(t, `{clusterIds: [c1], hostNetwork: true, ports: [{port: 10250}]}`), "host_network: spec.ports[0].targetPort"},
		"with a label that is ours":          {gatewayOf(t, `{clusterIds: [c1], podLabels: {app: mine}}`), "labels: spec.podLabels.app"},
		"with a probe that never asks":       {gatewayOf(t, `{clusterIds: [c1], readinessProbe: {periodSeconds: 0}}`), "lifecycle: spec.readinessProbe.periodSeconds"},
		"with a port twice":                  {gatewayOf(t, `{clusterIds: [c1], ports: [{name: a, port: 80}, {name: b, port: 80}]}`), "ports: spec.ports[1].port"},
		"with a limit below the request":     {gatewayOf(t, `{clusterIds: [c1], resources: {requests: {cpu: 2}, limits: {cpu: 1}}}`), "resources: spec.resources.limits.cpu"},
		"with an update that never ends":     {gatewayOf(t, `{clusterIds: [c1], rollingMaxSurge: "0", rollingMaxUnavailable: "0"}`), "rolling_update: spec.rollingMaxUnavailable"},
		"with a class and no balancer":       {gatewayOf(t, `{clusterIds: [c1], serviceType: NodePort, loadBalancerClass: alibabacloud.com/nlb}`), "service: spec.loadBalancerClass"},
		"with a volume at no path":           {gatewayOf(t, `{clusterIds: [c1], configVolumes: [{name: lua, configMapName: lua, mountPath: lua}]}`), "volumes: spec.configVolumes[0].mountPath"},
		"with a drain of no time":            {managed("asm.alibabacloud.com/gateway-drain-timeout-seconds: soon", `{clusterIds: [c1]}`), "drain: metadata.annotations.asm.alibabacloud.com/gateway-drain-timeout-seconds"},
		"with a dot in its name":             {dotted, "name: metadata.name"},
		"managed by a word of its own":       {managed("asm.alibabacloud.com/managed-by-asm: 'yes'", `{clusterIds: [c1]}`), "managed_placement: metadata.annotations.asm.alibabacloud.com/managed-by-asm"},
		"managed, with a cluster":            {managed(byASM, `{clusterIds: [c1]}`), "managed_placement: spec.clusterIds"},
		"managed, with volumes":              {managed(byASM, `{configVolumes: [{name: lua, configMapName: lua, mountPath: /lua}]}`), "managed_placement: spec.configVolumes"},
		"managed, on a node's port":          {managed(byASM, `{serviceType: NodePort}`), "managed_placement: spec.serviceType"},
		"managed, with metrics to nowhere":   {managed(byASM+", "+metrics+"nowhere", `{}`), "managed_placement: metadata.annotations.asm.alibabacloud.com/export-metrics"},
	}
}

func TestValidateRefusesTheGatewaysOfTheTable(t *testing.T) {
	for name, refused := range refusedGateways(t) {
		t.Run(name, func(t *testing.T) {
			decision := decided(t, reviewer(t, known()...), refused.gateway, nil)
			if got := fieldsOf(decision.Denials); !slices.Contains(got, refused.want) {
				t.Errorf("got %v, want among them %s", got, refused.want)
			}
		})
	}
}

func TestValidateRefusesAManagedGatewayOnAMeshThatIsTooOld(t *testing.T) {
	gateway := fromYAML(t, "{metadata: {name: edge, namespace: istio-system, annotations: {asm.alibabacloud.com/managed-by-asm: 'true'}}, spec: {}}")
	for version, want := range map[string][]string{
		"1.18.0.146": {"managed_placement: metadata.annotations.asm.alibabacloud.com/managed-by-asm"},
		"1.18.0.147": {},
	} {
		t.Run(version, func(t *testing.T) {
			decision := decided(t, reviewer(t, cluster("ours", managed, mesh(version))), gateway, nil)
			if got := fieldsOf(decision.Denials); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}
