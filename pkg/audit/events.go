package audit

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sevents "k8s.io/client-go/tools/events"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// events is everything that the audit tells people as events: in the past tense, once, and nothing when nothing happened.
type events struct {
	recorder k8sevents.EventRecorder
}

// longestNote is how long, in bytes, the list of rules in an event may be: the API server takes 1024 for all of it.
const longestNote = 600

// audited tells that a gateway began to be refused, or is refused no more. What could not be decided in between changes
// nothing: before is what was decided last.
func (e events) audited(gw *v1beta1.IstioGateway, before *v1beta1.AuditStatus, after verdict) {
	if after.counts == nil {
		return
	}
	was, is := before != nil && before.Denials > 0, after.condition.Status == metav1.ConditionFalse
	switch {
	case is && !was:
		e.recorder.Eventf(gw, nil, corev1.EventTypeWarning, "RefusedByAudit", "Audit", "Refused by audit: %s", within(after.condition.Message, longestNote))
	case was && !is:
		e.recorder.Eventf(gw, nil, corev1.EventTypeNormal, "ClearedByAudit", "Audit", "Cleared by audit: nothing would refuse the gateway any more")
	}
}
