package reconcile

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// The reasons of conditions: words for machines.
const (
	// reasonRegistered: every named cluster is registered.
	reasonRegistered = "ClustersRegistered"
	// reasonNotRegistered: a named cluster has no GatewayCluster.
	reasonNotRegistered = "ClusterNotRegistered"
	// reasonNoManagedCluster: the gateway asks to be managed, and no cluster is registered for that.
	reasonNoManagedCluster = "NoManagedCluster"
	// reasonApplied: everything is applied everywhere.
	reasonApplied = "Applied"
	// reasonInProgress: not everything is done yet, and nothing stands in the way.
	reasonInProgress = "InProgress"
	// reasonClusterFailed: something stands in the way in at least one cluster.
	reasonClusterFailed = "ClusterFailed"
	// reasonKindLacking: a cluster does not have a kind that the gateway asks for; everything else is applied.
	reasonKindLacking = "KindLacking"
	// reasonPodsAvailable: every wanted pod is available.
	reasonPodsAvailable = "PodsAvailable"
	// reasonPodsMissing: some wanted pods are not available.
	reasonPodsMissing = "PodsMissing"
	// reasonAssigned: every load balancer has an address.
	reasonAssigned = "Assigned"
	// reasonNotAssigned: some load balancer has no address yet.
	reasonNotAssigned = "NotAssigned"
	// reasonNoLoadBalancer: the gateway asks for no load balancer.
	reasonNoLoadBalancer = "NoLoadBalancer"
	// reasonNothingHeld: no restart is held.
	reasonNothingHeld = "NothingHeld"
	// reasonReleased: somebody approved the restart that was held, and the pods are being rolled.
	reasonReleased = "Released"
	// reasonHeld: a cluster's pods are not as the gateway says, because the restart is held. Why it is held is the reason
	// of RestartPending: one of v1beta1.HoldReason.
	reasonHeld = "RestartHeld"
	// reasonPaused: somebody paused the gateway, in at least one cluster.
	reasonPaused = "Paused"
	// reasonNotPaused: nobody paused the gateway, or it is deleted and therefore goes on.
	reasonNotPaused = "NotPaused"
	// reasonNoConflict: nothing of somebody else's is in the way.
	reasonNoConflict = "NoConflict"
	// reasonForeign: objects that are somebody else's have names of ours, and are left alone.
	reasonForeign = "ForeignObjects"
	// reasonAdoptDryRun: it is told what taking them would change.
	reasonAdoptDryRun = "AdoptDryRun"
	// reasonExported: the metrics can be had where they are to go.
	reasonExported = "Exported"
	// reasonExportFailed: something stands in the way of the metrics.
	reasonExportFailed = "ExportFailed"
	// reasonNotDeleted: nobody deleted the gateway.
	reasonNotDeleted = "NotDeleted"
)

// How long, in bytes, a cluster's message and a condition's may be. The API server takes 32768 characters of
// the latter, and refuses the whole status otherwise.
const (
	longestMessage   = 2048
	longestCondition = 16384
)

// accepted says whether every cluster that the gateway names is registered.
func accepted(gw *v1beta1.IstioGateway, registered []v1alpha1.GatewayCluster) metav1.Condition {
	ids := gateway.Clusters(gw, registered)
	if gateway.Managed(gw) && len(ids) == 0 {
		return condition(v1beta1.ConditionAccepted, metav1.ConditionFalse, reasonNoManagedCluster,
			"No GatewayCluster says managed: true, so there is no cluster to place this managed gateway in")
	}
	unknown := slices.DeleteFunc(ids, func(id string) bool { return gateway.Find(registered, id) != nil })
	if len(unknown) > 0 {
		return condition(v1beta1.ConditionAccepted, metav1.ConditionFalse, reasonNotRegistered,
			fmt.Sprintf("No GatewayCluster is named %s", strings.Join(unknown, ", ")))
	}
	return condition(v1beta1.ConditionAccepted, metav1.ConditionTrue, reasonRegistered, "Every cluster of the gateway is registered")
}

// reconciled says whether every object is applied, in every cluster, for this generation.
func reconciled(gw *v1beta1.IstioGateway) metav1.Condition {
	if failed := having(gw, v1beta1.ClusterFailed); len(failed) > 0 {
		return condition(v1beta1.ConditionReconciled, metav1.ConditionFalse, reasonClusterFailed, sentences(failed))
	}
	lacks := slices.DeleteFunc(slices.Clone(gw.Status.Clusters), func(entry v1beta1.ClusterStatus) bool { return len(entry.Lacking) == 0 })
	if len(lacks) > 0 {
		return condition(v1beta1.ConditionReconciled, metav1.ConditionFalse, reasonKindLacking, lackings(lacks))
	}
	if waits := names(slices.DeleteFunc(slices.Clone(gw.Status.Clusters), func(entry v1beta1.ClusterStatus) bool { return len(entry.Waiting) == 0 })); waits != "" {
		return condition(v1beta1.ConditionReconciled, metav1.ConditionFalse, reasonPaused, "Paused, and not as the gateway says, in: "+waits)
	}
	waiting := names(slices.DeleteFunc(slices.Clone(gw.Status.Clusters), func(entry v1beta1.ClusterStatus) bool {
		return entry.State != v1beta1.ClusterPending && entry.State != v1beta1.ClusterDeleting && entry.ObservedGeneration == gw.Generation
	}))
	if gw.DeletionTimestamp != nil {
		return condition(v1beta1.ConditionReconciled, metav1.ConditionFalse, reasonInProgress, "Not yet removed from: "+orNone(waiting))
	}
	if waiting != "" || len(gw.Status.Clusters) == 0 {
		return condition(v1beta1.ConditionReconciled, metav1.ConditionFalse, reasonInProgress, "Not yet applied in: "+orNone(waiting))
	}
	// An upgrade is nothing that the gateway asks for: without it, everything is as the gateway says.
	behind := names(slices.DeleteFunc(slices.Clone(gw.Status.Clusters), func(entry v1beta1.ClusterStatus) bool {
		return entry.Held == nil || entry.Held.Reason == v1beta1.UpgradeHeld
	}))
	if behind != "" {
		return condition(v1beta1.ConditionReconciled, metav1.ConditionFalse, reasonHeld, "A restart is held in: "+behind)
	}
	return condition(v1beta1.ConditionReconciled, metav1.ConditionTrue, reasonApplied, "Every object is applied in every cluster")
}

// ready says whether the wanted pods are available in every cluster. Where something failed nobody looked at the
// pods: those from before may well serve. Between an edit and what comes of it the pods stand for the gateway as it was,
// and the condition for that generation, so that who waits for the edit does not take them for it.
func ready(gw *v1beta1.IstioGateway) metav1.Condition {
	missing := names(slices.DeleteFunc(slices.Clone(gw.Status.Clusters), func(entry v1beta1.ClusterStatus) bool {
		return entry.State == v1beta1.ClusterReady && entry.ObservedGeneration > 0 || entry.State == v1beta1.ClusterFailed
	}))
	if missing != "" || len(gw.Status.Clusters) == 0 {
		return condition(v1beta1.ConditionReady, metav1.ConditionFalse, reasonPodsMissing, "Pods are not all available in: "+orNone(missing))
	}
	if unseen := having(gw, v1beta1.ClusterFailed); len(unseen) > 0 {
		return condition(v1beta1.ConditionReady, metav1.ConditionUnknown, reasonClusterFailed, "Not known in: "+names(unseen))
	}
	out := condition(v1beta1.ConditionReady, metav1.ConditionTrue, reasonPodsAvailable, "Every wanted pod is available in every cluster")
	out.ObservedGeneration = gw.Generation
	for _, entry := range gw.Status.Clusters {
		out.ObservedGeneration = min(out.ObservedGeneration, entry.ObservedGeneration)
	}
	return out
}

// addressAssigned says whether every load balancer has an address.
func addressAssigned(gw *v1beta1.IstioGateway) metav1.Condition {
	balanced := slices.DeleteFunc(slices.Clone(gw.Status.Clusters), func(entry v1beta1.ClusterStatus) bool {
		return entry.ServiceType != corev1.ServiceTypeLoadBalancer
	})
	if len(balanced) == 0 {
		return condition(v1beta1.ConditionAddressAssigned, metav1.ConditionFalse, reasonNoLoadBalancer, "The gateway has no load balancer")
	}
	var without []string
	for _, entry := range balanced {
		switch {
		case len(entry.Addresses) == 0:
			without = append(without, entry.ClusterID+formerly(entry))
		case len(entry.Unassigned) > 0:
			without = append(without, fmt.Sprintf("%s (Service %s)", entry.ClusterID, strings.Join(entry.Unassigned, ", ")))
		}
	}
	if len(without) > 0 {
		return condition(v1beta1.ConditionAddressAssigned, metav1.ConditionFalse, reasonNotAssigned,
			shortened("The load balancer has no address in: "+strings.Join(without, ", "), longestCondition))
	}
	return condition(v1beta1.ConditionAddressAssigned, metav1.ConditionTrue, reasonAssigned, "Every load balancer has an address")
}

// deletionBlocked says whether a deleted gateway cannot go.
func deletionBlocked(gw *v1beta1.IstioGateway) metav1.Condition {
	if gw.DeletionTimestamp == nil {
		message := "Nobody deleted the gateway"
		if _, known := gateway.DeletionPolicyOf(gw); !known {
			message += fmt.Sprintf("; annotation %s must be Delete, RetainService or Retain, is %q, and counts as Retain",
				gateway.AnnotationDeletionPolicy, gw.Annotations[gateway.AnnotationDeletionPolicy])
		}
		return condition(v1beta1.ConditionDeletionBlocked, metav1.ConditionFalse, reasonNotDeleted, message)
	}
	if failed := having(gw, v1beta1.ClusterFailed); len(failed) > 0 {
		return condition(v1beta1.ConditionDeletionBlocked, metav1.ConditionTrue, reasonClusterFailed, sentences(failed))
	}
	if failed := failedExports(gw); failed != "" {
		return condition(v1beta1.ConditionDeletionBlocked, metav1.ConditionTrue, reasonClusterFailed, failed)
	}
	return condition(v1beta1.ConditionDeletionBlocked, metav1.ConditionFalse, reasonInProgress, "The gateway is being removed from its clusters")
}

// condition is one condition of a gateway.
func condition(name string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: name, Status: status, Reason: reason, Message: message}
}

// having are the entries in one state.
func having(gw *v1beta1.IstioGateway, state v1beta1.ClusterState) []v1beta1.ClusterStatus {
	return slices.DeleteFunc(slices.Clone(gw.Status.Clusters), func(entry v1beta1.ClusterStatus) bool { return entry.State != state })
}

// sentences say of each entry what is wrong there.
func sentences(entries []v1beta1.ClusterStatus) string {
	var out []string
	for _, entry := range entries {
		out = append(out, fmt.Sprintf("Cluster %s: %s", entry.ClusterID, entry.Message))
	}
	return shortened(strings.Join(out, "; "), longestCondition)
}

// lackings say of each entry what is lacking there.
func lackings(entries []v1beta1.ClusterStatus) string {
	var out []string
	for _, entry := range entries {
		out = append(out, fmt.Sprintf("Cluster %s: %s", entry.ClusterID, strings.Join(entry.Lacking, "; ")))
	}
	return shortened(strings.Join(out, "; "), longestCondition)
}

// shortened keeps a text within a number of bytes, without cutting a character in two.
func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// names lists the clusters of some entries.
func names(entries []v1beta1.ClusterStatus) string {
	var out []string
	for _, entry := range entries {
		out = append(out, entry.ClusterID)
	}
	return strings.Join(out, ", ")
}

// orNone says so when a list is empty.
func orNone(list string) string {
	if list == "" {
		return "no cluster yet"
	}
	return list
}
