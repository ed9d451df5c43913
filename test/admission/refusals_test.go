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

var _ = Describe("A gateway that is wrong in several ways", func() {
	It("is refused with a line for each", func(ctx context.Context) {
		err := create(ctx, gatewayYAML("edge", `{clusterIds: [nowhere], kernel: {enabled: true, parameters: {kernel.printk: "4"}}}`))
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		Expect(strings.Split(sentence(err), "\n")).To(Equal([]string{
			`cluster_ids: spec.clusterIds[0]: must be the ID of a registered cluster, is nowhere (list the clusters with kubectl get gatewayclusters)`,
			`kernel_parameters: spec.kernel.parameters.kernel.printk: must be a parameter that a pod can set, is one of the whole node (remove it, and set it on the nodes)`,
		}))
	})
})

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
