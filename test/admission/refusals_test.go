package admission_test

import (
	"context"
	"errors"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// asStatus finds the API server's answer in an error.
func asStatus(err error, status *apierrors.APIStatus) bool {
	return errors.As(err, status)
}

var _ = DescribeTable("A gateway is refused, in words that a person can act on,",
	func(ctx context.Context, text string, want ...string) {
		err := create(ctx, text)
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		Expect(strings.Split(sentence(err), "\n")).To(Equal(want))
	},
	Entry("outside istio-system",
		strings.Replace(gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx]}`), "istio-system", "elsewhere", 1),
		`namespace: metadata.namespace: must be istio-system, is elsewhere (create the gateway in istio-system)`),
	Entry("without a cluster", gatewayYAML("edge", `{}`),
		`cluster_ids: spec.clusterIds: must name at least one cluster, names none (list the clusters with kubectl get gatewayclusters)`),
	Entry("in a cluster that is not registered", gatewayYAML("edge", `{clusterIds: [nowhere]}`),
		`cluster_ids: spec.clusterIds[0]: must be the ID of a registered cluster, is nowhere (list the clusters with kubectl get gatewayclusters)`),
	Entry("with an override for a cluster that it does not name",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx, c9f3e7xxxxxx], overrides: {elsewhere: {replicaCount: 2}}}`),
		`override_clusters: spec.overrides.elsewhere: must be for one of the clusters in spec.clusterIds, is for elsewhere (add elsewhere to spec.clusterIds, or remove the override)`),
	Entry("with an override and one cluster",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], overrides: {c8a4b2xxxxxx: {replicaCount: 2}}}`),
		`override_clusters: spec.overrides: must be absent with fewer than 2 clusters, is set with 1 (write what the overrides say directly under spec)`),
	Entry("with an override that would be ignored",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx, c9f3e7xxxxxx], overrides: {c9f3e7xxxxxx: {hostNetwork: true}}}`),
		`override_fields: spec.overrides.c9f3e7xxxxxx.hostNetwork: must be one of autoscaleEnabled, cpu, maxReplicas, memory, minReplicas, podAnnotations, replicaCount, resources, serviceAnnotations, serviceType, is hostNetwork (set it under spec for all clusters, or make a gateway of its own for the cluster)`),
	Entry("with an override that its mesh is too old for",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx, old-mesh], overrides: {old-mesh: {serviceType: ClusterIP}}}`),
		`override_fields: spec.overrides.old-mesh.serviceType: must be honoured per cluster, is from mesh 1.16 on only; the mesh is on 1.15.3 (set it under spec for all clusters, or make a gateway of its own for the cluster)`),
	Entry("with an override that puts the minimum above the maximum",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx, c9f3e7xxxxxx], maxReplicas: 4, cpu: {targetAverageUtilization: 80}, overrides: {c9f3e7xxxxxx: {minReplicas: 6}}}`),
		`autoscaling: spec.overrides.c9f3e7xxxxxx.minReplicas: must be at most maxReplicas, which is 4, is 6 (lower minReplicas or raise maxReplicas)`),
	Entry("with a target and nothing to measure against",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], maxReplicas: 4, cpu: {targetAverageUtilization: 80}, resources: {limits: {memory: 1Gi}}}`),
		`autoscaling: spec.resources.requests.cpu: must be set for the cpu target to be measured against, is absent (set the request, or remove the target)`),
	Entry("with a kernel parameter that no pod can set",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], kernel: {enabled: true, parameters: {vm.swappiness: "10"}}}`),
		`kernel_parameters: spec.kernel.parameters.vm.swappiness: must be a parameter that a pod can set, is one of the whole node (remove it, and set it on the nodes)`),
	Entry("with kernel parameters on its node's network",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], hostNetwork: true, kernel: {enabled: true, parameters: {net.ipv4.tcp_fin_timeout: "30"}}}`),
		`kernel_parameters: spec.kernel.parameters.net.ipv4.tcp_fin_timeout: must be absent on the host's network, is set: no pod would start, and new ones would be made without end (remove it, or set spec.hostNetwork to false)`),
	Entry("managed by ASM and in a cluster too",
		strings.Replace(gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx]}`), "name: edge", `name: edge, annotations: {asm.alibabacloud.com/managed-by-asm: "true"}`, 1),
		`managed_placement: spec.clusterIds: must be absent on a gateway that ASM manages, is set (remove it, or remove the annotation asm.alibabacloud.com/managed-by-asm)`),
	Entry("managed by ASM and on NodePort",
		strings.Replace(gatewayYAML("edge", `{serviceType: NodePort}`), "name: edge", `name: edge, annotations: {asm.alibabacloud.com/managed-by-asm: "true"}`, 1),
		`managed_placement: spec.serviceType: must be one of ClusterIP, LoadBalancer on a gateway that ASM manages, is NodePort (choose one of them)`),
	Entry("for two reasons at once, each on a line",
		gatewayYAML("edge", `{clusterIds: [nowhere], kernel: {enabled: true, parameters: {kernel.printk: "4"}}}`),
		`cluster_ids: spec.clusterIds[0]: must be the ID of a registered cluster, is nowhere (list the clusters with kubectl get gatewayclusters)`,
		`kernel_parameters: spec.kernel.parameters.kernel.printk: must be a parameter that a pod can set, is one of the whole node (remove it, and set it on the nodes)`),
	Entry("with a rolling update that stops its only pod",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], rollingMaxUnavailable: "1"}`),
		`rolling_update: spec.rollingMaxUnavailable: must leave a pod running, is 1 of 1 (set rollingMaxUnavailable to 0 and rollingMaxSurge to 1 or more: a pod goes when the new one is there)`),
	Entry("with a limit below its request",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], resources: {limits: {cpu: "1", memory: 1G}, requests: {memory: 2G}}}`),
		`resources: spec.resources.limits.memory: must be at least the request, which is 2G, is 1G (raise the limit, or lower the request)`),
	Entry("with a port that istio-proxy keeps to itself",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], ports: [{name: a, port: 80, targetPort: 15001}]}`),
		`ports: spec.ports[0].targetPort: must be free for traffic, is 15001, which istio-proxy keeps to itself (choose another target port)`),
	Entry("with a traffic policy on a ClusterIP Service",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], serviceType: ClusterIP, externalTrafficPolicy: Local}`),
		`service: spec.externalTrafficPolicy: must be absent on a ClusterIP Service, is Local (remove it)`),
	Entry("with an environment variable of istio-proxy's own",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], env: [{name: POD_NAME, value: x}]}`),
		`env: spec.env[0].name: must not be one that istio-proxy's own environment uses, is POD_NAME (remove it, or choose another name)`),
	Entry("with a volume over istio-proxy's own",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], secretVolumes: [{name: certs, secretName: certs, mountPath: /etc/istio/proxy}]}`),
		`volumes: spec.secretVolumes[0].mountPath: must be apart from /etc/istio/proxy, which is taken, is /etc/istio/proxy (choose a path of its own, for example below /etc/my-gateway)`),
	Entry("with a label that replaces the selector's",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], podLabels: {app: mine}}`),
		`labels: spec.podLabels.app: must be istio-edge, is mine (remove it)`),
	Entry("with the name of another one's canary", gatewayYAML("edge-canary", `{clusterIds: [c8a4b2xxxxxx]}`),
		`name: metadata.name: must not end in -canary, is edge-canary: the canary of edge is called so (create the gateway under another name, and remove this one when its traffic has moved)`),
	Entry("with compression at the egress",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], gatewayType: egress, serviceType: ClusterIP, compression: {enabled: true}}`),
		`compression: spec.compression.enabled: must be false on an egress gateway, is true (remove spec.compression)`),
	Entry("on NodePort where every node is virtual",
		gatewayYAML("edge", `{clusterIds: [serverless], serviceType: NodePort}`),
		`virtual_nodes: spec.serviceType: must be one of ClusterIP, LoadBalancer on virtual nodes, is NodePort (choose one of them)`),
	Entry("kept off the only nodes that there are",
		gatewayYAML("edge", `{clusterIds: [serverless], nodeSelector: {type: machine}}`),
		`serverless_tolerations: spec.nodeSelector: must be met by a node in every cluster, keeps off virtual nodes, and serverless has no others (remove it, or make a gateway of its own for the clusters with machines)`),
	Entry("with a drain that no load balancer can do",
		strings.Replace(gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx]}`), "name: edge", `name: edge, annotations: {asm.alibabacloud.com/gateway-drain-timeout-seconds: "5"}`, 1),
		`drain: metadata.annotations.asm.alibabacloud.com/gateway-drain-timeout-seconds: must be between 10 and 890 seconds behind a load balancer, is 5 (choose a time between them)`),
	Entry("with a hook that outlives the pod",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], lifecycle: {preStop: {exec: {command: [sleep, "60"]}}}}`),
		`lifecycle: spec.lifecycle.preStop.exec.command: must end before the 60 seconds that pods have to stop, sleeps 60 (use preStop.sleep, which gives pods as much longer; a command's time is not known)`),
	Entry("on a port of its node",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], hostNetwork: true, runAsRoot: true, ports: [{name: ssh, port: 22}]}`),
		`host_network: spec.ports[0].targetPort: must be a port that nodes do not use themselves, is 22 (choose another target; the Service may keep its port)`),
)

var _ = DescribeTable("A gateway is let in with a warning",
	func(ctx context.Context, text, want string) {
		warnings.take()
		gateway := expectCreated(ctx, text)
		Expect(gateway.GetUID()).NotTo(BeEmpty())
		Expect(warnings.take()).To(ContainElement(want))
	},
	Entry("without limits",
		gatewayYAML("warned", `{clusterIds: [c8a4b2xxxxxx], resources: {requests: {cpu: 200m, memory: 256Mi}}}`),
		`resources: spec.resources.limits.cpu: must be set for a proxy to leave something to others on its node, is absent (set the limit)`),
	Entry("with its pods' metrics in public",
		gatewayYAML("warned", `{clusterIds: [c8a4b2xxxxxx], ports: [{name: status-port, port: 15020}]}`),
		`ports: spec.ports[0].targetPort: must not lead to the metrics of a pod from a public load balancer, is 15020 in c8a4b2xxxxxx (remove the port, or set the annotation service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type to intranet)`),
	Entry("with a field that nothing reads",
		gatewayYAML("warned", `{clusterIds: [c8a4b2xxxxxx], sds: {enabled: true}}`),
		`undocumented: spec.sds: must be absent, is set: nothing reads it (remove it; certificates come by SDS always)`),
	Entry("with one pod in production",
		strings.Replace(gatewayYAML("warned", `{clusterIds: [c8a4b2xxxxxx]}`), "name: warned", `name: warned, labels: {environment: production}`, 1),
		`availability: spec.replicaCount: must be at least 2 in production, is 1 (raise it)`),
	Entry("on its node's network",
		gatewayYAML("warned", `{clusterIds: [c8a4b2xxxxxx], hostNetwork: true, runAsRoot: true}`),
		`host_network: spec.hostNetwork: must be false for pods to be kept apart from their nodes, is true: they reach what the node reaches (set it to false; a Service of type LoadBalancer reaches the pods)`),
	Entry("with a target and no autoscaler",
		gatewayYAML("warned", `{clusterIds: [c8a4b2xxxxxx], cpu: {targetAverageUtilization: 80}}`),
		`autoscaling: spec.maxReplicas: must be set for an autoscaler to be made, is absent (set maxReplicas, or remove the target)`),
)

var _ = DescribeTable("What is malformed is refused by the API server or, when it comes first, by the guard,",
	func(ctx context.Context, text string, want string) {
		Expect(sentence(create(ctx, text))).To(ContainSubstring(want))
	},
	Entry("an unknown field", gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], replicas: 2}`),
		`unknown field "spec.replicas"`),
	Entry("a kernel parameter that does not exist",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], kernel: {parameters: {fs.file-max: "1"}}}`),
		`unknown field "spec.kernel.parameters.fs.file-max"`),
	Entry("text for a number", gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], replicaCount: two}`),
		`request.object: spec.replicaCount must be of type integer, is string`),
	Entry("an unquoted kernel parameter",
		gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], kernel: {enabled: true, parameters: {net.core.somaxconn: 65535}}}`),
		`request.object: spec.kernel.parameters.net.core.somaxconn must be of type string, is number`),
	Entry("a type of gateway that does not exist", gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], gatewayType: cross-network}`),
		`spec.gatewayType: Unsupported value: "cross-network": supported values: "ingress", "egress"`),
	Entry("a minimum above the maximum", gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], minReplicas: 3, maxReplicas: 2}`),
		`minReplicas must not be above maxReplicas`),
	Entry("a cluster that is named twice", gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx, c8a4b2xxxxxx]}`),
		`spec.clusterIds[1]: Duplicate value: "c8a4b2xxxxxx"`),
	Entry("an update that could replace no pod", gatewayYAML("edge", `{clusterIds: [c8a4b2xxxxxx], rollingMaxSurge: "0", rollingMaxUnavailable: "0"}`),
		`no pod could ever be replaced`),
)
