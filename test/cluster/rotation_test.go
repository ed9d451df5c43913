package cluster_test

import (
	"context"
	"fmt"
	"runtime"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crcluster "sigs.k8s.io/controller-runtime/pkg/cluster"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/cluster"
	"portcullis.dev/portcullis/test/env/wire"
)

var _ = Describe("rotating a kubeconfig", func() {
	It("keeps the old connection until the new one is ready", func(ctx context.Context) {
		id, w := "rotated", wireTo(elsewhere)
		register(ctx, id, kubeconfig(elsewhere.Config, w.Address()))
		Eventually(reachable(ctx, id)).Should(saying(metav1.ConditionTrue, "Connected", ""))
		before := connection(id)
		next := wireTo(elsewhere)
		next.Set(wire.Cut)
		replace(ctx, id, kubeconfig(elsewhere.Config, next.Address()))
		Consistently(func() crcluster.Cluster { return connection(id) }).WithTimeout(500 * quick.FirstPause / 50).Should(BeIdenticalTo(before))
		next.Set(wire.Passing)
		Eventually(func() crcluster.Cluster { return connection(id) }).ShouldNot(BeIdenticalTo(before))
	})

	It("never has a gap", func(ctx context.Context) {
		id := "gapless"
		register(ctx, id, kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))
		Eventually(reachable(ctx, id)).Should(saying(metav1.ConditionTrue, "Connected", ""))
		asking, stop := context.WithCancel(ctx)
		gaps := make(chan error, 1)
		go func() {
			defer close(gaps)
			for asking.Err() == nil {
				if _, err := registry.Get(id); err != nil {
					gaps <- err
					return
				}
			}
		}()
		for range 5 {
			before := connection(id)
			replace(ctx, id, kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))
			Eventually(func() crcluster.Cluster { return connection(id) }).ShouldNot(BeIdenticalTo(before))
		}
		stop()
		Eventually(gaps).Should(BeClosed())
	})

	It("is counted", func(ctx context.Context) {
		id := "counted"
		register(ctx, id, kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))
		Eventually(func() crcluster.Cluster { return connection(id) }).ShouldNot(BeNil())
		replace(ctx, id, kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))
		Eventually(seriesOf).WithArguments(id).Should(HaveKeyWithValue("portcullis_cluster_rotations_total", 1.0))
		registry.Remove(id)
		Expect(seriesOf(id)).To(BeEmpty())
	})

	It("keeps the connection when the new kubeconfig is no good, and says so", func(ctx context.Context) {
		id := "spoiled"
		register(ctx, id, kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))
		Eventually(reachable(ctx, id)).Should(saying(metav1.ConditionTrue, "Connected", ""))
		before := connection(id)
		replace(ctx, id, []byte(withCommand))
		Eventually(reachable(ctx, id)).Should(saying(metav1.ConditionFalse, "InvalidKubeconfig", "users[u].exec"))
		Expect(connection(id)).To(BeIdenticalTo(before))
	})

	It("leaves no goroutine behind (istio#57269)", func(ctx context.Context) {
		background, stop := context.WithCancel(ctx)
		defer stop()
		alone := cluster.NewRegistry(background, options(nil))
		set := func() {
			Expect(alone.Set("leaky", kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))).To(Succeed())
		}
		get := func() crcluster.Cluster { out, _ := alone.Get("leaky"); return out }
		set()
		Eventually(get).ShouldNot(BeNil())
		first := runtime.NumGoroutine()
		for range 10 {
			before := get()
			set()
			Eventually(get).ShouldNot(BeIdenticalTo(before))
		}
		// Each wire's own goroutines are some; a leaked connection has over thirty.
		Eventually(runtime.NumGoroutine).Should(BeNumerically("<", first+100))
		alone.Remove("leaky")
		Eventually(get).Should(BeNil())
	})
})

var _ = Describe("a remote secret", func() {
	It("registers each of its clusters, and takes them along when it goes", func(ctx context.Context) {
		raw, other := kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()), kubeconfig(hub.Config, wireTo(hub).Address())
		secret := secretOf("istio-remote-secret-two", map[string][]byte{"one": raw, "two": other, "Not_A_Name": raw})
		keep(ctx, secret)
		for _, id := range []string{"one", "two"} {
			Eventually(reachable(ctx, id)).Should(saying(metav1.ConditionTrue, "Connected", ""))
		}
		Expect(admin.Delete(ctx, secret)).To(Succeed())
		for _, id := range []string{"one", "two"} {
			Eventually(func() error { return admin.Get(ctx, client.ObjectKey{Name: id}, &v1alpha1.GatewayCluster{}) }).Should(MatchError(ContainSubstring("not found")))
			Eventually(func() error { _, err := registry.Get(id); return err }).Should(HaveOccurred())
		}
	})

	It("that comes second for a cluster is left aside and told, and serves when the first one goes", func(ctx context.Context) {
		raw := kubeconfig(elsewhere.Config, wireTo(elsewhere).Address())
		first, second := secretOf("istio-remote-secret-first", map[string][]byte{"twice": raw}), secretOf("istio-remote-secret-second", map[string][]byte{"twice": raw})
		keep(ctx, first)
		Eventually(reachable(ctx, "twice")).Should(saying(metav1.ConditionTrue, "Connected", ""))
		keep(ctx, second)
		Eventually(eventsOf).WithArguments(ctx, "twice").Should(ConsistOf(
			"Warning KubeconfigLeftAside Left Secret istio-system/istio-remote-secret-second aside: Secret istio-system/istio-remote-secret-first registered it first"))
		Expect(secretThatRegistered(ctx, "twice")).To(Equal("istio-remote-secret-first"))
		Expect(admin.Delete(ctx, first)).To(Succeed())
		Eventually(secretThatRegistered).WithArguments(ctx, "twice").Should(Equal("istio-remote-secret-second"))
		Eventually(reachable(ctx, "twice")).Should(saying(metav1.ConditionTrue, "Connected", ""))
	})

	It("leaves alone what people registered", func(ctx context.Context) {
		own := &v1alpha1.GatewayCluster{ObjectMeta: metav1.ObjectMeta{Name: "ours"}}
		own.Spec.Local = new(true)
		keep(ctx, own)
		secret := secretOf("istio-remote-secret-ours", map[string][]byte{
			"ours": kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()), "theirs": []byte(withCommand),
		})
		keep(ctx, secret)
		// The other key is dealt with after this one, in one pass.
		Eventually(reachable(ctx, "theirs")).Should(saying(metav1.ConditionFalse, "InvalidKubeconfig", ""))
		Expect(reachable(ctx, "ours")()).To(saying(metav1.ConditionTrue, "Local", ""))
		Expect(admin.Delete(ctx, secret)).To(Succeed())
		Eventually(func() error { return admin.Get(ctx, client.ObjectKey{Name: "theirs"}, &v1alpha1.GatewayCluster{}) }).ShouldNot(Succeed())
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(own), own)).To(Succeed())
	})

	It("that vanishes takes the connection along", func(ctx context.Context) {
		id := "revoked"
		register(ctx, id, kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))
		Eventually(reachable(ctx, id)).Should(saying(metav1.ConditionTrue, "Connected", ""))
		Expect(admin.Delete(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: id}})).To(Succeed())
		Eventually(reachable(ctx, id)).Should(saying(metav1.ConditionFalse, "InvalidKubeconfig", fmt.Sprintf("spec.kubeconfigSecret must name a Secret, %s/%s is none", namespace, id)))
		_, err := registry.Get(id)
		Expect(err).To(HaveOccurred())
	})
})

var _ = Describe("facts", func() {
	It("are found out", func(ctx context.Context) {
		machine := node(ctx, "machine", "5.10.134-16.al8.x86_64", nil)
		virtual := node(ctx, "virtual", "0.0.0", map[string]string{"type": "virtual-kubelet"})
		DeferCleanup(func(ctx context.Context) {
			Expect(remote.Delete(ctx, machine)).To(Succeed())
			Expect(remote.Delete(ctx, virtual)).To(Succeed())
		})
		register(ctx, "factual", kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))
		Eventually(factsOf(ctx, "factual")).Should(And(
			HaveField("KubernetesVersion", HavePrefix("v1.36")),
			HaveField("KernelVersions", []string{"5.10.134-16.al8.x86_64"}),
			HaveField("VirtualNodes", v1alpha1.VirtualNodesSome),
			HaveField("Nodes", HaveValue(BeEquivalentTo(2))),
			HaveField("LoadBalancer", BeNil()),
		))
	})

	It("tell that load balancers get an address where one has", func(ctx context.Context) {
		balanced := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "balanced"}}
		balanced.Spec.Type, balanced.Spec.Ports = corev1.ServiceTypeLoadBalancer, []corev1.ServicePort{{Port: 80}}
		Expect(remote.Create(ctx, balanced)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(remote.Delete(ctx, balanced)).To(Succeed()) })
		balanced.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "203.0.113.1"}}
		Expect(remote.Status().Update(ctx, balanced)).To(Succeed())
		register(ctx, "balancing", kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))
		Eventually(factsOf(ctx, "balancing")).Should(HaveField("LoadBalancer", HaveValue(BeTrue())))
	})
})

// connection is the connection to a cluster, nil when there is none.
func connection(id string) crcluster.Cluster {
	out, err := registry.Get(id)
	if err != nil {
		return nil
	}
	return out
}

// replace puts another kubeconfig into a cluster's Secret.
func replace(ctx context.Context, id string, kubeconfig []byte) {
	GinkgoHelper()
	secret := &corev1.Secret{}
	Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: id}, secret)).To(Succeed())
	secret.Data = map[string][]byte{id: kubeconfig}
	Expect(admin.Update(ctx, secret)).To(Succeed())
}
