package reconcile_test

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// readdress gives a gateway's load balancer another address, as a cloud that lost it does.
func readdress(ctx context.Context, gw *v1beta1.IstioGateway, address string) {
	GinkgoHelper()
	service := expectExists(ctx, gw, &corev1.Service{})
	patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"status":{"loadBalancer":{"ingress":[{"ip":%q}]}}}`, address))
	Expect(admin.Status().Patch(ctx, service, patch)).To(Succeed())
}

var _ = Describe("An address", func() {
	It("that changed is in the status with the one before, and told of once", func(ctx context.Context) {
		gw := gatewayOf("readdressed", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
		expectApplied(ctx, gw)
		expectReady(ctx, gw)
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionAddressAssigned).Should(Equal("True Assigned"))
		first := gw.Status.GatewayAddress[0]
		addresses := func() []string {
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
			return gw.Status.GatewayAddress
		}

		readdress(ctx, gw, "198.51.100.7")
		Eventually(addresses).Should(Equal([]string{"198.51.100.7"}))
		Expect(gw.Status.Clusters[0].PastAddresses).To(HaveExactElements(HaveField("Address", first)))
		until := gw.Status.Clusters[0].PastAddresses[0].Until
		Expect(until.IsZero()).To(BeFalse())

		readdress(ctx, gw, "198.51.100.8")
		Eventually(addresses).Should(Equal([]string{"198.51.100.8"}))
		Expect(gw.Status.Clusters[0].PastAddresses).To(HaveExactElements(HaveField("Address", "198.51.100.7"), HaveField("Address", first)))
		Expect(gw.Status.Clusters[0].PastAddresses[1].Until).To(Equal(until))

		Eventually(notes).WithArguments(ctx, gw, "AddressChanged").Should(ConsistOf(
			"Changed address in cluster local from "+first+" to 198.51.100.7",
			"Changed address in cluster local from 198.51.100.7 to 198.51.100.8",
		))
		touch(ctx, gw, "afterwards")
		Consistently(notes).WithArguments(ctx, gw, "AddressChanged").Should(HaveLen(2))
	})
})
