package reconcile

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8sevents "k8s.io/client-go/tools/events"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// events is everything that the controller tells people as events, on one page: in the past tense, once,
// and nothing when nothing happened.
type events struct {
	// recorder takes them; without one nobody is told what went as it should.
	recorder k8sevents.EventRecorder
}

// applied tells what one pass over a gateway's objects in a cluster did. What it created is told in one sentence: an
// event for each would be as many writes as the objects themselves.
func (e events) applied(gw *v1beta1.IstioGateway, cluster string, done []applied) {
	var created []string
	for _, one := range done {
		if one.created {
			created = append(created, one.object.Kind+" "+one.object.Name)
			continue
		}
		e.corrected(gw, cluster, one)
	}
	if first := slices.IndexFunc(done, func(one applied) bool { return one.created }); first >= 0 {
		e.normal(gw, relatedTo(gw, done[first]), "Created", "Create", "Created %s in cluster %s", shortened(strings.Join(created, ", "), longestNote), cluster)
	}
}

// corrected tells of an object that was there before, if it is different now.
func (e events) corrected(gw *v1beta1.IstioGateway, cluster string, done applied) {
	object := relatedTo(gw, done)
	if done.letBe > 0 {
		e.recorder.Eventf(gw, object, corev1.EventTypeWarning, "Contested", "LetBe",
			"Let %s %s in cluster %s be for %s: %s changed it as often as it was put right", object.Kind, object.Name, cluster, done.letBe, done.drifted)
	}
	switch {
	case done.drifted != "":
		e.recorder.Eventf(gw, object, corev1.EventTypeWarning, "DriftCorrected", "Correct",
			"Corrected %s %s in cluster %s, which %s had changed", object.Kind, object.Name, cluster, done.drifted)
	case done.changed:
		e.normal(gw, object, "Updated", "Update", "Updated %s %s in cluster %s", object.Kind, object.Name, cluster)
	}
}

// relatedTo names an object as what an event relates to. Recorders take events of one gateway, reason and related object
// for repetitions of one event, and keep the first sentence alone. The UID tells objects of the same name in two clusters
// apart.
func relatedTo(gw *v1beta1.IstioGateway, done applied) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: done.object.APIVersion, Kind: done.object.Kind, Namespace: gw.Namespace, Name: done.object.Name, UID: done.uid,
	}
}

// removed tells that nothing of a gateway is left in a cluster.
func (e events) removed(gw *v1beta1.IstioGateway, cluster string) {
	related := &corev1.ObjectReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: "GatewayCluster", Name: cluster}
	kept := ""
	switch policy, _ := gateway.DeletionPolicyOf(gw); policy {
	case gateway.DeletionRetainService:
		kept = ", but for its Service, which is nobody's now"
	case gateway.DeletionRetain:
		kept = ", and left its objects there, which are nobody's now"
	}
	e.normal(gw, related, "Removed", "Remove", "Removed the gateway from cluster %s%s", cluster, kept)
}

// pending tells what became of a restart that is held. It is called once for each change of it.
func (e events) pending(gw *v1beta1.IstioGateway, before, after *v1beta1.PendingRestart) {
	if before != nil && (after == nil || after.Digest != before.Digest) {
		e.settled(gw, before, after == nil)
	}
	if after == nil {
		return
	}
	if before == nil || before.Digest != after.Digest {
		e.recorder.Eventf(gw, nil, corev1.EventTypeWarning, "RestartHeld", "Hold", "Held a restart: %s: %s", because(after.Reason), shortened(told(after.Changes), longestNote))
	}
	if after.ReleasedBy != "" && (before == nil || before.ReleasedBy != after.ReleasedBy) {
		e.normal(gw, nil, "RestartReleased", "Release", "Released the restart by ChangeApproval %s", after.ReleasedBy)
	}
}

// settled tells of a restart that is held no longer; last says that no other one is held now.
func (e events) settled(gw *v1beta1.IstioGateway, before *v1beta1.PendingRestart, last bool) {
	switch {
	case before.ReleasedBy != "" && last:
		e.normal(gw, nil, "RestartRolled", "Roll", "Rolled what ChangeApproval %s released: %s", before.ReleasedBy, shortened(told(before.Changes), longestNote))
	case before.ReleasedBy != "":
		e.normal(gw, nil, "RestartSuperseded", "Supersede", "Superseded what ChangeApproval %s released: something else is held now", before.ReleasedBy)
	case last:
		e.normal(gw, nil, "RestartDropped", "Drop", "Dropped the restart that was held: nothing asks for it any more")
	}
}

// readdressed tells what became of a gateway's addresses in a cluster, after it was written down.
func (e events) readdressed(gw *v1beta1.IstioGateway, change readdressed) {
	related := &corev1.ObjectReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: "GatewayCluster", Name: change.cluster}
	lost, gained, instead := listed(change.lost), listed(change.gained), listed(change.instead)
	switch {
	case len(change.gained) > 0 && len(departed(change.gained, change.instead)) == 0:
		e.normal(gw, related, "AddressReturned", "Address", "Got address %s in cluster %s back", gained, change.cluster)
	case len(change.gained) > 0:
		e.recorder.Eventf(gw, related, corev1.EventTypeWarning, "AddressChanged", "Address",
			"Changed address in cluster %s from %s to %s", change.cluster, instead, gained)
	case change.released:
		e.normal(gw, related, "AddressReleased", "Address", "Released address %s in cluster %s, where no load balancer is asked for any more", lost, change.cluster)
	default:
		e.recorder.Eventf(gw, related, corev1.EventTypeWarning, "AddressLost", "Address", "Lost address %s in cluster %s", lost, change.cluster)
	}
}

// listed lists addresses, no more of them than an event takes.
func listed(addresses []string) string {
	return shortened(strings.Join(addresses, ", "), longestNote/3)
}

// longestNote is how long, in bytes, the list of changes in an event may be: the API server takes 1024 for all of it.
const longestNote = 600

// forgotten tells that a gateway's objects in a cluster were given up, and how many they were.
func (e events) forgotten(gw *v1beta1.IstioGateway, entry v1beta1.ClusterStatus) {
	related := &corev1.ObjectReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: "GatewayCluster", Name: entry.ClusterID}
	e.recorder.Eventf(gw, related, corev1.EventTypeWarning, "Forgotten", "Forget",
		"Gave up %d objects in cluster %s, which is to be forgotten", len(entry.Objects), entry.ClusterID)
}

// exported tells that a gateway's metrics go to a cluster.
func (e events) exported(gw *v1beta1.IstioGateway, cluster string) {
	e.normal(gw, clusterNamed(cluster), "MetricsExported", "Export", "Exported the metrics to cluster %s", cluster)
}

// withdrawn tells that nothing of a gateway's metrics is left in a cluster.
func (e events) withdrawn(gw *v1beta1.IstioGateway, cluster string) {
	e.normal(gw, clusterNamed(cluster), "MetricsWithdrawn", "Withdraw", "Withdrew the metrics from cluster %s", cluster)
}

// clusterNamed is what events about a cluster are related to.
func clusterNamed(id string) *corev1.ObjectReference {
	return &corev1.ObjectReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: "GatewayCluster", Name: id}
}

// fenced tells that a cluster's back door shut, or stands open: once for each reason, though what an API server says of
// it may differ each time.
func (e events) fenced(cluster *v1alpha1.GatewayCluster, before *metav1.Condition, after metav1.Condition) {
	if after.Status == metav1.ConditionUnknown || before != nil && before.Status == after.Status && before.Reason == after.Reason {
		return
	}
	if after.Status == metav1.ConditionTrue {
		e.normal(cluster, nil, "Fenced", "Fence", "Shut the back door of cluster %s", cluster.Name)
		return
	}
	e.recorder.Eventf(cluster, nil, corev1.EventTypeWarning, "FenceFailed", "Fence",
		"Left the back door of cluster %s open: %s: %s", cluster.Name, after.Reason, shortened(after.Message, longestNote))
}

// used tells that an approval was used up, and by what.
func (e events) used(approval *v1alpha1.ChangeApproval, gw *v1beta1.IstioGateway) {
	e.normal(approval, gw, "ApprovalUsed", "Use", "Was used up by generation %d of IstioGateway %s", gw.Generation, gw.Name)
}

// expired tells that an approval's time ended before anybody used it.
func (e events) expired(approval *v1alpha1.ChangeApproval) {
	e.normal(approval, nil, "ApprovalExpired", "Expire", "Expired unused")
}

// normal tells what went as it should.
func (e events) normal(about, related runtime.Object, reason, action, note string, args ...any) {
	if e.recorder == nil {
		return
	}
	e.recorder.Eventf(about, related, corev1.EventTypeNormal, reason, action, note, args...)
}
