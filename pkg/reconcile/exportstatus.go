package reconcile

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// exportEntries are the exports' part of the status: what is stored, brought up to date by what was reported, without what
// is gone, and with what is to come.
func exportEntries(gw *v1beta1.IstioGateway, reported map[string]export) []v1beta1.MetricsExport {
	wanted := metricsCluster(gw)
	missing := wanted != ""
	var entries []v1beta1.MetricsExport
	for _, entry := range gw.Status.Exports {
		result, ok := reported[entry.ClusterID]
		if ok && result.gone && entry.ClusterID != wanted {
			continue
		}
		if ok && !result.gone {
			entry = result.entry
		}
		missing = missing && entry.ClusterID != wanted
		entries = append(entries, entry)
	}
	if missing {
		entries = append(entries, v1beta1.MetricsExport{ClusterID: wanted, State: v1beta1.ClusterPending})
	}
	slices.SortFunc(entries, compareExports)
	return entries
}

// exportOf is a cluster's part of a gateway's exports.
func exportOf(gw *v1beta1.IstioGateway, id string) (v1beta1.MetricsExport, bool) {
	for _, entry := range gw.Status.Exports {
		if entry.ClusterID == id {
			return *entry.DeepCopy(), true
		}
	}
	return v1beta1.MetricsExport{}, false
}

// tellExports writes the condition of the exports, or takes it away where there is none: few gateways have any.
func tellExports(gw *v1beta1.IstioGateway) {
	if len(gw.Status.Exports) == 0 {
		meta.RemoveStatusCondition(&gw.Status.Conditions, v1beta1.ConditionMetricsExported)
		return
	}
	condition := metricsExported(gw)
	condition.ObservedGeneration = gw.Generation
	meta.SetStatusCondition(&gw.Status.Conditions, condition)
}

// metricsExported says whether the metrics can be had where they are to go.
func metricsExported(gw *v1beta1.IstioGateway) metav1.Condition {
	if failed := failedExports(gw); failed != "" {
		return condition(v1beta1.ConditionMetricsExported, metav1.ConditionFalse, reasonExportFailed, failed)
	}
	for _, entry := range gw.Status.Exports {
		if entry.State != v1beta1.ClusterApplied {
			return condition(v1beta1.ConditionMetricsExported, metav1.ConditionFalse, reasonInProgress, "Not yet as the gateway says in: "+entry.ClusterID)
		}
	}
	return condition(v1beta1.ConditionMetricsExported, metav1.ConditionTrue, reasonExported, "The metrics of the pods can be had in: "+gw.Status.Exports[0].ClusterID)
}

// failedExports say of each export that failed what is wrong; nothing when none did.
func failedExports(gw *v1beta1.IstioGateway) string {
	var out []string
	for _, entry := range gw.Status.Exports {
		if entry.State == v1beta1.ClusterFailed {
			out = append(out, "Metrics in cluster "+entry.ClusterID+": "+entry.Message)
		}
	}
	return shortened(strings.Join(out, "; "), longestCondition)
}
