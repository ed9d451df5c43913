package killed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// write is a request that wrote, as an API server recorded it.
type write struct {
	Verb      string
	ObjectRef struct{ Resource, Subresource, Name string }
	// ResponseStatus is how it was answered.
	ResponseStatus struct {
		Code   int
		Reason metav1.StatusReason
	}
	RequestURI string
	User       struct{ Username string }
	// Cluster is where.
	Cluster string
}

// String is what was written.
func (w write) String() string {
	resource := w.ObjectRef.Resource
	if w.ObjectRef.Subresource != "" {
		resource += "/" + w.ObjectRef.Subresource
	}
	return fmt.Sprintf("%s: %s %s %s", w.Cluster, w.Verb, resource, w.ObjectRef.Name)
}

// asks says whether a request that is sent like one that writes stores nothing: a dry run, or a question about rights.
func (w write) asks() bool {
	return strings.Contains(w.RequestURI, "dryRun=") || strings.HasSuffix(w.ObjectRef.Resource, "reviews")
}

// lost says whether somebody else wrote at the same time, or what was to be written to had gone already: nothing was
// written then. That happens to one whom nobody kills too, as often as caches lag.
func (w write) lost() bool {
	return w.ResponseStatus.Reason == metav1.StatusReasonConflict || w.ResponseStatus.Reason == metav1.StatusReasonNotFound
}

// record is an API server's record of what the controller writes.
type record struct {
	path string
	// sent is how many requests it has answered, read how many of them were read, and offset where they end.
	sent   atomic.Int64
	read   int64
	offset int64
}

// take reads what was added since it was last read, once all is there that the server has answered.
func (r *record) take(cluster string) []write {
	GinkgoHelper()
	var out []write
	Eventually(func() int64 {
		text, err := os.ReadFile(r.path)
		Expect(err).NotTo(HaveOccurred())
		for line := range bytes.Lines(text[r.offset:]) {
			if !bytes.HasSuffix(line, []byte("\n")) {
				break
			}
			r.offset += int64(len(line))
			one := write{Cluster: cluster}
			Expect(json.Unmarshal(line, &one)).To(Succeed())
			if one.User.Username == controllerUser {
				r.read++
				out = append(out, one)
			}
		}
		return r.read
	}).Should(BeNumerically(">=", r.sent.Load()))
	return slices.DeleteFunc(out, write.asks)
}

// taken is what was written in all clusters since it was last asked for, in each in its order.
func taken() []write {
	GinkgoHelper()
	return append(members[here].record.take(here), members[away].record.take(away)...)
}

// onObjects counts the writes by what they wrote, but for events, and for a gateway's status: in how many steps that
// comes to tell what is depends on when it is looked at.
func onObjects(all []write) map[string]int {
	out := map[string]int{}
	for _, one := range all {
		if one.ObjectRef.Resource != "events" && one.ObjectRef.Subresource != "status" && !one.lost() {
			out[one.String()]++
		}
	}
	return out
}

// onGateways counts the writes to gateways and to their status that were carried out.
func onGateways(all []write) int {
	count := 0
	for _, one := range all {
		if one.ObjectRef.Resource == "istiogateways" && one.ResponseStatus.Code < 300 {
			count++
		}
	}
	return count
}

// expectServicesLast expects that in no cluster anything is deleted after a Service: its address goes with it.
func expectServicesLast(all []write) {
	GinkgoHelper()
	began := map[string]bool{}
	for _, one := range all {
		if one.Verb != "delete" {
			continue
		}
		service := one.ObjectRef.Resource == "services"
		Expect(began[one.Cluster] && !service).To(BeFalse(), "%s, after a Service", one)
		began[one.Cluster] = began[one.Cluster] || service
	}
}

// history is how a gateway is stored, version by version.
type history struct {
	// before is how many of them there were before it was followed: one or none.
	before   int
	versions chan *v1beta1.IstioGateway
	seen     []*v1beta1.IstioGateway
}

// follow notes each version of a gateway until the context ends; the first is the one that there is already, if there is.
func follow(ctx context.Context, name string) *history {
	GinkgoHelper()
	there := &v1beta1.IstioGatewayList{}
	Expect(admin.List(ctx, there, client.InNamespace(namespace), client.MatchingFields{"metadata.name": name})).To(Succeed())
	from := &metav1.ListOptions{ResourceVersion: there.ResourceVersion}
	watch, err := admin.Watch(ctx, &v1beta1.IstioGatewayList{}, &client.ListOptions{
		Namespace: namespace, FieldSelector: fields.OneTermEqualSelector("metadata.name", name), Raw: from,
	})
	Expect(err).NotTo(HaveOccurred())
	out := &history{before: len(there.Items), versions: make(chan *v1beta1.IstioGateway, 1000)}
	for i := range there.Items {
		out.seen = append(out.seen, &there.Items[i])
	}
	go func() {
		for event := range watch.ResultChan() {
			if gw, ok := event.Object.(*v1beta1.IstioGateway); ok {
				out.versions <- gw
			}
		}
	}()
	return out
}

// length is how many versions there are so far.
func (h *history) length() int {
	for {
		select {
		case gw := <-h.versions:
			h.seen = append(h.seen, gw)
		default:
			return len(h.seen)
		}
	}
}

// repeated are the statuses that came back after another one.
func (h *history) repeated() []string {
	var all, out []string
	for _, gw := range h.seen {
		status := gw.Status.DeepCopy()
		for i := range status.Conditions {
			status.Conditions[i].LastTransitionTime = metav1.Time{}
		}
		text, err := json.Marshal(status)
		Expect(err).NotTo(HaveOccurred())
		if len(all) > 0 && all[len(all)-1] == string(text) {
			continue
		}
		if slices.Contains(all, string(text)) {
			out = append(out, string(text))
		}
		all = append(all, string(text))
	}
	return out
}

// toldOf are the sentences that were told of a gateway, each as often as it was.
func toldOf(ctx context.Context, uid types.UID) []string {
	GinkgoHelper()
	list := &eventsv1.EventList{}
	Expect(admin.List(ctx, list)).To(Succeed())
	var out []string
	for _, event := range list.Items {
		if event.Regarding.UID == uid {
			out = append(out, event.Reason+": "+event.Note)
		}
	}
	slices.Sort(out)
	return out
}
