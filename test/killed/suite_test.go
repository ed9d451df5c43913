// Package killed_test kills the controller after each of its writes, and holds what it and the one after it write
// together against what one writes that nobody kills.
//
// No controller of Kubernetes runs in these clusters, so that what is written does not depend on when pods become ready.
// What a restart means for pods is tested in test/hold.
package killed_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	connected "portcullis.dev/portcullis/pkg/cluster"
	"portcullis.dev/portcullis/pkg/fence"
	"portcullis.dev/portcullis/pkg/reconcile"
	"portcullis.dev/portcullis/test/env"
)

func TestKilled(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(60 * time.Second)
	SetDefaultEventuallyPollingInterval(25 * time.Millisecond)
	RunSpecs(t, "Killing the controller")
}

const (
	namespace = "istio-system"
	// here is the cluster that the controller runs in, away another one.
	here, away = "here", "away"
	// controllerUser is who the controller is in both.
	controllerUser = "system:serviceaccount:portcullis-system:portcullis-controller"
	// emergency is the group that may pass the fence: administrators are in it.
	emergency = "system:masters"
)

// member is one of the clusters: its administrator, how the controller reaches it, and the record of what that one writes.
type member struct {
	admin  client.WithWatch
	config *rest.Config
	record *record
}

// The clusters, and the administrator of the one that the gateways are in; set once before the suite.
var (
	members map[string]*member
	admin   client.WithWatch
	scheme  *runtime.Scheme
)

var _ = BeforeSuite(func(ctx context.Context) {
	ctrl.SetLogger(zap.New(zap.WriteTo(GinkgoWriter)))
	scheme = runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1beta1.AddToScheme, v1alpha1.AddToScheme} {
		Expect(add(scheme)).To(Succeed())
	}
	members = map[string]*member{here: startMember(ctx), away: startMember(ctx)}
	admin = members[here].admin
	Expect(admin.Create(ctx, &v1alpha1.GatewayCluster{
		ObjectMeta: metav1.ObjectMeta{Name: here}, Spec: v1alpha1.GatewayClusterSpec{Local: new(true)},
	})).To(Succeed())
	Expect(admin.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istio-remote-secret-away", Labels: map[string]string{connected.LabelRemoteSecret: "true"}},
		Data:       map[string][]byte{away: startEntrance(members[away])},
	})).To(Succeed())

	// What is written once in the life of a cluster is written before anybody is killed.
	first := startController()
	Eventually(func(g Gomega) {
		for _, id := range []string{here, away} {
			registered := &v1alpha1.GatewayCluster{}
			g.Expect(admin.Get(ctx, client.ObjectKey{Name: id}, registered)).To(Succeed())
			g.Expect(meta.IsStatusConditionTrue(registered.Status.Conditions, v1alpha1.ConditionReachable)).To(BeTrue())
			g.Expect(meta.IsStatusConditionTrue(registered.Status.Conditions, v1alpha1.ConditionFenced)).To(BeTrue())
		}
	}).Should(Succeed())
	Eventually(first.way.quiet).Should(BeTrue())
	first.stop()
	taken()
})

// startMember starts a cluster without any controllers.
func startMember(ctx context.Context) *member {
	GinkgoHelper()
	plane, err := env.Start(ctx, env.Options{Audit: true, Progress: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	Expect(plane.InstallKinds(env.ForeignKinds()...)).To(Succeed())
	out := &member{record: &record{path: plane.AuditLog}}
	out.admin, err = client.NewWithWatch(plane.Config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	_, out.config, err = plane.KubeconfigFor(controllerUser, "system:masters")
	Expect(err).NotTo(HaveOccurred())
	Expect(out.admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
	return out
}

// controller runs as its binary does.
type controller struct {
	way    *way
	cancel context.CancelFunc
	done   chan error
}

// startController starts one that nobody kills yet.
func startController() *controller {
	GinkgoHelper()
	out := &controller{way: newWay(), done: make(chan error, 1)}
	reach := rest.CopyConfig(members[here].config)
	reach.Wrap(out.way.through(members[here].record))
	lead(out.way)
	cached, err := reconcile.CacheOptions(namespace)
	Expect(err).NotTo(HaveOccurred())
	mgr, err := ctrl.NewManager(reach, manager.Options{
		Scheme: scheme, Cache: cached, Metrics: metricsserver.Options{BindAddress: "0"},
		// One controller after the other runs in this process, under the same names.
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
	Expect(err).NotTo(HaveOccurred())
	var ctx context.Context
	ctx, out.cancel = context.WithCancel(context.Background())
	Expect(reconcile.Setup(ctx, mgr, reconcile.Options{
		Workers: 4, ApprovalRetention: time.Hour, Fence: &fence.Options{EmergencyGroup: emergency}, RemoteSecrets: namespace,
	})).To(Succeed())
	go func() { out.done <- mgr.Start(ctx) }()
	return out
}

// stop ends it, once nothing that it writes is under way: whether that is carried out could not be told.
func (c *controller) stop() {
	GinkgoHelper()
	Eventually(c.way.busy.Load).Should(BeZero())
	c.cancel()
	Eventually(c.done).Should(Receive(BeNil()))
}
