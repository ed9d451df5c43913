package hold_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/test/env"
)

// writes are the requests that write of the controller, dry runs among them, as the API server recorded them: verb and
// path of each.
func writes() []string {
	GinkgoHelper()
	text, err := os.ReadFile(plane.AuditLog)
	Expect(err).NotTo(HaveOccurred())
	var out []string
	for line := range bytes.Lines(text) {
		event := struct {
			Stage, Verb, RequestURI string
			User                    struct{ Username string }
		}{}
		// The last line may be half written.
		if json.Unmarshal(line, &event) == nil && event.Stage == "ResponseComplete" && event.User.Username == controllerUser {
			out = append(out, event.Verb+" "+event.RequestURI)
		}
	}
	return out
}

// counting is a way to the API server that counts requests.
type counting struct {
	way  http.RoundTripper
	seen atomic.Int64
}

// RoundTrip counts one.
func (c *counting) RoundTrip(request *http.Request) (*http.Response, error) {
	c.seen.Add(1)
	return c.way.RoundTrip(request)
}

// expectQuiet waits until a controller has asked at least so often, and asks no more.
func (c *counting) expectQuiet(least int64) {
	GinkgoHelper()
	last, since := int64(0), time.Now()
	Eventually(func() bool {
		if seen := c.seen.Load(); seen != last {
			last, since = seen, time.Now()
		}
		return last >= least && time.Since(since) > 3*time.Second
	}).WithTimeout(3 * time.Minute).Should(BeTrue())
}

// counted is a controller with the fence, whose requests are counted.
func counted() (*controller, *counting) {
	way := &counting{}
	config := rest.CopyConfig(controllers)
	config.Wrap(func(inner http.RoundTripper) http.RoundTripper { way.way = inner; return way })
	return newController(config, fenced()), way
}

// everyShape is a gateway of each shape that the renderer has a golden of, placed in one cluster.
func everyShape(cluster string) []*v1beta1.IstioGateway {
	GinkgoHelper()
	paths, err := filepath.Glob("../../pkg/render/testdata/*.in.yaml")
	Expect(err).NotTo(HaveOccurred())
	Expect(len(paths)).To(BeNumerically(">", 20))
	var out []*v1beta1.IstioGateway
	for _, path := range paths {
		text, err := os.ReadFile(path)
		Expect(err).NotTo(HaveOccurred())
		golden, _, _ := strings.Cut(string(text), "\n---\n")
		gw := &v1beta1.IstioGateway{}
		Expect(yaml.UnmarshalStrict([]byte(golden), gw)).To(Succeed())
		name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".in.yaml"), ".", "-")
		gw.ObjectMeta = metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: gw.Annotations}
		delete(gw.Annotations, "asm.alibabacloud.com/managed-by-asm")
		gw.Spec.ClusterIDs = []string{cluster}
		for i := range gw.Spec.Ports {
			// No two can have the same in one cluster.
			gw.Spec.Ports[i].NodePort = 0
		}
		stamp(gw)
		out = append(out, gw)
	}
	return out
}

var _ = Describe("A controller that starts again", func() {
	It("writes nothing where everything is as it shall be (istio#59709)", func(ctx context.Context) {
		Expect(plane.InstallKinds(env.ForeignKinds()...)).To(Succeed())
		DeferCleanup(func() { Expect(plane.RemoveKinds(env.ForeignKinds()...)).To(Succeed()) })
		DeferCleanup(unfence)
		running, way := counted()
		running.start()
		DeferCleanup(func() { running.stop() })
		cluster := clusterOf(ctx, "again")
		gateways := everyShape("again")
		DeferCleanup(func(ctx context.Context) {
			for _, gw := range gateways {
				Expect(client.IgnoreNotFound(admin.Delete(ctx, gw))).To(Succeed())
			}
			for _, gw := range gateways {
				Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReady).Should(ContainSubstring("not found"))
			}
		})
		for _, gw := range gateways {
			Expect(admin.Create(ctx, gw)).To(Succeed())
		}
		for _, gw := range gateways {
			Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(Equal("True Applied"), gw.Name)
		}
		way.expectQuiet(0)
		running.stop()

		// That there are load balancers it finds out once there is one, and tells the next time that it looks.
		found := client.RawPatch("application/merge-patch+json", []byte(`{"status":{"facts":{"loadBalancer":true}}}`))
		Expect(admin.Status().Patch(ctx, cluster, found)).To(Succeed())
		before := len(writes())
		Expect(before).To(BeNumerically(">", 5*len(gateways)))
		running, way = counted()
		running.start()
		// It reads the Deployment of each at least once before it decides.
		way.expectQuiet(int64(len(gateways)))
		// It asks who it is, which writes nothing, though it is asked like a writing.
		Expect(writes()[before:]).To(HaveExactElements("create /apis/authentication.k8s.io/v1/selfsubjectreviews"))
	})
})
