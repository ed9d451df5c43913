package fleet_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/test/env"
	"portcullis.dev/portcullis/test/env/wire"
)

// podAddresses are the addresses of a gateway's pods that run in a cluster.
func podAddresses(ctx context.Context, id, name string) []string {
	pods := &corev1.PodList{}
	if err := fleet[id].admin.List(ctx, pods, client.MatchingLabels{"istio": name}); err != nil {
		return []string{err.Error()}
	}
	out := []string{}
	for i := range pods.Items {
		if pods.Items[i].Status.PodIP != "" && pods.Items[i].DeletionTimestamp == nil {
			out = append(out, pods.Items[i].Status.PodIP)
		}
	}
	return out
}

// exportedTo are the addresses that the metrics of a gateway can be had at in a cluster, as who scrapes finds them.
func exportedTo(ctx context.Context, id, name string) []string {
	list := &discoveryv1.EndpointSliceList{}
	if err := fleet[id].admin.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels{discoveryv1.LabelServiceName: "metrics-" + name}); err != nil {
		return []string{err.Error()}
	}
	out := []string{}
	for i := range list.Items {
		for _, endpoint := range list.Items[i].Endpoints {
			out = append(out, endpoint.Addresses...)
		}
	}
	return out
}

// exportedPods are the names of the pods whose metrics can be had in a cluster.
func exportedPods(ctx context.Context, id, name string) []string {
	list := &discoveryv1.EndpointSliceList{}
	Expect(fleet[id].admin.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels{discoveryv1.LabelServiceName: "metrics-" + name})).To(Succeed())
	var out []string
	for i := range list.Items {
		for _, endpoint := range list.Items[i].Endpoints {
			out = append(out, endpoint.TargetRef.Name)
		}
	}
	return out
}

// metricsServiceIn reads the Service of a gateway's metrics in a cluster.
func metricsServiceIn(ctx context.Context, id, name string) (*corev1.Service, error) {
	out := &corev1.Service{}
	return out, fleet[id].admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "metrics-" + name}, out)
}

// withdrawnFrom says whether nothing of a gateway's metrics is in a cluster.
func withdrawnFrom(ctx context.Context, id, name string) bool {
	_, err := metricsServiceIn(ctx, id, name)
	return apierrors.IsNotFound(err) && len(exportedTo(ctx, id, name)) == 0
}

// exportsOf is what a gateway's status says of its exports.
func exportsOf(ctx context.Context, gw *v1beta1.IstioGateway) []v1beta1.MetricsExport {
	if err := hub.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
		return []v1beta1.MetricsExport{{Message: err.Error()}}
	}
	return gw.Status.Exports
}

// expectExported names the cluster that a gateway's metrics go to; none when it is empty.
func expectExported(ctx context.Context, gw *v1beta1.IstioGateway, id string) {
	GinkgoHelper()
	expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) {
		gw.Annotations = map[string]string{gateway.AnnotationExportMetrics: id}
		if id == "" {
			gw.Annotations = nil
		}
	})
}

var _ = Describe("The metrics of a gateway, exported to another cluster than its pods run in,", Ordered, Serial, func() {
	const placed = `{clusterIds: [south], replicaCount: 2, ports: [{name: http, port: 80}]}`
	var gw *v1beta1.IstioGateway

	BeforeAll(func(ctx context.Context) {
		// Here pods come and go, and Kubernetes' own controllers tell their addresses.
		join(ctx, "south", env.Options{Controllers: true, Progress: GinkgoWriter})
		gw = expectCreated(ctx, "metered", placed)
		DeferCleanup(func(ctx context.Context) {
			Expect(client.IgnoreNotFound(hub.Delete(ctx, gw))).To(Succeed())
			Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
		})
		Eventually(podAddresses).WithArguments(ctx, "south", "metered").Should(HaveLen(2))
		Expect(exportsOf(ctx, gw)).To(BeEmpty())
		expectExported(ctx, gw, "east")
	})

	It("can be had there at the pods' addresses", func(ctx context.Context) {
		Eventually(exportedTo).WithArguments(ctx, "east", "metered").Should(ConsistOf(podAddresses(ctx, "south", "metered")))
		service, err := metricsServiceIn(ctx, "east", "metered")
		Expect(err).NotTo(HaveOccurred())
		Expect(service.Spec.Selector).To(BeEmpty())
		Expect(service.Spec.ClusterIP).To(Equal(corev1.ClusterIPNone))
		Expect(service.Spec.Ports).To(ConsistOf(
			And(HaveField("Name", "http-metrics"), HaveField("Port", int32(15020))),
			And(HaveField("Name", "http-envoy-prom"), HaveField("Port", int32(15090))),
		))
		Expect(service.Annotations).To(HaveKeyWithValue("prometheus.io/port", "15020"))
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionMetricsExported).Should(Equal("True The metrics of the pods can be had in: east"))
		Eventually(exportsOf).WithArguments(ctx, gw).Should(ConsistOf(And(HaveField("ClusterID", "east"), HaveField("Endpoints", int32(2)))))
		Expect(objectsIn(ctx, "east", "metered")).To(HaveLen(1), "nothing else is there")
	})

	It("says which pods are ready", func(ctx context.Context) {
		ready := func() []*bool {
			list := &discoveryv1.EndpointSliceList{}
			Expect(fleet["east"].admin.List(ctx, list, client.MatchingLabels{discoveryv1.LabelServiceName: "metrics-metered"})).To(Succeed())
			var out []*bool
			for i := range list.Items {
				for _, endpoint := range list.Items[i].Endpoints {
					out = append(out, endpoint.Conditions.Ready)
				}
			}
			return out
		}
		Eventually(ready).Should(ConsistOf(HaveValue(BeTrue()), HaveValue(BeTrue())))
	})

	It("follow the pods as they come and go", func(ctx context.Context) {
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.ReplicaCount = new(int32(4)) })
		Eventually(exportedTo).WithArguments(ctx, "east", "metered").Should(HaveLen(4))
		pods := &corev1.PodList{}
		Expect(fleet["south"].admin.List(ctx, pods, client.MatchingLabels{"istio": "metered"})).To(Succeed())
		Expect(fleet["south"].admin.Delete(ctx, &pods.Items[0])).To(Succeed())
		Eventually(func(g Gomega) {
			now := podAddresses(ctx, "south", "metered")
			g.Expect(now).To(HaveLen(4))
			g.Expect(exportedTo(ctx, "east", "metered")).To(ConsistOf(now))
			// Its address may be another pod's by now.
			g.Expect(exportedPods(ctx, "east", "metered")).NotTo(ContainElement(pods.Items[0].Name))
		}).Should(Succeed())
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.ReplicaCount = new(int32(1)) })
		Eventually(exportedTo).WithArguments(ctx, "east", "metered").Should(HaveLen(1))
	})

	It("are left alone while nothing changes", func(ctx context.Context) {
		Eventually(exportsOf).WithArguments(ctx, gw).Should(ConsistOf(HaveField("Endpoints", int32(1))))
		versions := func() []string {
			list := &discoveryv1.EndpointSliceList{}
			Expect(fleet["east"].admin.List(ctx, list, client.MatchingLabels{discoveryv1.LabelServiceName: "metrics-metered"})).To(Succeed())
			service, err := metricsServiceIn(ctx, "east", "metered")
			Expect(err).NotTo(HaveOccurred())
			out := []string{service.ResourceVersion}
			for i := range list.Items {
				out = append(out, list.Items[i].ResourceVersion)
			}
			return out
		}
		Consistently(versions).Should(Equal(versions()))
	})

	It("are put right when somebody deletes them", func(ctx context.Context) {
		Expect(fleet["east"].admin.DeleteAllOf(ctx, &discoveryv1.EndpointSlice{}, client.InNamespace(namespace), client.MatchingLabels{discoveryv1.LabelServiceName: "metrics-metered"})).To(Succeed())
		Eventually(exportedTo).WithArguments(ctx, "east", "metered").Should(HaveLen(1))
		service, err := metricsServiceIn(ctx, "east", "metered")
		Expect(err).NotTo(HaveOccurred())
		Expect(fleet["east"].admin.Delete(ctx, service)).To(Succeed())
		Eventually(func() error { _, err := metricsServiceIn(ctx, "east", "metered"); return err }).Should(Succeed())
	})

	It("stay where they are while the pods' cluster is lost, which is told", func(ctx context.Context) {
		fleet["south"].wire.Set(wire.Hanging)
		DeferCleanup(func() { fleet["south"].wire.Set(wire.Passing) })
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionMetricsExported).Should(
			HavePrefix("False Metrics in cluster east: the addresses of the pods in cluster south are those of before: cluster south is not connected since"))
		Expect(exportedTo(ctx, "east", "metered")).To(HaveLen(1))
		fleet["south"].wire.Set(wire.Passing)
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionMetricsExported).Should(HavePrefix("True"))
	})

	It("move when another cluster is named", func(ctx context.Context) {
		expectExported(ctx, gw, "west")
		Eventually(exportedTo).WithArguments(ctx, "west", "metered").Should(ConsistOf(podAddresses(ctx, "south", "metered")))
		Eventually(withdrawnFrom).WithArguments(ctx, "east", "metered").Should(BeTrue())
		Eventually(exportsOf).WithArguments(ctx, gw).Should(ConsistOf(HaveField("ClusterID", "west")))
	})

	It("leave when none is named", func(ctx context.Context) {
		expectExported(ctx, gw, "")
		Eventually(withdrawnFrom).WithArguments(ctx, "west", "metered").Should(BeTrue())
		Eventually(exportsOf).WithArguments(ctx, gw).Should(BeEmpty())
		Expect(conditionOf(ctx, gw, v1beta1.ConditionMetricsExported)).To(Equal("not reported"))
	})

	It("say that a cluster is not registered", func(ctx context.Context) {
		expectExported(ctx, gw, "nowhere")
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionMetricsExported).Should(
			Equal("False Metrics in cluster nowhere: the cluster is not registered: no GatewayCluster has this name"))
		expectExported(ctx, gw, "")
		Eventually(exportsOf).WithArguments(ctx, gw).Should(BeEmpty())
	})

	It("leave a Service of somebody else's alone, and say so", func(ctx context.Context) {
		theirs := &corev1.Service{}
		theirs.Namespace, theirs.Name = namespace, "metrics-metered"
		theirs.Spec.Ports = []corev1.ServicePort{{Port: 80}}
		Expect(fleet["west"].admin.Create(ctx, theirs)).To(Succeed())
		expectExported(ctx, gw, "west")
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionMetricsExported).Should(
			HavePrefix("False Metrics in cluster west: applying Service istio-system/metrics-metered: it exists and is not this gateway's"))
		Expect(fleet["west"].admin.Delete(ctx, theirs)).To(Succeed())
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionMetricsExported).Should(HavePrefix("True"))
	})

	It("keep a gateway that is deleted while their cluster is lost, until somebody gives it up", func(ctx context.Context) {
		fleet["west"].wire.Set(wire.Hanging)
		DeferCleanup(func() { fleet["west"].wire.Set(wire.Passing) })
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionMetricsExported).Should(ContainSubstring("cluster west is not connected since"))
		Expect(hub.Delete(ctx, gw)).To(Succeed())
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionDeletionBlocked).Should(And(HavePrefix("True Metrics in cluster west: "), ContainSubstring("not connected since")))
		Eventually(podAddresses).WithArguments(ctx, "south", "metered").Should(BeEmpty())
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) {
			gw.Annotations[gateway.AnnotationForgetCluster] = "west"
		})
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
		Expect(exportedTo(ctx, "west", "metered")).NotTo(BeEmpty(), "what is given up is not touched")
	})

	It("go with the gateway, from the cluster that its pods run in too", func(ctx context.Context) {
		again := expectCreated(ctx, "local", placed)
		expectExported(ctx, again, "south")
		Eventually(exportedTo).WithArguments(ctx, "south", "local").Should(HaveLen(2))
		Eventually(entryOf).WithArguments(ctx, again, "south").Should(HaveField("State", v1beta1.ClusterReady))
		Expect(exportedTo(ctx, "south", "local")).To(ConsistOf(podAddresses(ctx, "south", "local")))
		Expect(hub.Delete(ctx, again)).To(Succeed())
		Eventually(gone).WithArguments(ctx, again).Should(BeTrue())
		Expect(withdrawnFrom(ctx, "south", "local")).To(BeTrue())
	})
})
