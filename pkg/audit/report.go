package audit

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/policy"
)

// reportGroup is the group of OpenReports, and reportKind the one kind and version of it that we write.
const reportGroup = "openreports.io"

// reportKind is the kind of a report.
func reportKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: reportGroup, Version: "v1alpha1", Kind: "Report"}
}

const (
	// reporter says whose reports are ours.
	reporter = "portcullis"
	// labelManagedBy tells our reports from those of others.
	labelManagedBy = "app.kubernetes.io/managed-by"
	// mostResults is how many findings a report holds; the others are counted.
	mostResults = 100
	// longestResult is how long, in bytes, the sentence of one may be.
	longestResult = 1024
)

// reportName is the name of a gateway's report.
func reportName(gateway string) string {
	return reporter + "-" + gateway
}

// reportOf is the report of one audit. It holds no times, so that the same findings make the same report, and goes with
// its gateway.
func reportOf(gw *v1beta1.IstioGateway, result Result, undecided error) *unstructured.Unstructured {
	results, left := reportResults(result, undecided)
	out := &unstructured.Unstructured{Object: map[string]any{
		"source": reporter,
		"scope": map[string]any{
			"apiVersion": v1beta1.GroupVersion.String(), "kind": "IstioGateway",
			"namespace": gw.Namespace, "name": gw.Name, "uid": string(gw.UID),
		},
		"configuration": map[string]any{"limits": map[string]any{"maxResults": int64(mostResults)}},
		"summary":       reportSummary(result, undecided),
		"results":       results,
	}}
	out.SetGroupVersionKind(reportKind())
	out.SetNamespace(gw.Namespace)
	out.SetName(reportName(gw.Name))
	out.SetLabels(map[string]string{labelManagedBy: reporter})
	if left > 0 {
		out.SetAnnotations(map[string]string{"portcullis.dev/results-left-out": fmt.Sprint(left)})
	}
	out.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: v1beta1.GroupVersion.String(), Kind: "IstioGateway", Name: gw.Name, UID: gw.UID,
	}})
	return out
}

// reportSummary counts what was found: what would refuse the gateway failed, what is warned of or recorded is a warning,
// and rules that said nothing passed.
func reportSummary(result Result, undecided error) map[string]any {
	if undecided != nil {
		return map[string]any{"pass": int64(0), "fail": int64(0), "warn": int64(0), "error": int64(1), "skip": int64(0)}
	}
	counts := Counts(result.Findings)
	failed := int64(sum(counts, policy.Deny))
	spoke := map[string]bool{}
	for _, count := range counts {
		spoke[count.Code] = true
	}
	passed := 0
	for _, code := range result.Asked {
		if !spoke[code] {
			passed++
		}
	}
	return map[string]any{
		"pass": int64(passed), "fail": failed, "warn": int64(len(result.Findings)) - failed, "error": int64(0), "skip": int64(0),
	}
}

// reportResults are the findings as results, the gravest first, and how many are left out.
func reportResults(result Result, undecided error) (results []any, left int) {
	if undecided != nil {
		return []any{map[string]any{
			"source": reporter, "policy": reporter, "result": "error", "message": within(undecided.Error(), longestResult),
		}}, 0
	}
	results = []any{}
	for _, finding := range result.Findings[:min(mostResults, len(result.Findings))] {
		results = append(results, reportResult(finding))
	}
	return results, len(result.Findings) - len(results)
}

// reportResult is one finding.
func reportResult(of Finding) map[string]any {
	outcome, severity := "warn", "low"
	switch of.Enforcement {
	case policy.Deny:
		outcome, severity = "fail", "high"
	case policy.Audit:
		severity = "info"
	}
	return map[string]any{
		"source": reporter, "policy": of.Code, "category": "IstioGateway", "result": outcome, "severity": severity,
		"scored":  of.Enforcement == policy.Deny,
		"message": within(of.String(), longestResult),
		"properties": map[string]any{
			"field": within(of.Field, longestResult), "fix": within(of.Fix, longestResult), "enforcement": string(of.Enforcement),
		},
	}
}
