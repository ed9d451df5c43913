package reconcile_test

import (
	"context"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// rival empties a gateway's Role whenever it is not empty, as fast as it can, until it is stopped. It counts how often.
func rival(gw *v1beta1.IstioGateway) (emptied *atomic.Int32, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	// Read once: whoever has the gateway goes on to read it anew.
	name := "istio-" + gw.Name
	emptied, done := &atomic.Int32{}, make(chan struct{})
	go func() {
		defer close(done)
		wait.UntilWithContext(ctx, func(ctx context.Context) {
			role := &rbacv1.Role{}
			if admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, role) != nil || len(role.Rules) == 0 {
				return
			}
			if admin.Patch(ctx, role, client.RawPatch("application/merge-patch+json", []byte(`{"rules":[]}`)), client.FieldOwner("rival")) == nil {
				emptied.Add(1)
			}
		}, 20*time.Millisecond)
	}()
	return emptied, func() { cancel(); <-done }
}

// rulesOf is how many rules a gateway's Role has.
func rulesOf(ctx context.Context, gw *v1beta1.IstioGateway) int {
	role := &rbacv1.Role{}
	if err := admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "istio-" + gw.Name}, role); err != nil {
		return -1
	}
	return len(role.Rules)
}

// contestedOf are the sentences of the events that tell of an object of a gateway that is contested.
func contestedOf(ctx context.Context, gw *v1beta1.IstioGateway) []string {
	list := &eventsv1.EventList{}
	if err := admin.List(ctx, list); err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, event := range list.Items {
		if event.Regarding.Name == gw.Name && event.Reason == "Contested" {
			out = append(out, event.Note)
		}
	}
	return out
}

var _ = Describe("An object that somebody else changes as often as it is put right", func() {
	It("is let be for a minute, told of, and taken up again", func(ctx context.Context) {
		gw := gatewayOf("contested", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
		expectApplied(ctx, gw)
		expectReady(ctx, gw)
		rules := rulesOf(ctx, gw)
		Expect(rules).To(BeNumerically(">", 0))
		emptied, stop := rival(gw)
		DeferCleanup(stop)

		By("giving way after six times")
		Eventually(contestedOf).WithArguments(ctx, gw).Should(ConsistOf(And(ContainSubstring("Role istio-contested"), ContainSubstring("rival"))))
		began := time.Now()
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(Equal("False ClusterFailed"))
		Expect(gw.Status.Clusters).To(ConsistOf(HaveField("Message", And(
			ContainSubstring("applying Role istio-system/istio-contested: rival changes it as often as it is put right; it is let be until"),
			ContainSubstring("find out who that is")))))
		Eventually(emptied.Load).Should(BeEquivalentTo(7), "six corrections, each of which it undoes, after the first time")
		Consistently(emptied.Load).Should(BeEquivalentTo(7))
		Expect(rulesOf(ctx, gw)).To(BeZero())

		By("going on with everything else meanwhile")
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.ReplicaCount = new(int32(2)) })
		Eventually(replicasOf).WithArguments(ctx, gw).Should(BeEquivalentTo(2))
		Expect(rulesOf(ctx, gw)).To(BeZero())

		By("taking it up again, at the next thing that happens to the gateway")
		stop()
		Eventually(func(g Gomega) {
			expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) {
				gw.Spec.ServiceAnnotations = map[string]string{"example.com/now": time.Now().Format("15-04-05")}
			})
			g.Expect(rulesOf(ctx, gw)).To(Equal(rules))
		}).WithTimeout(90 * time.Second).WithPolling(3 * time.Second).Should(Succeed())
		Expect(time.Since(began)).To(BeNumerically(">", 55*time.Second))
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(Equal("True Applied"))
	})
})
