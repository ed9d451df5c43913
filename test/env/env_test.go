package env_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/test/env"
)

func TestEnv(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(30 * time.Second)
	RunSpecs(t, "Control plane")
}

var _ = Describe("the control plane", Ordered, func() {
	var (
		plane *env.ControlPlane
		admin client.Client
	)

	BeforeAll(func(ctx context.Context) {
		var err error
		plane, err = env.Start(ctx, env.Options{Controllers: true, Progress: GinkgoWriter})
		Expect(err).NotTo(HaveOccurred())
		admin, err = client.New(plane.Config, client.Options{})
		Expect(err).NotTo(HaveOccurred())
	})
	AfterAll(func() {
		Expect(plane.Stop()).To(Succeed())
		Expect(plane.Dir).NotTo(BeADirectory())
	})

	It("answers kubectl, and knows our kinds", func(ctx context.Context) {
		output, err := kubectl(ctx, plane, plane.Kubeconfig, "explain", "istiogateway.spec")
		Expect(err).NotTo(HaveOccurred(), output)
		Expect(output).To(ContainSubstring("clusterIds"))
	})

	It("brings a Deployment's pods to life on its nodes", func(ctx context.Context) {
		deployment := newDeployment()
		Expect(admin.Create(ctx, deployment)).To(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(deployment), deployment)).To(Succeed())
			g.Expect(deployment.Status.ReadyReplicas).To(Equal(int32(3)))
		}).Should(Succeed())
	})

	It("removes the pods of a Deployment that is deleted", func(ctx context.Context) {
		Expect(admin.Delete(ctx, newDeployment(), client.PropagationPolicy(metav1.DeletePropagationBackground))).To(Succeed())
		Eventually(func(g Gomega) {
			var pods corev1.PodList
			g.Expect(admin.List(ctx, &pods, client.InNamespace(metav1.NamespaceDefault))).To(Succeed())
			g.Expect(pods.Items).To(BeEmpty())
		}).Should(Succeed())
	})

	It("gives each Service of type LoadBalancer an address of its own", func(ctx context.Context) {
		first, second := newService("first", corev1.ServiceTypeLoadBalancer), newService("second", corev1.ServiceTypeLoadBalancer)
		Expect(admin.Create(ctx, first)).To(Succeed())
		Expect(admin.Create(ctx, second)).To(Succeed())
		Eventually(address).WithArguments(ctx, admin, first).Should(HavePrefix("203.0.113."))
		Eventually(address).WithArguments(ctx, admin, second).Should(HavePrefix("203.0.113."))
		Expect(first.Status.LoadBalancer).NotTo(Equal(second.Status.LoadBalancer))
	})

	It("gives a Service of another type no address", func(ctx context.Context) {
		inside := newService("inside", corev1.ServiceTypeClusterIP)
		Expect(admin.Create(ctx, inside)).To(Succeed())
		// One created later has its address, so this one had its chance.
		later := newService("later", corev1.ServiceTypeLoadBalancer)
		Expect(admin.Create(ctx, later)).To(Succeed())
		Eventually(address).WithArguments(ctx, admin, later).ShouldNot(BeEmpty())
		Expect(address(ctx, admin, inside)).To(BeEmpty())
	})

	It("refuses a user whom RBAC allows nothing", func(ctx context.Context) {
		path, config, err := plane.KubeconfigFor("jane", "gateways")
		Expect(err).NotTo(HaveOccurred())
		jane, err := client.New(config, client.Options{})
		Expect(err).NotTo(HaveOccurred())
		Expect(apierrors.IsForbidden(jane.Create(ctx, newDeployment()))).To(BeTrue())
		output, err := kubectl(ctx, plane, path, "auth", "whoami")
		Expect(err).NotTo(HaveOccurred(), output)
		Expect(output).To(And(ContainSubstring("jane"), ContainSubstring("gateways")))
	})

	It("says which program has ended by itself, and where its log is", func() {
		Expect(plane.Check()).To(Succeed())
		Expect(plane.Run("/bin/false")).To(Succeed())
		Eventually(plane.Check).Should(MatchError(MatchRegexp(`^false ended by itself: exit status 1; see .*/log/false.log$`)))
	})
})

// kubectl runs kubectl as the kubeconfig's user, and returns all that it prints.
func kubectl(ctx context.Context, plane *env.ControlPlane, kubeconfig string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, plane.Kubectl, args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	output, err := command.CombinedOutput()
	return strings.TrimSpace(string(output)), err
}

// address is the address that a Service has, if it has one.
func address(ctx context.Context, reader client.Reader, service *corev1.Service) (string, error) {
	if err := reader.Get(ctx, client.ObjectKeyFromObject(service), service); err != nil {
		return "", err
	}
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		return ingress.IP, nil
	}
	return "", nil
}

func newDeployment() *appsv1.Deployment {
	labels := map[string]string{"app": "web"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(3)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					InitContainers: []corev1.Container{{Name: "before", Image: "example.com/before:1"}},
					Containers:     []corev1.Container{{Name: "web", Image: "example.com/web:1"}, {Name: "beside", Image: "example.com/beside:1"}},
				},
			},
		},
	}
}

func newService(name string, kind corev1.ServiceType) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: name},
		Spec:       corev1.ServiceSpec{Type: kind, Ports: []corev1.ServicePort{{Port: 80}}},
	}
}
