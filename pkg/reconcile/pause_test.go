package reconcile

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

func TestPausedSaysWhatWaits(t *testing.T) {
	waiting := entryIn("away", v1beta1.ClusterReady)
	waiting.Paused, waiting.Waiting = true, []string{"Deployment istio-edge: spec.replicas", "Service istio-edge: is to be made"}
	idle := entryIn("home", v1beta1.ClusterReady)
	idle.Paused = true
	for _, test := range []struct {
		name             string
		entries          []v1beta1.ClusterStatus
		want, reconciled metav1.Condition
	}{
		{
			name: "nothing when nobody paused", entries: []v1beta1.ClusterStatus{entryIn("home", v1beta1.ClusterReady)},
			want:       condition("Paused", "False", "NotPaused", "Nobody paused the gateway"),
			reconciled: condition("Reconciled", "True", "Applied", "Every object is applied in every cluster"),
		},
		{
			name: "that nothing does", entries: []v1beta1.ClusterStatus{idle},
			want:       condition("Paused", "True", "Paused", "Nothing is written. What waits: Cluster home: nothing waits"),
			reconciled: condition("Reconciled", "True", "Applied", "Every object is applied in every cluster"),
		},
		{
			name: "where it does", entries: []v1beta1.ClusterStatus{waiting, idle},
			want: condition("Paused", "True", "Paused",
				"Nothing is written. What waits: Cluster away: Deployment istio-edge: spec.replicas; Service istio-edge: is to be made; Cluster home: nothing waits"),
			reconciled: condition("Reconciled", "False", "Paused", "Paused, and not as the gateway says, in: away"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			gw := gatewayOf(t, `{clusterIds: [home, away]}`, test.entries...)
			expectEqual(t, "Paused", paused(gw), test.want)
			expectEqual(t, "Reconciled", reconciled(gw), test.reconciled)
		})
	}
}

func TestNothingIsWrittenWhilePaused(t *testing.T) {
	for name, gw := range map[string]*v1beta1.IstioGateway{
		"where the gateway shall be": pending(t, simple),
		"where the gateway leaves":   gatewayOf(t, `{clusterIds: [away]}`, entryIn("home", v1beta1.ClusterReady)),
	} {
		t.Run(name, func(t *testing.T) {
			b := benchWith(t, annotated(gw, gateway.AnnotationPaused, "hoem"), everythingOf("edge")...)
			expectError(t, b.pass(t, home), "")
			expectEqual(t, "requests", b.server.calls, []string(nil))
			expectEqual(t, "is paused", b.reported(t, home).entry.Paused, true)
			if len(b.reported(t, home).entry.Waiting) == 0 {
				t.Error("nothing is said to wait")
			}
		})
	}
}

func TestAPausedGatewayIsDeletedAllTheSame(t *testing.T) {
	gw := deleted(annotated(gatewayOf(t, simple, entryIn("home", v1beta1.ClusterReady)), gateway.AnnotationPaused, "true"))
	b := benchWith(t, gw, everythingOf("edge")...)
	expectError(t, b.pass(t, home), "")
	expectEqual(t, "state", b.reported(t, home).entry.State, v1beta1.ClusterDeleting)
	expectEqual(t, "is paused", b.reported(t, home).entry.Paused, false)
}
