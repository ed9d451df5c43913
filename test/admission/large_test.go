package admission_test

import (
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// portsUpTo are so many ports, in YAML.
func portsUpTo(count int) string {
	items := make([]string, count)
	for i := range items {
		items[i] = fmt.Sprintf("{name: p%d, port: %d}", i, i%65535+1)
	}
	return "[" + strings.Join(items, ", ") + "]"
}

var _ = DescribeTable("A gateway that is too large is refused, and the guard goes on,",
	func(ctx context.Context, spec, want string) {
		Expect(create(ctx, gatewayYAML("large", spec))).To(MatchError(ContainSubstring(want)))
		expectCreated(ctx, gatewayYAML("small", "{clusterIds: [c8a4b2xxxxxx]}"))
	},
	Entry("with 10,000 ports", "{clusterIds: [c8a4b2xxxxxx], ports: "+portsUpTo(10000)+"}", "spec.ports must have at most 1024 items, has 10000"),
	// The API server itself takes no request of more than 3 MiB.
	Entry("of 5 MiB", "{clusterIds: [c8a4b2xxxxxx], podAnnotations: {a: "+strings.Repeat("x", 5<<20)+"}}", "Request entity too large: limit is 3145728"),
	// That is the largest it takes, and more than it stores.
	Entry("of 2 MiB", "{clusterIds: [c8a4b2xxxxxx], podAnnotations: {a: "+strings.Repeat("x", 2<<20)+"}}", "trying to send message larger than max"),
)
