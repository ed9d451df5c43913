package fleet_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/test/env/wire"
)

// deploymentIn reads a gateway's Deployment in a cluster.
func deploymentIn(ctx context.Context, id, name string) (*appsv1.Deployment, error) {
	return deploymentOn(ctx, fleet[id], name)
}

// deploymentOn reads a gateway's Deployment at the control plane of a cluster.
func deploymentOn(ctx context.Context, at member, name string) (*appsv1.Deployment, error) {
	out := &appsv1.Deployment{}
	return out, at.admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "istio-" + name}, out)
}

// replicasIn is how many pods a gateway's Deployment in a cluster wants, -1 where there is none.
func replicasIn(ctx context.Context, id, name string) int32 {
	return replicasOn(ctx, fleet[id], name)
}

// replicasOn is the same at the control plane of a cluster.
func replicasOn(ctx context.Context, at member, name string) int32 {
	deployment, err := deploymentOn(ctx, at, name)
	if err != nil || deployment.Spec.Replicas == nil {
		return -1
	}
	return *deployment.Spec.Replicas
}

// objectsIn are the resource versions of all that a gateway is made of in a cluster.
func objectsIn(ctx context.Context, id, name string) map[string]string {
	out := map[string]string{}
	for kind, list := range map[string]client.ObjectList{"Deployment": &appsv1.DeploymentList{}, "Service": &corev1.ServiceList{}, "ServiceAccount": &corev1.ServiceAccountList{}} {
		if err := fleet[id].admin.List(ctx, list, client.MatchingLabels{"portcullis.dev/gateway": name}); err != nil {
			return map[string]string{"error": err.Error()}
		}
		for _, object := range itemsOf(list) {
			out[kind+" "+object.GetName()] = object.GetResourceVersion()
		}
	}
	return out
}

// itemsOf are the items of a list.
func itemsOf(list client.ObjectList) []client.Object {
	var out []client.Object
	switch list := list.(type) {
	case *appsv1.DeploymentList:
		for i := range list.Items {
			out = append(out, &list.Items[i])
		}
	case *corev1.ServiceList:
		for i := range list.Items {
			out = append(out, &list.Items[i])
		}
	case *corev1.ServiceAccountList:
		for i := range list.Items {
			out = append(out, &list.Items[i])
		}
	}
	return out
}

const inBoth = `{clusterIds: [east, west], replicaCount: 2, ports: [{name: http, port: 80}], overrides: {west: {replicaCount: 3, serviceAnnotations: {zone: w}}}}`

var _ = Describe("A gateway in two clusters", func() {
	It("is in each what it is to be there", func(ctx context.Context) {
		expectApplied(ctx, "both", inBoth)
		Eventually(replicasIn).WithArguments(ctx, "east", "both").Should(BeEquivalentTo(2))
		Eventually(replicasIn).WithArguments(ctx, "west", "both").Should(BeEquivalentTo(3))
		service := &corev1.Service{}
		Expect(fleet["west"].admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "istio-both"}, service)).To(Succeed())
		Expect(service.Annotations).To(HaveKeyWithValue("zone", "w"))
		Expect(service.Labels).To(HaveKeyWithValue("portcullis.dev/cluster", "west"))
	})

	It("is left alone while nothing changes", func(ctx context.Context) {
		gw := expectApplied(ctx, "steady", inBoth)
		for _, id := range []string{"east", "west"} {
			Eventually(entryOf).WithArguments(ctx, gw, id).Should(HaveField("ObservedGeneration", gw.Generation))
		}
		east, west := objectsIn(ctx, "east", "steady"), objectsIn(ctx, "west", "steady")
		Expect(east).To(HaveLen(3))
		Consistently(objectsIn).WithArguments(ctx, "east", "steady").Should(Equal(east))
		Consistently(objectsIn).WithArguments(ctx, "west", "steady").Should(Equal(west))
	})

	It("is put right where somebody changes it", func(ctx context.Context) {
		expectApplied(ctx, "drifting", inBoth)
		Eventually(replicasIn).WithArguments(ctx, "west", "drifting").Should(BeEquivalentTo(3))
		deployment, err := deploymentIn(ctx, "west", "drifting")
		Expect(err).NotTo(HaveOccurred())
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"replicas":7}}`))
		Expect(fleet["west"].admin.Patch(ctx, deployment, patch)).To(Succeed())
		Eventually(replicasIn).WithArguments(ctx, "west", "drifting").Should(BeEquivalentTo(3))
	})

	It("leaves nothing in a cluster that it leaves", func(ctx context.Context) {
		gw := expectApplied(ctx, "leaving", inBoth)
		Eventually(objectsIn).WithArguments(ctx, "west", "leaving").Should(HaveLen(3))
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.ClusterIDs, gw.Spec.Overrides = []string{"east"}, nil })
		Eventually(objectsIn).WithArguments(ctx, "west", "leaving").Should(BeEmpty())
		Eventually(entryOf).WithArguments(ctx, gw, "west").Should(BeZero())
		Expect(objectsIn(ctx, "east", "leaving")).To(HaveLen(3))
	})
})

var _ = Describe("A cluster that is lost", Serial, func() {
	BeforeEach(func(ctx context.Context) {
		probe := expectApplied(ctx, "probe", `{clusterIds: [west], ports: [{name: http, port: 80}]}`)
		Eventually(entryOf).WithArguments(ctx, probe, "west").Should(HaveField("ObservedGeneration", probe.Generation))
		fleet["west"].wire.Set(wire.Hanging)
		DeferCleanup(func() { fleet["west"].wire.Set(wire.Passing) })
	})

	It("delays no other, says so, and gets what it missed when it is back", func(ctx context.Context) {
		gw := expectApplied(ctx, "meanwhile", inBoth)
		Eventually(replicasIn).WithArguments(ctx, "east", "meanwhile").Should(BeEquivalentTo(2))
		Eventually(entryOf).WithArguments(ctx, gw, "west").Should(And(
			HaveField("State", v1beta1.ClusterFailed), HaveField("Message", ContainSubstring("cluster west is not connected since")),
		))
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.ReplicaCount = new(int32(4)) })
		Eventually(replicasIn).WithArguments(ctx, "east", "meanwhile").Should(BeEquivalentTo(4))
		fleet["west"].wire.Set(wire.Passing)
		Eventually(replicasIn).WithArguments(ctx, "west", "meanwhile").Should(BeEquivalentTo(3))
		Eventually(entryOf).WithArguments(ctx, gw, "west").Should(HaveField("Message", BeEmpty()))
	})

	It("has put right what was deleted meanwhile", func(ctx context.Context) {
		deployment, err := deploymentIn(ctx, "west", "probe")
		Expect(err).NotTo(HaveOccurred())
		Expect(fleet["west"].admin.Delete(ctx, deployment)).To(Succeed())
		fleet["west"].wire.Set(wire.Passing)
		Eventually(func(g Gomega) {
			again, err := deploymentIn(ctx, "west", "probe")
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(again.UID).NotTo(Equal(deployment.UID))
		}).Should(Succeed())
	})

	It("blocks a deletion, visibly, until it is back", func(ctx context.Context) {
		gw := &v1beta1.IstioGateway{}
		Expect(hub.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "probe"}, gw)).To(Succeed())
		Expect(hub.Delete(ctx, gw)).To(Succeed())
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionDeletionBlocked).Should(And(HavePrefix("True "), ContainSubstring("west")))
		fleet["west"].wire.Set(wire.Passing)
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
		Expect(objectsIn(ctx, "west", "probe")).To(BeEmpty())
	})

	It("blocks a deletion until somebody gives it up (envoyproxy/gateway#7287)", func(ctx context.Context) {
		gw := &v1beta1.IstioGateway{}
		Expect(hub.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "probe"}, gw)).To(Succeed())
		Expect(hub.Delete(ctx, gw)).To(Succeed())
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionDeletionBlocked).Should(HavePrefix("True "))
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) {
			gw.Annotations = map[string]string{"portcullis.dev/forget-cluster": "north, west"}
		})
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
		left, err := deploymentIn(ctx, "west", "probe")
		Expect(err).NotTo(HaveOccurred(), "what is given up is not touched")
		Expect(fleet["west"].admin.Delete(ctx, left)).To(Succeed())
	})
})

var _ = Describe("A cluster that is not registered", func() {
	It("is said, and holds up no other", func(ctx context.Context) {
		gw := expectApplied(ctx, "partly", `{clusterIds: [east, nowhere], ports: [{name: http, port: 80}]}`)
		Eventually(replicasIn).WithArguments(ctx, "east", "partly").Should(BeEquivalentTo(1))
		Eventually(entryOf).WithArguments(ctx, gw, "nowhere").Should(HaveField("Message", ContainSubstring("no GatewayCluster has this name")))
	})

	It("leaves a Deployment of somebody else's alone", func(ctx context.Context) {
		foreign := &appsv1.Deployment{}
		foreign.Namespace, foreign.Name = namespace, "istio-foreign"
		foreign.Spec.Selector = selecting("theirs")
		foreign.Spec.Template.Labels = foreign.Spec.Selector.MatchLabels
		foreign.Spec.Template.Spec.Containers = []corev1.Container{{Name: "c", Image: "i"}}
		Expect(fleet["east"].admin.Create(ctx, foreign)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(fleet["east"].admin.Delete(ctx, foreign)).To(Succeed()) })
		gw := expectApplied(ctx, "foreign", `{clusterIds: [east, west], ports: [{name: http, port: 80}]}`)
		Eventually(entryOf).WithArguments(ctx, gw, "east").Should(HaveField("Message", ContainSubstring("it exists and is not this gateway's")))
		Eventually(replicasIn).WithArguments(ctx, "west", "foreign").Should(BeEquivalentTo(1))
		still, err := deploymentIn(ctx, "east", "foreign")
		Expect(err).NotTo(HaveOccurred())
		Expect(apierrors.IsNotFound(err)).To(BeFalse())
		Expect(still.ResourceVersion).To(Equal(foreign.ResourceVersion))
	})
})
