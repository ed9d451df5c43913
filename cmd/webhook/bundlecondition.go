package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/policy/bundle"
)

// conditionBundleCurrent is True while a replica decides by the newest bundle that its server has. Each replica has a
// bundle of its own, so the condition is its Pod's: kubectl wait can then wait for all of them, and it goes when the
// replica goes.
const conditionBundleCurrent = "portcullis.dev/BundleCurrent"

// bundleCondition writes the condition into the replica's own Pod, if it runs in one.
type bundleCondition struct {
	pod client.ObjectKey
	// last is what was written last.
	last corev1.PodCondition
}

// write writes the condition if it says something new.
func (c *bundleCondition) write(ctx context.Context, writer client.Client, status bundle.Status) error {
	next := condition(status)
	next.LastTransitionTime = c.last.LastTransitionTime
	if next.Status != c.last.Status {
		next.LastTransitionTime = metav1.NewTime(time.Now())
	}
	// Conditions are merged by their type, so this leaves the kubelet's alone.
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []corev1.PodCondition{next}}})
	if err != nil {
		return err
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: c.pod.Namespace, Name: c.pod.Name}}
	err = writer.Status().Patch(ctx, pod, client.RawPatch(types.StrategicMergePatchType, patch))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("writing the condition of Pod %s: %w", c.pod, err)
	}
	c.last = next
	return nil
}

// condition says how a replica's bundle is.
func condition(status bundle.Status) corev1.PodCondition {
	out := corev1.PodCondition{
		Type: conditionBundleCurrent, Status: corev1.ConditionTrue,
		Reason: reasonActivated, Message: "Bundle " + status.Revision + " is in force",
	}
	if status.Err == nil {
		return out
	}
	out.Status, out.Reason = corev1.ConditionFalse, reasonFailed
	if out.Message += fmt.Sprintf(", because there is no better one: %v", status.Err); status.Revision == "" {
		out.Message = fmt.Sprintf("No bundle is in force yet: %v", status.Err)
	}
	return out
}
