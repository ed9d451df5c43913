package hold_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
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
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/fence"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/reconcile"
	"portcullis.dev/portcullis/test/env"
)

func TestHold(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(60 * time.Second)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	SetDefaultConsistentlyDuration(3 * time.Second)
	RunSpecs(t, "Holding restarts")
}

const (
	namespace = "istio-system"
	// emergency is the group that may pass the fence.
	emergency = "break-glass"
	// controllerUser is who the controller is.
	controllerUser = "system:serviceaccount:portcullis-system:portcullis-controller"
)

// The control plane and the clients of the suite, set once before it. Admin is the hub's administrator: in this suite it
// plays the guard of edits and those who go past it. What is held, the real guard lets go.
var (
	plane  *env.ControlPlane
	admin  client.Client
	scheme *runtime.Scheme
	// controllers reaches the API server as the controller.
	controllers *rest.Config
)

var _ = BeforeSuite(func(ctx context.Context) {
	ctrl.SetLogger(zap.New(zap.WriteTo(GinkgoWriter)))
	var err error
	plane, err = env.Start(ctx, env.Options{Controllers: true, Audit: true, Progress: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	scheme = runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1beta1.AddToScheme, v1alpha1.AddToScheme} {
		Expect(add(scheme)).To(Succeed())
	}
	admin, err = client.New(plane.Config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	_, controllers, err = plane.KubeconfigFor(controllerUser, "system:masters")
	Expect(err).NotTo(HaveOccurred())
	Expect(admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
	startGuard(ctx)
})

// controller runs as its binary does.
type controller struct {
	options reconcile.Options
	// config reaches the API server.
	config *rest.Config
	cancel context.CancelFunc
	done   chan error
}

// startController runs the controller until the end of the spec, after all that the spec cleans up itself.
func startController(options reconcile.Options) *controller {
	GinkgoHelper()
	c := newController(controllers, options)
	c.start()
	DeferCleanup(c.stop)
	return c
}

// newController is one that does not run yet.
func newController(config *rest.Config, options reconcile.Options) *controller {
	options.Workers = 4
	if options.ApprovalRetention == 0 {
		options.ApprovalRetention = time.Hour
	}
	return &controller{options: options, config: config}
}

// start starts it.
func (c *controller) start() {
	GinkgoHelper()
	cached, err := reconcile.CacheOptions(namespace)
	Expect(err).NotTo(HaveOccurred())
	mgr, err := ctrl.NewManager(c.config, manager.Options{
		Scheme: scheme, Cache: cached, Metrics: metricsserver.Options{BindAddress: "0"},
		// One controller after the other runs in this process, under the same names.
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
	Expect(err).NotTo(HaveOccurred())
	var ctx context.Context
	ctx, c.cancel = context.WithCancel(context.Background())
	Expect(reconcile.Setup(ctx, mgr, c.options)).To(Succeed())
	c.done = make(chan error, 1)
	go func() { c.done <- mgr.Start(ctx) }()
}

// stop ends it, as the end of its pod does.
func (c *controller) stop() {
	GinkgoHelper()
	c.cancel()
	Eventually(c.done).Should(Receive(BeNil()))
}

// fenced are the options of a controller that closes the back door.
func fenced() reconcile.Options {
	return reconcile.Options{Fence: &fence.Options{EmergencyGroup: emergency}}
}

// clusterOf registers a cluster whose mesh has the old image, for the time of a spec.
func clusterOf(ctx context.Context, name string) *v1alpha1.GatewayCluster {
	GinkgoHelper()
	cluster := &v1alpha1.GatewayCluster{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.GatewayClusterSpec{Local: new(true), Mesh: &v1alpha1.MeshProfile{ProxyImage: oldImage}},
	}
	Expect(admin.Create(ctx, cluster)).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, cluster)).To(Succeed()) })
	return cluster
}

// upgrade gives a cluster a newer proxy image.
func upgrade(ctx context.Context, cluster *v1alpha1.GatewayCluster, image string) {
	GinkgoHelper()
	patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"spec":{"mesh":{"proxyImage":%q}}}`, image))
	Expect(admin.Patch(ctx, cluster, patch)).To(Succeed())
}

// gatewayIn creates a gateway, as the guard lets one in, and sees it removed after the spec by the controller that runs
// then.
func gatewayIn(ctx context.Context, name, spec string) *v1beta1.IstioGateway {
	GinkgoHelper()
	gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	Expect(yaml.UnmarshalStrict([]byte(spec), &gw.Spec)).To(Succeed())
	stamp(gw)
	Expect(admin.Create(ctx, gw)).To(Succeed())
	DeferCleanup(func(ctx context.Context) {
		Expect(client.IgnoreNotFound(admin.Delete(ctx, gw))).To(Succeed())
		Eventually(func() error {
			return client.IgnoreNotFound(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw))
		}).Should(Succeed())
		Eventually(func() bool { return admin.Get(ctx, client.ObjectKeyFromObject(gw), gw) != nil }).Should(BeTrue())
	})
	Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReady).Should(Equal("True PodsAvailable"))
	return gw
}

// stamp marks a gateway as admitted, as the guard does.
func stamp(gw *v1beta1.IstioGateway) {
	GinkgoHelper()
	fingerprint, err := change.Fingerprint(gw)
	Expect(err).NotTo(HaveOccurred())
	metav1.SetMetaDataAnnotation(&gw.ObjectMeta, gateway.AnnotationAdmitted, fingerprint)
}

// admitted changes a gateway as the guard lets a change in.
func admitted(ctx context.Context, gw *v1beta1.IstioGateway, edit func(*v1beta1.IstioGateway)) {
	GinkgoHelper()
	bypassed(ctx, gw, func(gw *v1beta1.IstioGateway) {
		edit(gw)
		stamp(gw)
	})
}

// bypassed changes a gateway past the guard.
func bypassed(ctx context.Context, gw *v1beta1.IstioGateway, edit func(*v1beta1.IstioGateway)) {
	GinkgoHelper()
	Eventually(func() error {
		if err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
			return err
		}
		edit(gw)
		return admin.Update(ctx, gw)
	}).Should(Succeed())
}

// conditionOf reads a gateway, and says how a condition of it is: its status and reason.
func conditionOf(ctx context.Context, gw *v1beta1.IstioGateway, name string) string {
	if err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
		return err.Error()
	}
	return conditionIn(gw, name)
}

// conditionIn says how a condition is in a gateway that was read.
func conditionIn(gw *v1beta1.IstioGateway, name string) string {
	found := meta.FindStatusCondition(gw.Status.Conditions, name)
	if found == nil || found.ObservedGeneration != gw.Generation {
		return "not reported"
	}
	return fmt.Sprintf("%s %s", found.Status, found.Reason)
}

// expectHeld waits until a restart is held for a reason, and returns what is pending.
func expectHeld(ctx context.Context, gw *v1beta1.IstioGateway, reason v1beta1.HoldReason) *v1beta1.PendingRestart {
	GinkgoHelper()
	Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionRestartPending).Should(Equal("True " + string(reason)))
	Expect(gw.Status.Pending).NotTo(BeNil())
	return gw.Status.Pending
}

// expectNothingHeld waits until nothing is held.
func expectNothingHeld(ctx context.Context, gw *v1beta1.IstioGateway) {
	GinkgoHelper()
	Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionRestartPending).Should(Equal("False NothingHeld"))
	Expect(gw.Status.Pending).To(BeNil())
}

// approve makes a ChangeApproval as the guard stores one.
func approve(ctx context.Context, gw *v1beta1.IstioGateway, digest string, edit ...func(*v1alpha1.ChangeApproval)) *v1alpha1.ChangeApproval {
	GinkgoHelper()
	approval := &v1alpha1.ChangeApproval{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: gw.Name + "-"},
		Spec: v1alpha1.ChangeApprovalSpec{
			GatewayName: gw.Name, GatewayUID: string(gw.UID), Digest: digest, Reason: "window of tonight",
			NotBefore:  &metav1.Time{Time: time.Now().Truncate(time.Second)},
			NotAfter:   &metav1.Time{Time: time.Now().Add(24 * time.Hour)},
			ApprovedBy: &v1alpha1.Approver{Username: "olga", CredentialID: "X509SHA256=olga"},
		},
	}
	for _, change := range edit {
		change(approval)
	}
	Expect(admin.Create(ctx, approval)).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(client.IgnoreNotFound(admin.Delete(ctx, approval))).To(Succeed()) })
	return approval
}

// deploymentOf is a gateway's Deployment.
func deploymentOf(ctx context.Context, gw *v1beta1.IstioGateway) *appsv1.Deployment {
	GinkgoHelper()
	deployment := &appsv1.Deployment{}
	Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "istio-" + gw.Name}, deployment)).To(Succeed())
	return deployment
}

// imageOf is the image of a gateway's pods.
func imageOf(ctx context.Context, gw *v1beta1.IstioGateway) string {
	GinkgoHelper()
	return deploymentOf(ctx, gw).Spec.Template.Spec.Containers[0].Image
}

// podsOf are the UIDs of a gateway's pods, but for those on their way out: other ones after a restart.
func podsOf(ctx context.Context, gw *v1beta1.IstioGateway) []string {
	GinkgoHelper()
	pods := &corev1.PodList{}
	Expect(admin.List(ctx, pods, client.InNamespace(namespace), client.MatchingLabels{"app": "istio-" + gw.Name})).To(Succeed())
	var out []string
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp == nil {
			out = append(out, string(pod.UID))
		}
	}
	return out
}

// expectSamePods sees that no pod restarts.
func expectSamePods(ctx context.Context, gw *v1beta1.IstioGateway, before []string) {
	GinkgoHelper()
	Consistently(podsOf).WithArguments(ctx, gw).Should(ConsistOf(before))
}

// notes are the sentences of a gateway's events of one reason.
func notes(ctx context.Context, gw *v1beta1.IstioGateway, reason string) []string {
	GinkgoHelper()
	list := &eventsv1.EventList{}
	Expect(admin.List(ctx, list)).To(Succeed())
	var out []string
	for _, event := range list.Items {
		if event.Reason == reason && event.Regarding.UID == gw.UID {
			out = append(out, event.Note)
		}
	}
	return out
}

// kubectl runs the real kubectl with a kubeconfig, and returns what it prints and whether it worked.
func kubectl(ctx context.Context, kubeconfig string, args ...string) (string, error) {
	GinkgoHelper()
	command := exec.CommandContext(ctx, plane.Kubectl, append([]string{"--kubeconfig", kubeconfig, "-n", namespace}, args...)...)
	output, err := command.CombinedOutput()
	return string(output), err
}

// kubectlEdit runs the real kubectl edit, with sed for an editor.
func kubectlEdit(ctx context.Context, object, script string) (string, error) {
	GinkgoHelper()
	command := exec.CommandContext(ctx, plane.Kubectl, "--kubeconfig", plane.Kubeconfig, "-n", namespace, "edit", object)
	command.Env = append(os.Environ(), "KUBE_EDITOR=sed -i "+script)
	output, err := command.CombinedOutput()
	return string(output), err
}
