// Package restart_test holds what is predicted of edits against what a real Deployment controller makes of them.
package restart_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/reconcile"
	"portcullis.dev/portcullis/test/env"
	"portcullis.dev/portcullis/test/restart/edits"
)

func TestRestart(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(60 * time.Second)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	RunSpecs(t, "Predicting restarts")
}

// The control plane and the client of the suite, set once before it.
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
		ObjectMeta: metav1.ObjectMeta{Name: edits.Cluster},
		Spec:       v1alpha1.GatewayClusterSpec{Local: new(true), Managed: new(true)},
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
	Expect(reconcile.Setup(ctx, mgr, reconcile.Options{Workers: 4, ApprovalRetention: time.Hour})).To(Succeed())
	done := make(chan error)
	go func() { done <- mgr.Start(ctx) }()
	DeferCleanup(func() {
		cancel()
		Eventually(done).Should(Receive(BeNil()))
	})
}
