package cluster_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/test/env/wire"
)

// identityOf is which cluster a registration is found to be of.
func identityOf(ctx context.Context, id string) string {
	registered := &v1alpha1.GatewayCluster{}
	if err := admin.Get(ctx, client.ObjectKey{Name: id}, registered); err != nil {
		return err.Error()
	}
	return registered.Status.Identity
}

// uidOf is the UID of a cluster's own namespace.
func uidOf(ctx context.Context, reach client.Client) string {
	GinkgoHelper()
	system := &corev1.Namespace{}
	Expect(reach.Get(ctx, client.ObjectKey{Name: "kube-system"}, system)).To(Succeed())
	return string(system.UID)
}

// unregister ends a registration, and takes the Secret first, which would register the cluster again.
func unregister(ctx context.Context, id string) {
	GinkgoHelper()
	Expect(admin.Delete(ctx, secretOf(id, nil))).To(Succeed())
	Expect(admin.Delete(ctx, &v1alpha1.GatewayCluster{ObjectMeta: metav1.ObjectMeta{Name: id}})).To(Succeed())
}

var _ = Describe("a cluster that is registered twice", func() {
	It("is connected under the first ID, and under the other one when the first goes", func(ctx context.Context) {
		register(ctx, "a-first", kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))
		Eventually(reachable(ctx, "a-first")).Should(saying(metav1.ConditionTrue, "Connected", ""))
		Expect(identityOf(ctx, "a-first")).To(Equal(uidOf(ctx, remote)))
		register(ctx, "b-second", kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))
		Eventually(reachable(ctx, "b-second")).Should(saying(metav1.ConditionFalse, "AlreadyRegistered", "cluster b-second is registered as a-first already"))
		Expect(identityOf(ctx, "b-second")).To(Equal(uidOf(ctx, remote)))
		Consistently(func() error { _, err := registry.Get("b-second"); return err }).Should(MatchError(ContainSubstring("is registered as a-first already")))
		Expect(registry.Get("a-first")).NotTo(BeNil())
		unregister(ctx, "a-first")
		Eventually(reachable(ctx, "b-second")).Should(saying(metav1.ConditionTrue, "Connected", ""))
		Expect(registry.Get("b-second")).NotTo(BeNil())
	})

	It("goes over to the ID that is older, when that turns out to be the same cluster", func(ctx context.Context) {
		w := wireTo(elsewhere)
		w.Set(wire.Cut)
		register(ctx, "a-older", kubeconfig(elsewhere.Config, w.Address()))
		Eventually(reachable(ctx, "a-older")).Should(saying(metav1.ConditionFalse, "NotConnected", ""))
		Expect(identityOf(ctx, "a-older")).To(BeEmpty())
		register(ctx, "b-younger", kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))
		Eventually(reachable(ctx, "b-younger")).Should(saying(metav1.ConditionTrue, "Connected", ""))
		w.Set(wire.Passing)
		Eventually(reachable(ctx, "a-older")).Should(saying(metav1.ConditionTrue, "Connected", ""))
		Eventually(reachable(ctx, "b-younger")).Should(saying(metav1.ConditionFalse, "AlreadyRegistered", "is registered as a-older already"))
		Eventually(func() error { _, err := registry.Get("b-younger"); return err }).Should(MatchError(ContainSubstring("is registered as a-older already")))
	})

	It("keeps its first ID while it is lost", func(ctx context.Context) {
		w := wireTo(elsewhere)
		register(ctx, "a-lost", kubeconfig(elsewhere.Config, w.Address()))
		Eventually(reachable(ctx, "a-lost")).Should(saying(metav1.ConditionTrue, "Connected", ""))
		w.Set(wire.Cut)
		Eventually(reachable(ctx, "a-lost")).Should(saying(metav1.ConditionFalse, "NotConnected", ""))
		register(ctx, "b-still", kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))
		Eventually(reachable(ctx, "b-still")).Should(saying(metav1.ConditionFalse, "AlreadyRegistered", "is registered as a-lost already"))
	})

	It("is told where it is the one that we run in", func(ctx context.Context) {
		register(ctx, "a-remote", kubeconfig(hub.Config, wireTo(hub).Address()))
		Eventually(reachable(ctx, "a-remote")).Should(saying(metav1.ConditionTrue, "Connected", ""))
		local := &v1alpha1.GatewayCluster{ObjectMeta: metav1.ObjectMeta{Name: "b-local"}}
		local.Spec.Local = new(true)
		keep(ctx, local)
		Eventually(reachable(ctx, "b-local")).Should(saying(metav1.ConditionFalse, "AlreadyRegistered", "is registered as a-remote already"))
		unregister(ctx, "a-remote")
		Eventually(reachable(ctx, "b-local")).Should(saying(metav1.ConditionTrue, "Local", ""))
	})

	It("is connected under another kubeconfig that leads elsewhere", func(ctx context.Context) {
		register(ctx, "a-kept", kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))
		Eventually(reachable(ctx, "a-kept")).Should(saying(metav1.ConditionTrue, "Connected", ""))
		register(ctx, "b-mended", kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))
		Eventually(reachable(ctx, "b-mended")).Should(saying(metav1.ConditionFalse, "AlreadyRegistered", ""))
		replace(ctx, "b-mended", kubeconfig(hub.Config, wireTo(hub).Address()))
		Eventually(reachable(ctx, "b-mended")).Should(saying(metav1.ConditionTrue, "Connected", ""))
		Expect(identityOf(ctx, "b-mended")).To(Equal(uidOf(ctx, admin)))
	})
})
