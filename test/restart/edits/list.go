package edits

import (
	"slices"

	"portcullis.dev/portcullis/pkg/gateway"
)

// balancer is the beginning of the key of a load balancer's attribute.
const balancer = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-"

// All lists at least one edit of every field and of every annotation that counts.
func All() []Edit {
	return slices.Concat(pods(), exposure(), scaling(), placement(), others(), annotations(), appearances())
}

// pods are edits of what is in the pod template: the list that ASM's reference documents, and the fields that it forgets
// (runAsRoot, lifecycle, readinessProbe, disableContainerPortExposed).
func pods() []Edit {
	return []Edit{
		{Field: "podLabels", After: `{team: edge}`, Restart: true},
		{Field: "podAnnotations", Before: `{a: b}`, After: `{a: c}`, Restart: true},
		{Field: "resources", Before: `{limits: {cpu: 1}, requests: {cpu: 10m}}`, After: `{limits: {cpu: 500m}, requests: {cpu: 10m}}`, Restart: true},
		{Field: "env", After: `[{name: A, value: b}]`, Restart: true},
		{Field: "nodeSelector", After: `{kubernetes.io/os: linux}`, Restart: true},
		{Field: "affinity", After: `{nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1,
			preference: {matchExpressions: [{key: a, operator: Exists}]}}]}}`, Restart: true},
		{Field: "tolerations", After: `[{key: a, operator: Exists}]`, Restart: true},
		{Field: "secretVolumes", After: `[{name: a, secretName: b, mountPath: /c}]`, Restart: true},
		{Field: "configVolumes", After: `[{name: a, configMapName: b, mountPath: /c}]`, Restart: true},
		{Field: "kernel.enabled", Around: `kernel: {parameters: {net.ipv4.tcp_fin_timeout: "30"}}`, After: `true`, Restart: true},
		{Field: "kernel.parameters", Around: `kernel: {enabled: true}`, After: `{net.ipv4.tcp_fin_timeout: "30"}`, Restart: true},
		{Field: "kernel.parameters", How: "while it is off", After: `{net.ipv4.tcp_fin_timeout: "30"}`},
		{Field: "kernel.parameters", How: "of the node, where nothing can set them", Around: `kernel: {enabled: true}`, After: `{vm.swappiness: "10"}`},
		{Field: "kernel.parameters", How: "of the node, by an init container", Around: `kernel: {enabled: true}`, After: `{vm.swappiness: "10"}`,
			PrivilegedInit: true, Restart: true},
		{Field: "runAsRoot", After: `true`, Restart: true},
		{Field: "lifecycle", After: `{preStop: {sleep: {seconds: 5}}}`, Restart: true},
		{Field: "readinessProbe", After: `{periodSeconds: 5}`, Restart: true},
		{Field: "hostNetwork", After: `true`, Restart: true},
		{Field: "dnsPolicy", After: `Default`, Restart: true},
		{Field: "disableContainerPortExposed", Before: `true`, After: `false`, Restart: true},
	}
}

// exposure are edits of the Service, none of which restarts pods: but ports do before mesh 1.16.
func exposure() []Edit {
	return []Edit{
		{Field: "ports", Before: `[{port: 80}]`, After: `[{port: 80}, {port: 443}]`},
		{Field: "ports", How: "before mesh 1.16", Before: `[{port: 80}]`, After: `[{port: 80}, {port: 443}]`, Mesh: OldMesh, Restart: true},
		{Field: "ports", How: "that go, with the Service", Before: `[{port: 80}]`, After: `[]`, LostThere: true},
		{Field: "serviceType", Before: `LoadBalancer`, After: `NodePort`, LostThere: true},
		{Field: "serviceType", How: "that was never a load balancer", Before: `NodePort`, After: `ClusterIP`},
		{Field: "loadBalancerClass", Before: `alibabacloud.com/nlb`, After: `example.com/other`, LostThere: true, LostBack: true, Refused: true},
		{Field: "loadBalancerIP", Before: `192.0.2.1`, After: `192.0.2.2`, LostThere: true, LostBack: true},
		{Field: "externalTrafficPolicy", After: `Local`},
		{Field: "serviceAnnotations", Before: `{` + balancer + `spec: slb.s1.small}`, After: `{` + balancer + `spec: slb.s2.small}`},
		{Field: "serviceAnnotations", How: "that a live load balancer cannot change", Before: `{` + balancer + `address-type: intranet}`,
			After: `{` + balancer + `address-type: internet}`, LostThere: true, LostBack: true},
		{Field: "serviceLabels", After: `{a: b}`},
	}
}

// scaling are edits of how many pods there are, none of which restarts those that stay.
func scaling() []Edit {
	const autoscaler = `maxReplicas: 3, minReplicas: 1, cpu: {targetAverageUtilization: 80}`
	return []Edit{
		{Field: "replicaCount", Before: `1`, After: `2`},
		{Field: "autoscaleEnabled", Around: autoscaler, Before: `false`, After: `true`},
		{Field: "minReplicas", Around: autoscaler, Before: `1`, After: `2`},
		{Field: "maxReplicas", Around: autoscaler, Before: `3`, After: `4`},
		{Field: "cpu", Around: autoscaler, Before: `{targetAverageUtilization: 80}`, After: `{targetAverageUtilization: 60}`},
		{Field: "memory", Around: autoscaler, After: `{targetAverageUtilization: 80}`},
		{Field: "rollingMaxSurge", After: `25%`},
		{Field: "rollingMaxUnavailable", After: `"0"`},
	}
}

// placement are edits of where the gateway is, and of what differs there.
func placement() []Edit {
	return []Edit{
		{Field: "clusterIds", Before: `[` + Cluster + `]`, After: `[` + Cluster + `, ` + Other + `]`, LostBack: true},
		{Field: "overrides", How: "of the pods", After: `{` + Cluster + `: {podAnnotations: {a: b}}}`, Restart: true},
		{Field: "overrides", How: "of the resources", After: `{` + Cluster + `: {resources: {limits: {cpu: 4}}}}`, Restart: true},
		{Field: "overrides", How: "of the Service", After: `{` + Cluster + `: {serviceType: NodePort}}`, LostThere: true},
		{Field: "overrides", How: "of what is not honoured there", After: `{` + Cluster + `: {runAsRoot: true}}`},
		{Field: "overrides", How: "of another cluster", After: `{` + Other + `: {podAnnotations: {a: b}}}`},
	}
}

// others are edits of what is neither in the pods nor in the Service.
func others() []Edit {
	return []Edit{
		{Field: "gatewayType", Before: `ingress`, After: `egress`},
		{Field: "compression", After: `{enabled: true, gzip: {}}`},
		{Field: "autoCreateGatewayYaml", After: `true`},
		{Field: "sds", After: `{enabled: true}`},
		{Field: "meshExpansionPorts", After: `[{port: 15011}]`},
		{Field: "applicationPorts", After: `"80"`},
		{Field: "requestedNetworkView", After: `network`},
	}
}

// annotations are edits of the annotations that count, and of one that does not.
func annotations() []Edit {
	const project = `annotations: {` + gateway.AnnotationLogProject + `: logs}`
	const hosts = `autoCreateGatewayYaml: true, ports: [{port: 443, name: https}], annotations: {` + gateway.AnnotationTLSHosts + `: a.example.com}`
	const issuer = `autoCreateGatewayYaml: true, ports: [{port: 443, name: https}], annotations: {` + gateway.AnnotationIssuer + `: ours}`
	return []Edit{
		{Field: gateway.AnnotationDrainTimeout, Before: "30", After: "60", Restart: true},
		{Field: gateway.AnnotationLogProject, After: "logs", Restart: true},
		{Field: gateway.AnnotationLogConfig, Around: project, After: "config", Restart: true},
		{Field: gateway.AnnotationLogConfig, How: "without a project", After: "config"},
		{Field: gateway.AnnotationLogMachineGroup, Around: project, After: "group", Restart: true},
		{Field: gateway.AnnotationManagedByASM, After: "true"},
		{Field: gateway.AnnotationExportMetrics, After: Cluster},
		{Field: gateway.AnnotationReplicasManagedByASM, After: "false"},
		{Field: gateway.AnnotationCanary, After: "true"},
		{Field: gateway.AnnotationIssuer, Around: hosts, Before: "ours", After: "another"},
		{Field: gateway.AnnotationClusterIssuer, Around: hosts, After: "ours"},
		{Field: gateway.AnnotationTLSHosts, Around: issuer, Before: "a.example.com", After: "a.example.com,b.example.com"},
		{Field: gateway.AnnotationLoadBalancers, After: `[{name: private}]`, LostBack: true},
		{Field: gateway.AnnotationLoadBalancers, How: "to what a live load balancer can change", Before: `[{name: private}]`,
			After: `[{name: private, externalTrafficPolicy: Local, annotations: {` + balancer + `spec: slb.s1.small}}]`},
		{Field: gateway.AnnotationLoadBalancers, How: "to what it cannot", Before: `[{name: private, loadBalancerIP: 192.0.2.1}]`,
			After: `[{name: private, loadBalancerIP: 192.0.2.2}]`, LostThere: true, LostBack: true},
		{Field: "example.com/team", Before: "edge", After: "core"},
	}
}

// appearances are edits that change how something is written, and nothing else.
func appearances() []Edit {
	return []Edit{
		{Field: "resources", How: "spelled otherwise", Before: `{limits: {cpu: 2000m, memory: 1024Mi}}`, After: `{limits: {cpu: 2, memory: 1Gi}}`},
		{Field: "resources", How: "that are the default", After: `{limits: {cpu: 2, memory: 2G}, requests: {cpu: 200m, memory: 256Mi}}`},
		{Field: "dnsPolicy", How: "that is the default", After: `ClusterFirst`},
		{Field: "readinessProbe", How: "that is the default", After: `{periodSeconds: 15, failureThreshold: 4, successThreshold: 1}`},
		{Field: "disableContainerPortExposed", How: "that is the default", After: `true`},
		{Field: "ports", How: "with their names written out", Before: `[{port: 80}]`, After: `[{port: 80, name: tcp-80, protocol: TCP, targetPort: 80}]`},
	}
}
