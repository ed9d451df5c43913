package election_test

import (
	"context"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/reconcile"
	"portcullis.dev/portcullis/test/env"
)

func TestElection(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(60 * time.Second)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	RunSpecs(t, "Two controllers")
}

// The control plane, the client and the binary of the suite, set once before it.
var (
	plane  *env.ControlPlane
	admin  client.Client
	binary string
)

const namespace = "istio-system"

var _ = BeforeSuite(func(ctx context.Context) {
	var err error
	// Nothing has to come to life here: what counts is who applies.
	plane, err = env.Start(ctx, env.Options{Progress: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
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
	binary, err = gexec.Build("portcullis.dev/portcullis/cmd/controller")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(gexec.CleanupBuildArtifacts)
})

// controller is one running controller.
type controller struct {
	session *gexec.Session
	health  string
}

// started runs a controller and waits until it answers.
func started() controller {
	GinkgoHelper()
	health := freeAddress()
	session, err := gexec.Start(exec.Command(binary,
		"--kubeconfig", plane.Kubeconfig,
		"--leader-elect", "--leader-election-namespace", namespace,
		"--health-probe-bind-address", health,
		"--metrics-bind-address", "0",
	), GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Eventually(session.Kill()).Should(gexec.Exit()) })
	out := controller{session: session, health: health}
	Eventually(out.answer).WithArguments("/readyz").Should(Equal(http.StatusOK))
	return out
}

// answer is the status that a controller answers a path with.
func (c controller) answer(path string) (int, error) {
	response, err := http.Get("http://" + c.health + path)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// freeAddress is an address that nobody listens on.
func freeAddress() string {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(listener.Close()).To(Succeed()) }()
	return listener.Addr().String()
}

// leader is who holds the Lease; nobody when it is empty.
func leader(ctx context.Context) (string, error) {
	lease := &coordinationv1.Lease{}
	err := admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "portcullis-controller"}, lease)
	if err != nil || lease.Spec.HolderIdentity == nil {
		return "", client.IgnoreNotFound(err)
	}
	return *lease.Spec.HolderIdentity, nil
}

// created creates a gateway.
func created(ctx context.Context, name string) *v1beta1.IstioGateway {
	GinkgoHelper()
	gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	gw.Spec.ClusterIDs = []string{"local"}
	Expect(admin.Create(ctx, gw)).To(Succeed())
	return gw
}

// applied says whether everything of a gateway is applied.
func applied(ctx context.Context, gw *v1beta1.IstioGateway) (bool, error) {
	err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)
	return meta.IsStatusConditionTrue(gw.Status.Conditions, v1beta1.ConditionReconciled), err
}

// touched says whether anybody has worked on a gateway.
func touched(ctx context.Context, gw *v1beta1.IstioGateway) (bool, error) {
	err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)
	return slices.Contains(gw.Finalizers, reconcile.Finalizer) || len(gw.Status.Conditions) > 0, err
}

var _ = Describe("Two controllers", func() {
	It("answer for their health, whoever leads", func() {
		for _, one := range []controller{started(), started()} {
			Expect(one.answer("/healthz")).To(Equal(http.StatusOK))
			Expect(one.answer("/readyz")).To(Equal(http.StatusOK))
			Expect(one.answer("/metrics")).To(Equal(http.StatusNotFound))
		}
	})

	It("work one at a time, and the other takes over when the leader is killed", func(ctx context.Context) {
		first := started()
		before := created(ctx, "before")
		Eventually(applied).WithArguments(ctx, before).Should(BeTrue())
		led, err := leader(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(led).NotTo(BeEmpty())
		second := started()
		Consistently(leader).WithArguments(ctx).Should(Equal(led))

		Eventually(first.session.Kill()).Should(gexec.Exit())
		orphan := created(ctx, "orphan")
		// The Lease of who was killed runs on for its 15 seconds; until then nobody may work.
		Consistently(touched).WithArguments(ctx, orphan).WithTimeout(3 * time.Second).Should(BeFalse())
		Eventually(applied).WithArguments(ctx, orphan).Should(BeTrue())
		Expect(leader(ctx)).NotTo(Equal(led))
		Expect(second.session).NotTo(gexec.Exit())

		By("keeping what the first one had made")
		Expect(admin.Delete(ctx, before)).To(Succeed())
		Eventually(func() error {
			return admin.Get(ctx, client.ObjectKeyFromObject(before), before)
		}).Should(MatchError(ContainSubstring("not found")))
	})

	It("change over at once when the leader ends in order", func(ctx context.Context) {
		first := started()
		gw := created(ctx, "orderly")
		Eventually(applied).WithArguments(ctx, gw).Should(BeTrue())
		second := started()
		Eventually(first.session.Terminate()).Should(gexec.Exit(0))
		next := created(ctx, "next")
		// Sooner than a Lease that was not given back would end.
		Eventually(applied).WithArguments(ctx, next).WithTimeout(12 * time.Second).Should(BeTrue())
		Expect(second.session).NotTo(gexec.Exit())
	})
})
