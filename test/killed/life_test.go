package killed_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/render"
)

// act is something that somebody asks of a gateway, and how it shows that it is done.
type act struct {
	name string
	// spared: nobody is killed in it.
	spared bool
	begin  func(context.Context, *v1beta1.IstioGateway)
	done   func(context.Context, *v1beta1.IstioGateway) bool
}

// outcome is what came of an act that nobody was killed in.
type outcome struct {
	writes map[string]int
	parts  map[string]string
}

// life is what happens to a gateway, again and again, and the controllers that see to it.
type life struct {
	name    string
	acts    []act
	running *controller
	// wanted is what comes of each act when nobody is killed.
	wanted map[string]outcome
	// parts are the gateway's objects after the last act.
	parts map[string]*unstructured.Unstructured
}

// expectSurvived goes through a life without any death, and then with the controller killed in each act after no write,
// after one, and so on until it has written everything.
func expectSurvived(ctx context.Context, name string, acts ...act) {
	GinkgoHelper()
	l := &life{name: name, acts: acts, wanted: map[string]outcome{}, running: startController()}
	DeferCleanup(func() { l.running.stop() })
	l.once(ctx, never)
	for writes, killed := int64(0), true; killed; writes++ {
		killed = l.once(ctx, writes)
	}
}

// once goes through a life, and says whether somebody was killed.
func (l *life) once(ctx context.Context, writes int64) bool {
	GinkgoHelper()
	gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: l.name}}
	died := false
	for _, next := range l.acts {
		after := writes
		if next.spared {
			after = never
		}
		killed := l.play(ctx, gw, next, after)
		died = died || killed
	}
	return died
}

// play lets somebody ask for something, kills the controller after some writes, and lets another one finish what it began.
func (l *life) play(ctx context.Context, gw *v1beta1.IstioGateway, now act, writes int64) bool {
	GinkgoHelper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	when := fmt.Sprintf("%s is %s, killed after %d writes", l.name, now.name, writes)
	Eventually(l.running.way.quiet).Should(BeTrue())
	Expect(onObjects(taken())).To(BeEmpty(), "written in between, before %s", when)
	Expect(admin.DeleteAllOf(ctx, &eventsv1.Event{}, client.InNamespace(namespace))).To(Succeed())
	versions := follow(ctx, l.name)

	l.running.way.left.Store(writes)
	now.begin(ctx, gw)
	way := l.running.way
	Eventually(func() bool { return way.dead.Load() || now.done(ctx, gw) && way.quiet() }).Should(BeTrue(), whenIs(ctx, gw, when))
	way.left.Store(never)
	killed := way.dead.Load()
	if killed {
		l.running.stop()
		l.running = startController()
		Eventually(func() bool { return now.done(ctx, gw) && l.running.way.quiet() }).Should(BeTrue(), whenIs(ctx, gw, when))
	}
	all := taken()
	before := l.parts
	l.parts = partsOf(ctx, l.name)
	l.expectSame(now, all, when)
	expectKept(before, l.parts, when)
	expectServicesLast(all)
	expectNews(ctx, gw, versions, all, when)
	return killed
}

// whenIs says when something failed, and how the gateway is then.
func whenIs(ctx context.Context, gw *v1beta1.IstioGateway, when string) func() string {
	return func() string {
		text, err := json.Marshal(gw.Status)
		return fmt.Sprintf("%s: %s %v", when, text, errors.Join(err, admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)))
	}
}

// expectSame expects what came of an act when nobody was killed: the same objects, by no more writes to any of them.
//
// No write is repeated, not even the one that was under way: if it was carried out, the next controller finds what it did,
// and if it was not, it counts once.
func (l *life) expectSame(of act, all []write, when string) {
	GinkgoHelper()
	got := outcome{writes: onObjects(all), parts: map[string]string{}}
	for part, object := range l.parts {
		got.parts[part] = contentOf(object)
	}
	want, ok := l.wanted[of.name]
	if !ok {
		l.wanted[of.name] = got
		return
	}
	Expect(got.parts).To(Equal(want.parts), when)
	for what, times := range got.writes {
		Expect(times).To(BeNumerically("<=", want.writes[what]), "%s: %s; written in all:\n%v", when, what, all)
	}
}

// expectKept expects that what was there before and is there after is the same.
func expectKept(before, after map[string]*unstructured.Unstructured, when string) {
	GinkgoHelper()
	for part, object := range before {
		if now, stays := after[part]; stays {
			Expect(now.GetUID()).To(Equal(object.GetUID()), "%s: %s was made anew", when, part)
		}
	}
}

// expectNews expects that each write to a gateway changed something, that its status never said again what it had said
// before something else, and that nothing was told twice.
func expectNews(ctx context.Context, gw *v1beta1.IstioGateway, versions *history, all []write, when string) {
	GinkgoHelper()
	// Beside what the controller wrote there is what somebody asked for, and the version from before, if there was one.
	Eventually(func(g Gomega) {
		// A controller that has just started may have looked a little later than we did.
		all = append(all, taken()...)
		g.Expect(versions.length()).To(Equal(onGateways(all)+1+versions.before), "%s: as many versions as writes; written in all:\n%v", when, all)
	}).WithTimeout(5 * time.Second).Should(Succeed())
	Expect(versions.repeated()).To(BeEmpty(), when)
	told := toldOf(ctx, gw.UID)
	Expect(slices.Compact(slices.Clone(told))).To(Equal(told), when)
}

// kinds are the kinds that gateways are made of, and those of their exports.
func kinds() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		{Version: "v1", Kind: "ServiceAccount"},
		{Version: "v1", Kind: "Service"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "Role"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "RoleBinding"},
		{Group: "apps", Version: "v1", Kind: "Deployment"},
		{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"},
		{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"},
		{Group: "discovery.k8s.io", Version: "v1", Kind: "EndpointSlice"},
		{Group: "networking.istio.io", Version: "v1alpha3", Kind: "EnvoyFilter"},
	}
}

// partsOf are the objects of a gateway in all clusters.
func partsOf(ctx context.Context, name string) map[string]*unstructured.Unstructured {
	GinkgoHelper()
	out := map[string]*unstructured.Unstructured{}
	for id, in := range members {
		for _, kind := range kinds() {
			list := &unstructured.UnstructuredList{}
			list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
			Expect(in.admin.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels{render.LabelGateway: name})).To(Succeed())
			for i := range list.Items {
				out[strings.Join([]string{id, kind.Kind, list.Items[i].GetName()}, " ")] = &list.Items[i]
			}
		}
	}
	return out
}

// contentOf is what of an object is the same whenever it is made: all but what names it and what the cluster gives it. Its
// generation counts the changes of its spec: of a Deployment, each that restarts its pods.
func contentOf(object *unstructured.Unstructured) string {
	GinkgoHelper()
	object = object.DeepCopy()
	for _, path := range [][]string{
		{"metadata", "uid"}, {"metadata", "resourceVersion"}, {"metadata", "creationTimestamp"}, {"metadata", "managedFields"},
		{"metadata", "labels", render.LabelGatewayUID},
		{"spec", "clusterIP"}, {"spec", "clusterIPs"}, {"spec", "healthCheckNodePort"},
	} {
		unstructured.RemoveNestedField(object.Object, path...)
	}
	ports, _, err := unstructured.NestedSlice(object.Object, "spec", "ports")
	Expect(err).NotTo(HaveOccurred())
	for _, port := range ports {
		delete(port.(map[string]any), "nodePort")
	}
	if len(ports) > 0 {
		Expect(unstructured.SetNestedSlice(object.Object, ports, "spec", "ports")).To(Succeed())
	}
	text, err := json.Marshal(object)
	Expect(err).NotTo(HaveOccurred())
	return string(text)
}
