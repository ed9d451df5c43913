package reconcile

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8sevents "k8s.io/client-go/tools/events"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// events is everything that the controller tells people as events, on one page: in the past tense, once,
// and nothing when nothing happened.
type events struct {
	recorder k8sevents.EventRecorder
}

// applied tells what applying an object did, if it did anything.
func (e events) applied(gw *v1beta1.IstioGateway, cluster string, done applied) {
	switch {
	case done.created:
		e.normal(gw, "Created", "Create", "Created %s %s in cluster %s", done.object.Kind, done.object.Name, cluster)
	case done.drifted != "":
		e.recorder.Eventf(gw, nil, corev1.EventTypeWarning, "DriftCorrected", "Correct",
			"Corrected %s %s in cluster %s, which %s had changed", done.object.Kind, done.object.Name, cluster, done.drifted)
	case done.changed:
		e.normal(gw, "Updated", "Update", "Updated %s %s in cluster %s", done.object.Kind, done.object.Name, cluster)
	}
}

// removed tells that nothing of a gateway is left in a cluster.
func (e events) removed(gw *v1beta1.IstioGateway, cluster string) {
	e.normal(gw, "Removed", "Remove", "Removed the gateway from cluster %s", cluster)
}

// normal tells what went as it should.
func (e events) normal(gw runtime.Object, reason, action, note string, args ...any) {
	e.recorder.Eventf(gw, nil, corev1.EventTypeNormal, reason, action, note, args...)
}
