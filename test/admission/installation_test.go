package admission_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

var _ = Describe("An installation with a configuration of its own", Serial, func() {
	BeforeEach(func() {
		webhook.stop()
		webhook.start(`{zone_spread: {enabled: true}, namespace: {allowed: [istio-system, elsewhere]}, defaults: {all: {clusterIds: [serverless]}}}`)
		DeferCleanup(func() {
			webhook.stop()
			webhook.start("{}")
		})
	})

	It("spreads the pods of a gateway by node and zone", func(ctx context.Context) {
		term := func(topology string) string {
			return `{weight: 100, podAffinityTerm: {labelSelector: {matchLabels: {app: istio-edge}}, topologyKey: ` + topology + `}}`
		}
		stored{gw(`{clusterIds: [machines], replicaCount: 2}`), `{affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [` +
			term("kubernetes.io/hostname") + `, ` + term("topology.kubernetes.io/zone") + `]}}}`}.expectStored(ctx)
		stored{named("alone", `{clusterIds: [machines]}`), `{affinity: null}`}.expectStored(ctx)
		stored{named("virtual", `{clusterIds: [serverless], replicaCount: 2}`), `{affinity: null}`}.expectStored(ctx)
	})

	It("places a gateway that names no cluster, and fits it to what it is placed in", func(ctx context.Context) {
		stored{gw(`{}`), `{clusterIds: [serverless], tolerations: [{key: virtual-kubelet.io/provider, operator: Equal, value: alibabacloud, effect: NoSchedule}]}`}.expectStored(ctx)
	})
})

var _ = Describe("A mesh that is too old for managed gateways", Serial, func() {
	It("gets none", func(ctx context.Context) {
		managed := &v1alpha1.GatewayCluster{
			ObjectMeta: metav1.ObjectMeta{Name: "old-managed"},
			Spec: v1alpha1.GatewayClusterSpec{
				KubeconfigSecret: &v1alpha1.SecretReference{Namespace: namespace, Name: "old-managed"},
				Managed:          new(true), Mesh: &v1alpha1.MeshProfile{Version: "1.18.0.146"},
			},
		}
		Expect(admin.Create(ctx, managed)).To(Succeed())
		DeferCleanup(func(ctx context.Context) {
			Expect(admin.Delete(ctx, managed)).To(Succeed())
			Eventually(ctx, func() error { return admin.Create(ctx, parse(with(byASM, `{}`)), client.DryRunAll) }).Should(Succeed())
		})
		Eventually(ctx, func() string { return sentence(admin.Create(ctx, parse(with(byASM, `{}`)), client.DryRunAll)) }).Should(Equal(
			`managed_placement: metadata.annotations.asm.alibabacloud.com/managed-by-asm: must be on mesh 1.18.0.147 or later, is on 1.18.0.146 (update the mesh, or name the gateway's clusters in spec.clusterIds instead)`))
		Expect(apierrors.IsForbidden(create(ctx, with(byASM, `{}`)))).To(BeTrue())
	})
})
