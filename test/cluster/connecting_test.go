package cluster_test

import (
	"context"
	"errors"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/cluster"
	"portcullis.dev/portcullis/test/env/wire"
)

// register registers a cluster as people do, by a kubeconfig in a Secret, until the spec ends.
func register(ctx context.Context, id string, kubeconfig []byte) {
	GinkgoHelper()
	registered := &v1alpha1.GatewayCluster{ObjectMeta: metav1.ObjectMeta{Name: id}}
	registered.Spec.KubeconfigSecret = &v1alpha1.SecretReference{Namespace: namespace, Name: id}
	keep(ctx, registered)
	keep(ctx, secretOf(id, map[string][]byte{id: kubeconfig}))
}

// secretOf is a Secret with the label of remote secrets.
func secretOf(name string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{cluster.LabelRemoteSecret: "true"}},
		Data:       data,
	}
}

// keep creates an object on the hub until the spec ends.
func keep(ctx context.Context, object client.Object) {
	GinkgoHelper()
	Expect(admin.Create(ctx, object)).To(Succeed())
	DeferCleanup(func(ctx context.Context) {
		Expect(client.IgnoreNotFound(admin.Delete(ctx, object))).To(Succeed())
	})
}

// reachable is what a cluster's condition says: status, reason and message.
func reachable(ctx context.Context, id string) func() (metav1.Condition, error) {
	return func() (metav1.Condition, error) {
		registered := &v1alpha1.GatewayCluster{}
		if err := admin.Get(ctx, client.ObjectKey{Name: id}, registered); err != nil {
			return metav1.Condition{}, err
		}
		condition := meta.FindStatusCondition(registered.Status.Conditions, v1alpha1.ConditionReachable)
		if condition == nil {
			return metav1.Condition{}, errors.New("the condition is not there yet")
		}
		return *condition, nil
	}
}

// saying matches a condition.
func saying(status metav1.ConditionStatus, reason, message string) OmegaMatcher {
	return And(HaveField("Status", status), HaveField("Reason", reason), HaveField("Message", ContainSubstring(message)))
}

var _ = Describe("connecting", func() {
	It("hands out a client that reads and writes there", func(ctx context.Context) {
		register(ctx, "plain", kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))
		Eventually(reachable(ctx, "plain")).Should(saying(metav1.ConditionTrue, "Connected", "The cluster answers"))
		connection, err := registry.Get("plain")
		Expect(err).NotTo(HaveOccurred())
		made := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "made"}}
		Expect(connection.GetClient().Create(ctx, made)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(remote.Delete(ctx, made)).To(Succeed()) })
		Expect(remote.Get(ctx, client.ObjectKeyFromObject(made), &corev1.ConfigMap{})).To(Succeed())
	})

	It("has the cache filled before anybody gets the client", func(ctx context.Context) {
		there := deployment("there")
		Expect(remote.Create(ctx, there)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(remote.Delete(ctx, there)).To(Succeed()) })
		register(ctx, "filled", kubeconfig(elsewhere.Config, wireTo(elsewhere).Address()))
		Eventually(func() error { _, err := registry.Get("filled"); return err }).Should(Succeed())
		connection, err := registry.Get("filled")
		Expect(err).NotTo(HaveOccurred())
		Expect(connection.GetClient().Get(ctx, client.ObjectKeyFromObject(there), &appsv1.Deployment{})).To(Succeed())
	})

	It("knows nothing of a cluster that nobody registered", func() {
		_, err := registry.Get("nowhere")
		Expect(err).To(MatchError(ContainSubstring("no kubeconfig is registered for it")))
		Expect(err).To(BeAssignableToTypeOf(&cluster.NotConnectedError{}))
	})

	DescribeTable("says why a cluster cannot be connected",
		func(ctx context.Context, id string, change func(w *wire.Wire) []byte, reason, message string) {
			w := wireTo(elsewhere)
			register(ctx, id, change(w))
			Eventually(reachable(ctx, id)).Should(saying(metav1.ConditionFalse, reason, message))
			_, err := registry.Get(id)
			Expect(err).To(BeAssignableToTypeOf(&cluster.NotConnectedError{}))
		},
		Entry("that is down at start", "down", func(w *wire.Wire) []byte { w.Set(wire.Cut); return kubeconfig(elsewhere.Config, w.Address()) },
			"NotConnected", "asking whether it is ready"),
		Entry("that hangs", "mute", func(w *wire.Wire) []byte { w.Set(wire.Hanging); return kubeconfig(elsewhere.Config, w.Address()) },
			"NotConnected", "deadline exceeded"),
		Entry("whose CA is another one's", "untrusted", func(w *wire.Wire) []byte { return kubeconfig(hubAuthority(), w.Address()) },
			"NotConnected", "certificate signed by unknown authority"),
		Entry("whose kubeconfig runs a command", "commanding", func(*wire.Wire) []byte { return []byte(withCommand) },
			"InvalidKubeconfig", "users[u].exec must be absent"),
		Entry("whose certificate and key are none", "keyless", func(w *wire.Wire) []byte {
			config := rest.CopyConfig(elsewhere.Config)
			config.CertData, config.KeyData = []byte("none"), []byte("none")
			return kubeconfig(config, w.Address())
		}, "InvalidKubeconfig", "failed to find any PEM data"),
	)

	It("comes back by itself when the cluster does", func(ctx context.Context) {
		w := wireTo(elsewhere)
		w.Set(wire.Cut)
		register(ctx, "late", kubeconfig(elsewhere.Config, w.Address()))
		Eventually(reachable(ctx, "late")).Should(saying(metav1.ConditionFalse, "NotConnected", ""))
		w.Set(wire.Passing)
		Eventually(reachable(ctx, "late")).Should(saying(metav1.ConditionTrue, "Connected", ""))
	})
})

var _ = Describe("losing a cluster", func() {
	It("says so after some failures, refuses to hand it out, and takes it back", func(ctx context.Context) {
		w := wireTo(elsewhere)
		register(ctx, "lost", kubeconfig(elsewhere.Config, w.Address()))
		Eventually(reachable(ctx, "lost")).Should(saying(metav1.ConditionTrue, "Connected", ""))
		w.Set(wire.Cut)
		Eventually(reachable(ctx, "lost")).Should(saying(metav1.ConditionFalse, "NotConnected", "cluster lost is not connected since 20"))
		_, err := registry.Get("lost")
		Expect(err).To(BeAssignableToTypeOf(&cluster.NotConnectedError{}))
		w.Set(wire.Passing)
		Eventually(reachable(ctx, "lost")).Should(saying(metav1.ConditionTrue, "Connected", ""))
		Expect(registry.Get("lost")).NotTo(BeNil())
		Eventually(eventsOf).WithArguments(ctx, "lost").Should(ConsistOf(
			HavePrefix("Warning ClusterLost Lost the cluster: cluster lost is not connected since 20"),
			HavePrefix("Normal ClusterBack Reached the cluster again, which was not since 20"),
		))
		series := seriesOf("lost")
		Expect(series).To(HaveKeyWithValue("portcullis_cluster_losses_total", 1.0))
		Expect(series).To(HaveKeyWithValue("portcullis_cluster_rotations_total", 0.0))
		Expect(series).To(HaveKeyWithValue("portcullis_cluster_sync_seconds", BeNumerically(">", 0)))
	})

	It("keeps nobody who asks for a hanging one waiting", func(ctx context.Context) {
		w := wireTo(elsewhere)
		w.Set(wire.Hanging)
		register(ctx, "hanging", kubeconfig(elsewhere.Config, w.Address()))
		asked := make(chan error)
		go func() { _, err := registry.Get("hanging"); asked <- err }()
		// Less than it takes to give up connecting.
		Eventually(asked).WithTimeout(quick.Sync / 2).Should(Receive(HaveOccurred()))
	})

	It("keeps the facts from before", func(ctx context.Context) {
		w := wireTo(elsewhere)
		register(ctx, "known", kubeconfig(elsewhere.Config, w.Address()))
		Eventually(factsOf(ctx, "known")).Should(HaveField("KubernetesVersion", HavePrefix("v1.")))
		w.Set(wire.Cut)
		Eventually(reachable(ctx, "known")).Should(saying(metav1.ConditionFalse, "NotConnected", ""))
		Expect(factsOf(ctx, "known")()).To(HaveField("KubernetesVersion", HavePrefix("v1.")))
	})
})
