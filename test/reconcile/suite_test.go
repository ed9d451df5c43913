package reconcile_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/reconcile"
	"portcullis.dev/portcullis/test/env"
)

func TestReconcile(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(60 * time.Second)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	SetDefaultConsistentlyDuration(3 * time.Second)
	RunSpecs(t, "Reconciling gateways")
}

// The control plane and the clients of the suite, set once before it.
var (
	plane *env.ControlPlane
	admin client.Client
)

const namespace = "istio-system"

var _ = BeforeSuite(func(ctx context.Context) {
	ctrl.SetLogger(zap.New(zap.WriteTo(GinkgoWriter)))
	var err error
	plane, err = env.Start(ctx, env.Options{Controllers: true, Progress: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	Expect(plane.InstallKinds(env.ForeignKinds()...)).To(Succeed())

	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1beta1.AddToScheme, v1alpha1.AddToScheme} {
		Expect(add(scheme)).To(Succeed())
	}
	admin, err = client.New(plane.Config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	Expect(admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
	Expect(admin.Create(ctx, &v1alpha1.GatewayCluster{
		ObjectMeta: metav1.ObjectMeta{Name: "local"},
		Spec:       v1alpha1.GatewayClusterSpec{Local: new(true)},
	})).To(Succeed())
	startController(scheme)
})

// startController runs the controller as its binary does, until the suite ends.
func startController(scheme *runtime.Scheme) {
	GinkgoHelper()
	cached, err := reconcile.CacheOptions(namespace)
	Expect(err).NotTo(HaveOccurred())
	mgr, err := ctrl.NewManager(plane.Config, manager.Options{Scheme: scheme, Cache: cached, Metrics: metricsserver.Options{BindAddress: "0"}})
	Expect(err).NotTo(HaveOccurred())
	ctx, cancel := context.WithCancel(context.Background())
	Expect(reconcile.Setup(ctx, mgr, reconcile.Options{Workers: 4, ApprovalRetention: time.Hour, LookAgain: time.Second})).To(Succeed())
	done := make(chan error)
	go func() { done <- mgr.Start(ctx) }()
	DeferCleanup(func() {
		cancel()
		Eventually(done).Should(Receive(BeNil()))
	})
}

// gatewayOf is a gateway with a spec in YAML.
func gatewayOf(name, spec string) *v1beta1.IstioGateway {
	GinkgoHelper()
	gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	Expect(yaml.UnmarshalStrict([]byte(spec), &gw.Spec)).To(Succeed())
	return gw
}

// expectApplied creates a gateway and sees it removed after the spec.
func expectApplied(ctx context.Context, gw *v1beta1.IstioGateway) {
	GinkgoHelper()
	stamp(gw)
	Expect(admin.Create(ctx, gw)).To(Succeed())
	DeferCleanup(func(ctx context.Context) {
		Expect(client.IgnoreNotFound(admin.Delete(ctx, gw))).To(Succeed())
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
	})
}

// expectChanged changes a gateway, as the guard lets a change in.
func expectChanged(ctx context.Context, gw *v1beta1.IstioGateway, edit func(*v1beta1.IstioGateway)) {
	GinkgoHelper()
	Eventually(func() error {
		if err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
			return err
		}
		edit(gw)
		stamp(gw)
		return admin.Update(ctx, gw)
	}).Should(Succeed())
}

// stamp marks a gateway as admitted, as the guard does.
func stamp(gw *v1beta1.IstioGateway) {
	GinkgoHelper()
	fingerprint, err := change.Fingerprint(gw)
	Expect(err).NotTo(HaveOccurred())
	metav1.SetMetaDataAnnotation(&gw.ObjectMeta, gateway.AnnotationAdmitted, fingerprint)
}

// gone says whether an object is no longer stored.
func gone(ctx context.Context, object client.Object) bool {
	return apierrors.IsNotFound(admin.Get(ctx, client.ObjectKeyFromObject(object), object))
}

// conditionOf says how a condition of a gateway is: its status and reason.
func conditionOf(ctx context.Context, gw *v1beta1.IstioGateway, name string) string {
	if err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
		return err.Error()
	}
	for _, condition := range gw.Status.Conditions {
		if condition.Type == name && condition.ObservedGeneration == gw.Generation {
			return fmt.Sprintf("%s %s", condition.Status, condition.Reason)
		}
	}
	return "not reported"
}

// expectReady waits until a gateway is applied and its pods are available.
func expectReady(ctx context.Context, gw *v1beta1.IstioGateway) {
	GinkgoHelper()
	Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(Equal("True Applied"))
	Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReady).Should(Equal("True PodsAvailable"))
}

// expectExists reads the object of a gateway of some kind.
func expectExists[T client.Object](ctx context.Context, gw *v1beta1.IstioGateway, object T) T {
	GinkgoHelper()
	Eventually(func() error {
		return admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "istio-" + gw.Name}, object)
	}).Should(Succeed())
	return object
}

// replicasOf is the number of pods that a gateway's Deployment wants.
func replicasOf(ctx context.Context, gw *v1beta1.IstioGateway) int32 {
	deployment := &appsv1.Deployment{}
	if err := admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "istio-" + gw.Name}, deployment); err != nil {
		return -1
	}
	return *deployment.Spec.Replicas
}
