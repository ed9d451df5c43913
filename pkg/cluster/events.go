package cluster

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sevents "k8s.io/client-go/tools/events"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// longestNote is how long, in bytes, what an API server or a network said may be in an event: the API server takes 1024
// for all of it.
const longestNote = 600

// events is everything that is told of clusters as events: in the past tense, once, and nothing when nothing happened.
type events struct {
	recorder k8sevents.EventRecorder
}

// reachable tells that a cluster was lost, or is back.
func (e events) reachable(before, after *v1alpha1.GatewayCluster) {
	was := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionReachable)
	is := meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionReachable)
	if was == nil || is == nil || was.Status == is.Status {
		return
	}
	switch {
	case is.Status == metav1.ConditionFalse && was.Status == metav1.ConditionTrue:
		e.recorder.Eventf(after, nil, corev1.EventTypeWarning, "ClusterLost", "Lose", "Lost the cluster: %s", note(is.Message))
	case is.Status == metav1.ConditionTrue && was.Status == metav1.ConditionFalse:
		e.recorder.Eventf(after, nil, corev1.EventTypeNormal, "ClusterBack", "Reach",
			"Reached the cluster again, which was not since %s", was.LastTransitionTime.UTC().Format("2006-01-02T15:04:05Z"))
	}
}

// leftAside tells that a second Secret has a kubeconfig of a cluster that another one registered.
func (e events) leftAside(registered *v1alpha1.GatewayCluster, secret string) {
	by := "somebody registered it without one"
	if reference := registered.Spec.KubeconfigSecret; reference != nil {
		by = fmt.Sprintf("Secret %s/%s registered it first", reference.Namespace, reference.Name)
	}
	e.recorder.Eventf(registered, nil, corev1.EventTypeWarning, "KubeconfigLeftAside", "Register", "Left Secret %s aside: %s", secret, by)
}

// note is a text on one line, as long as an event takes.
func note(text string) string {
	text = strings.ReplaceAll(text, "\n", "; ")
	if len(text) <= longestNote {
		return text
	}
	return strings.ToValidUTF8(text[:longestNote], "") + "…"
}
