package hold_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/reconcile"
	"portcullis.dev/portcullis/pkg/render"
)

// mortal is the way of a controller to the API server, which ends after some requests that write: whoever is killed
// between two of them writes no more.
type mortal struct {
	way  http.RoundTripper
	left atomic.Int64
	dead atomic.Bool
}

// RoundTrip passes requests on until it is dead.
func (m *mortal) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method != http.MethodGet && m.left.Add(-1) < 0 {
		m.dead.Store(true)
	}
	if m.dead.Load() {
		return nil, errors.New("killed")
	}
	return m.way.RoundTrip(request)
}

// killedAfter is a controller that can write so many times.
func killedAfter(writes int64) (*controller, *mortal) {
	way := &mortal{}
	way.left.Store(writes)
	config := rest.CopyConfig(controllers)
	config.Wrap(func(inner http.RoundTripper) http.RoundTripper { way.way = inner; return way })
	return newController(config, reconcile.Options{}), way
}

// partsOf are the objects of a gateway, each with its version, and with its generation alone where versions is false.
func partsOf(ctx context.Context, gw *v1beta1.IstioGateway, versions bool) map[string]string {
	GinkgoHelper()
	out := map[string]string{}
	for _, list := range []client.ObjectList{
		&corev1.ServiceAccountList{}, &corev1.ServiceList{}, &rbacv1.RoleList{}, &rbacv1.RoleBindingList{},
		&appsv1.DeploymentList{}, &autoscalingv2.HorizontalPodAutoscalerList{}, &policyv1.PodDisruptionBudgetList{},
	} {
		Expect(admin.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels{render.LabelGateway: gw.Name})).To(Succeed())
		Expect(meta.EachListItem(list, func(item runtime.Object) error {
			object := item.(client.Object)
			// What the cluster writes of its own accord is in the status, which counts no generation.
			seen := fmt.Sprint(object.GetGeneration())
			if versions {
				seen = string(object.GetUID()) + " " + seen
			}
			out[fmt.Sprintf("%T", item)] = seen
			return nil
		})).To(Succeed())
	}
	return out
}

// stored counts what the controller stored of a gateway and its objects, as the API server recorded it. In how many steps a
// status comes to tell what is depends on when it is looked at, and is left out; and so is what was refused because
// somebody else wrote at the same time.
func stored(gateway string) map[string]int {
	GinkgoHelper()
	text, err := os.ReadFile(plane.AuditLog)
	Expect(err).NotTo(HaveOccurred())
	out := map[string]int{}
	for line := range bytes.Lines(text) {
		event := struct {
			Verb           string
			ObjectRef      struct{ Resource, Subresource, Name string }
			ResponseStatus struct{ Code int }
			RequestURI     string
			User           struct{ Username string }
		}{}
		// The last line may be half written.
		if json.Unmarshal(line, &event) != nil || event.User.Username != controllerUser || event.ResponseStatus.Code >= 300 {
			continue
		}
		of := event.ObjectRef
		if strings.TrimPrefix(of.Name, "istio-") == gateway && of.Subresource == "" && !strings.Contains(event.RequestURI, "dryRun=") {
			out[event.Verb+" "+of.Resource]++
		}
	}
	return out
}

var _ = Describe("A controller that is killed after any of its writes", func() {
	const spec = `{clusterIds: [anytime], minReplicas: 2, maxReplicas: 4, cpu: {targetAverageUtilization: 80}, ports: [{name: http, port: 80}]}`
	create := func(ctx context.Context, name string) *v1beta1.IstioGateway {
		GinkgoHelper()
		gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		Expect(yaml.UnmarshalStrict([]byte(spec), &gw.Spec)).To(Succeed())
		stamp(gw)
		Expect(admin.Create(ctx, gw)).To(Succeed())
		return gw
	}
	applied := func(ctx context.Context, gw *v1beta1.IstioGateway) bool {
		return conditionOf(ctx, gw, v1beta1.ConditionReconciled) == "True Applied"
	}
	gone := func(ctx context.Context, gw *v1beta1.IstioGateway) bool {
		return apierrors.IsNotFound(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw))
	}

	It("is followed by one that makes, changes and removes the same, and writes nothing twice", func(ctx context.Context) {
		clusterOf(ctx, "anytime")
		var made, changed map[string]string
		var names []string
		for writes, whole := int64(0), false; !whole; writes++ {
			gw := &v1beta1.IstioGateway{}
			names = append(names, fmt.Sprintf("instant-%d", writes))
			// finish lets a controller die, and another one finish what it began.
			finish := func(begin func(), done func(context.Context, *v1beta1.IstioGateway) bool) bool {
				first, way := killedAfter(writes)
				first.start()
				begin()
				Eventually(func() bool { return way.dead.Load() || done(ctx, gw) }).Should(BeTrue())
				first.stop()
				second := newController(controllers, reconcile.Options{})
				second.start()
				Eventually(done).WithArguments(ctx, gw).Should(BeTrue(), "killed after %d writes", writes)
				second.stop()
				return !way.dead.Load()
			}
			born := finish(func() { gw = create(ctx, names[writes]) }, applied)
			parts := partsOf(ctx, gw, false)
			if made == nil {
				made = parts
			}
			Expect(parts).To(Equal(made), "killed after %d writes", writes)

			before := partsOf(ctx, gw, true)
			grown := finish(func() {
				admitted(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.PodLabels = map[string]string{"a": "b"} })
			}, applied)
			after := partsOf(ctx, gw, true)
			for part := range before {
				if part != "*v1.Deployment" {
					Expect(after[part]).To(Equal(before[part]), "%s, killed after %d writes", part, writes)
				}
			}
			if parts = partsOf(ctx, gw, false); changed == nil {
				changed = parts
			}
			Expect(parts).To(Equal(changed), "killed after %d writes", writes)

			buried := finish(func() { Expect(admin.Delete(ctx, gw)).To(Succeed()) }, gone)
			Expect(partsOf(ctx, gw, false)).To(BeEmpty(), "killed after %d writes", writes)
			whole = born && grown && buried
		}

		// Nobody was killed in the life of the last one. What was under way when another one was is not repeated either: if it
		// was carried out, the next controller finds what it did.
		Eventually(func(g Gomega) {
			whole := stored(names[len(names)-1])
			for _, name := range names {
				for what, times := range stored(name) {
					g.Expect(times).To(BeNumerically("<=", whole[what]), "%s of %s", what, name)
				}
			}
		}).Should(Succeed())
	})
})
