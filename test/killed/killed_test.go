package killed_test

import (
	"context"
	"fmt"
	"maps"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// stamp marks a gateway as admitted, as the guard does.
func stamp(gw *v1beta1.IstioGateway) {
	GinkgoHelper()
	fingerprint, err := change.Fingerprint(gw)
	Expect(err).NotTo(HaveOccurred())
	metav1.SetMetaDataAnnotation(&gw.ObjectMeta, gateway.AnnotationAdmitted, fingerprint)
}

// made is the act of creating a gateway with a spec in YAML and annotations.
func made(spec string, annotations map[string]string) act {
	return act{
		name: "made",
		begin: func(ctx context.Context, gw *v1beta1.IstioGateway) {
			*gw = v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: gw.Namespace, Name: gw.Name, Annotations: maps.Clone(annotations)}}
			Expect(yaml.UnmarshalStrict([]byte(spec), &gw.Spec)).To(Succeed())
			stamp(gw)
			Expect(admin.Create(ctx, gw)).To(Succeed())
		},
		done: applied,
	}
}

// changed is the act of editing a gateway as the guard lets it in.
func changed(name string, edit func(*v1beta1.IstioGateway), done func(context.Context, *v1beta1.IstioGateway) bool) act {
	return act{
		name: name,
		begin: func(ctx context.Context, gw *v1beta1.IstioGateway) {
			Eventually(func() error {
				if err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
					return err
				}
				edit(gw)
				stamp(gw)
				return admin.Update(ctx, gw)
			}).Should(Succeed())
		},
		done: done,
	}
}

// deleted is the act of deleting a gateway.
func deleted() act {
	return act{
		name:  "deleted",
		begin: func(ctx context.Context, gw *v1beta1.IstioGateway) { Expect(admin.Delete(ctx, gw)).To(Succeed()) },
		done: func(ctx context.Context, gw *v1beta1.IstioGateway) bool {
			return apierrors.IsNotFound(admin.Get(ctx, client.ObjectKeyFromObject(gw), &v1beta1.IstioGateway{}))
		},
	}
}

// spared is an act in which nobody is killed: another spec does that.
func spared(of act) act {
	of.spared = true
	return of
}

// applied says whether a gateway is applied everywhere.
func applied(ctx context.Context, gw *v1beta1.IstioGateway) bool {
	return says(ctx, gw, v1beta1.ConditionReconciled)
}

// says whether a condition of a gateway is true, as it is now.
func says(ctx context.Context, gw *v1beta1.IstioGateway, name string) bool {
	if err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
		return false
	}
	condition := meta.FindStatusCondition(gw.Status.Conditions, name)
	return condition != nil && condition.Status == metav1.ConditionTrue && condition.ObservedGeneration == gw.Generation
}

// expectNothingLeft expects that nothing of a gateway is in any cluster.
func expectNothingLeft(ctx context.Context, name string) {
	GinkgoHelper()
	Expect(slices.Collect(maps.Keys(partsOf(ctx, name)))).To(BeEmpty())
}

// podsOf makes Kubernetes' own record of a gateway's pods, as if it had some, for the time of a spec.
func podsOf(ctx context.Context, name string, addresses ...string) {
	GinkgoHelper()
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istio-" + name + "-abcde", Labels: map[string]string{
			render.LabelGateway: name, discoveryv1.LabelServiceName: "istio-" + name,
		}},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	for i, address := range addresses {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{address}, NodeName: new("node"),
			Conditions: discoveryv1.EndpointConditions{Ready: new(true), Serving: new(true), Terminating: new(false)},
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: namespace, Name: fmt.Sprintf("istio-%s-%d", name, i)},
		})
	}
	Expect(admin.Create(ctx, slice)).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, slice)).To(Succeed()) })
}

var _ = Describe("A controller that is killed after any of its writes", func() {
	It("is followed by one that makes the same in two clusters, and removes all of it, the Services last, and writes nothing twice", func(ctx context.Context) {
		const spec = `{clusterIds: [here, away], compression: {enabled: true, gzip: {}}, ports: [{name: http, port: 80}]}`
		expectSurvived(ctx, "everywhere", made(spec, map[string]string{gateway.AnnotationLoadBalancers: `[{name: private}]`}), deleted())
		expectNothingLeft(ctx, "everywhere")
	})

	It("is followed by one that changes the same, hands over the pods that somebody else counts, and writes nothing twice", func(ctx context.Context) {
		const spec = `{clusterIds: [here], replicaCount: 3, minReplicas: 2, maxReplicas: 4, cpu: {targetAverageUtilization: 80}, ports: [{name: http, port: 80}]}`
		born, gone := spared(made(spec, nil)), spared(deleted())
		expectSurvived(ctx, "changing",
			born,
			changed("edited", func(gw *v1beta1.IstioGateway) {
				gw.Spec.PodLabels = map[string]string{"team": "edge"}
				gw.Spec.Ports[0].Port = 8080
			}, applied),
			changed("counted", func(gw *v1beta1.IstioGateway) { gw.Spec.AutoscaleEnabled = new(false) }, applied),
			changed("scaled", func(gw *v1beta1.IstioGateway) { gw.Spec.AutoscaleEnabled = nil }, applied),
			gone,
		)
		expectNothingLeft(ctx, "changing")
	})

	It("is followed by one that exports the same metrics, withdraws all of them, and writes nothing twice", func(ctx context.Context) {
		podsOf(ctx, "metered", "10.0.0.1", "10.0.0.2")
		export := changed("exported", func(gw *v1beta1.IstioGateway) {
			gw.Annotations[gateway.AnnotationExportMetrics] = away
		}, func(ctx context.Context, gw *v1beta1.IstioGateway) bool {
			return says(ctx, gw, v1beta1.ConditionMetricsExported)
		})
		withdraw := changed("withdrawn", func(gw *v1beta1.IstioGateway) {
			delete(gw.Annotations, gateway.AnnotationExportMetrics)
		}, func(ctx context.Context, gw *v1beta1.IstioGateway) bool {
			return admin.Get(ctx, client.ObjectKeyFromObject(gw), gw) == nil && len(gw.Status.Exports) == 0
		})
		born, gone := spared(made(`{clusterIds: [here], ports: [{name: http, port: 80}]}`, nil)), spared(deleted())
		expectSurvived(ctx, "metered", born, export, withdraw, gone)
	})
})
