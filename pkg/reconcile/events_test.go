package reconcile

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

func TestEventsOfApplying(t *testing.T) {
	service := v1beta1.ObjectReference{APIVersion: "v1", Kind: "Service", Name: "istio-edge"}
	account := v1beta1.ObjectReference{APIVersion: "v1", Kind: "ServiceAccount", Name: "istio-edge"}
	budget := v1beta1.ObjectReference{APIVersion: "policy/v1", Kind: "PodDisruptionBudget", Name: "istio-edge"}
	for _, test := range []struct {
		name string
		done []applied
		want []string
	}{
		{name: "are none when nothing happened", done: []applied{{object: service}}},
		{
			name: "tell what was created",
			done: []applied{{object: service, created: true}},
			want: []string{"Normal Created Create Service/istio-edge: Created Service istio-edge in cluster home"},
		},
		{
			name: "tell in one sentence all that was created",
			done: []applied{{object: account}, {object: service, created: true}, {object: budget, created: true}},
			want: []string{"Normal Created Create Service/istio-edge: Created Service istio-edge, PodDisruptionBudget istio-edge in cluster home"},
		},
		{
			name: "tell of each that was updated",
			done: []applied{{object: service, changed: true}, {object: budget, changed: true}},
			want: []string{
				"Normal Updated Update Service/istio-edge: Updated Service istio-edge in cluster home",
				"Normal Updated Update PodDisruptionBudget/istio-edge: Updated PodDisruptionBudget istio-edge in cluster home",
			},
		},
		{
			name: "tell what was updated",
			done: []applied{{object: service, changed: true}},
			want: []string{"Normal Updated Update Service/istio-edge: Updated Service istio-edge in cluster home"},
		},
		{
			name: "tell who had changed what we corrected",
			done: []applied{{object: service, drifted: "kubectl-edit"}},
			want: []string{"Warning DriftCorrected Correct Service/istio-edge: Corrected Service istio-edge in cluster home, which kubectl-edit had changed"},
		},
		{
			name: "say one thing of one object",
			done: []applied{{object: service, changed: true, drifted: "kubectl-edit"}},
			want: []string{"Warning DriftCorrected Correct Service/istio-edge: Corrected Service istio-edge in cluster home, which kubectl-edit had changed"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			recorder := &recorded{}
			events{recorder}.applied(gatewayOf(t, `{}`), "home", test.done)
			expectEqual(t, "events", recorder.taken(), test.want)
		})
	}
}

func TestEventOfRemoval(t *testing.T) {
	recorder := &recorded{}
	events{recorder}.removed(gatewayOf(t, `{}`), "home")
	expectEqual(t, "events", recorder.taken(), []string{"Normal Removed Remove GatewayCluster/home: Removed the gateway from cluster home"})
}

func TestEventsOfDifferentObjectsAreNotOne(t *testing.T) {
	recorder := &relations{}
	for _, uid := range []types.UID{"in-one-cluster", "in-another"} {
		events{recorder}.applied(gatewayOf(t, `{}`), "home", []applied{{object: serviceOfEdge, uid: uid, created: true}})
	}
	expectEqual(t, "related objects", recorder.seen, []corev1.ObjectReference{
		{APIVersion: "v1", Kind: "Service", Namespace: "istio-system", Name: "istio-edge", UID: "in-one-cluster"},
		{APIVersion: "v1", Kind: "Service", Namespace: "istio-system", Name: "istio-edge", UID: "in-another"},
	})
}

// relations keeps what events relate to.
type relations struct {
	seen []corev1.ObjectReference
}

// Eventf keeps the related object of one event.
func (r *relations) Eventf(_, related runtime.Object, _, _, _, _ string, _ ...any) {
	if about, ok := related.(*corev1.ObjectReference); ok {
		r.seen = append(r.seen, *about)
	}
}
