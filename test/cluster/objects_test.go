package cluster_test

import (
	"context"
	"errors"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// withCommand is a kubeconfig that would run a command.
const withCommand = `
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/false, interactiveMode: Never}}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`

// hubAuthority reaches the cluster elsewhere with the hub's CA.
func hubAuthority() *rest.Config {
	config := rest.CopyConfig(elsewhere.Config)
	config.CAData = hub.Config.CAData
	return config
}

// deployment is a Deployment that an API server takes.
func deployment(name string) *appsv1.Deployment {
	out := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	out.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}
	out.Spec.Template.Labels = out.Spec.Selector.MatchLabels
	out.Spec.Template.Spec.Containers = []corev1.Container{{Name: "c", Image: "i"}}
	return out
}

// factsOf are the facts that were found out about a cluster.
func factsOf(ctx context.Context, id string) func() (*v1alpha1.ClusterFacts, error) {
	return func() (*v1alpha1.ClusterFacts, error) {
		registered := &v1alpha1.GatewayCluster{}
		if err := admin.Get(ctx, client.ObjectKey{Name: id}, registered); err != nil {
			return nil, err
		}
		if registered.Status.Facts == nil {
			return nil, errors.New("no facts are there yet")
		}
		return registered.Status.Facts, nil
	}
}

// secretThatRegistered is the name of the Secret that a cluster is registered by; empty while it is not.
func secretThatRegistered(ctx context.Context, id string) string {
	registered := &v1alpha1.GatewayCluster{}
	if err := admin.Get(ctx, client.ObjectKey{Name: id}, registered); err != nil || registered.Spec.KubeconfigSecret == nil {
		return ""
	}
	return registered.Spec.KubeconfigSecret.Name
}

// eventsOf are the events about a cluster: type, reason and sentence.
func eventsOf(ctx context.Context, id string) ([]string, error) {
	list := &eventsv1.EventList{}
	if err := admin.List(ctx, list); err != nil {
		return nil, err
	}
	var out []string
	for i := range list.Items {
		if about := list.Items[i].Regarding; about.Kind == "GatewayCluster" && about.Name == id {
			out = append(out, list.Items[i].Type+" "+list.Items[i].Reason+" "+list.Items[i].Note)
		}
	}
	return out, nil
}

// seriesOf is what the metrics say of a cluster.
func seriesOf(id string) map[string]float64 {
	GinkgoHelper()
	gatherer := prometheus.NewPedanticRegistry()
	Expect(gatherer.Register(registry)).To(Succeed())
	families, err := gatherer.Gather()
	Expect(err).NotTo(HaveOccurred())
	out := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if metric.GetLabel()[0].GetValue() == id {
				out[family.GetName()] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
			}
		}
	}
	return out
}

// node adds a node to the cluster elsewhere until the spec ends.
func node(ctx context.Context, name, kernel string, labels map[string]string) *corev1.Node {
	made := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	Expect(remote.Create(ctx, made)).To(Succeed())
	made.Status.NodeInfo.KernelVersion = kernel
	Expect(remote.Status().Update(ctx, made)).To(Succeed())
	return made
}
