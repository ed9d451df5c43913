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
		`namespace: metadata.namespace: must be istio-system, is elsewhere (create the gateway with kubectl -n istio-system)`),
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
		`kernel_parameters: spec.kernel.parameters.net.ipv4.tcp_fin_timeout: must be absent on the host's network, is set: no pod would start, and new ones be made without end (remove it, or set spec.hostNetwork to false)`),
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
