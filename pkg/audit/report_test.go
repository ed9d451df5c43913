package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"portcullis.dev/portcullis/pkg/policy"
)

func TestReportSaysWhatWasFound(t *testing.T) {
	gw := stored(t, `{}`)
	result := Result{
		Findings: Findings(
			[]policy.Finding{{Code: "ports", Field: "spec.ports[0]", Message: "must be free, is not", Fix: "choose another"}},
			said("name"), said("owner"),
		),
		Asked: []string{"name", "owner", "ports", "volumes", "env"},
	}
	report := reportOf(gw, result, nil)
	want := fromYAML(t, `
apiVersion: openreports.io/v1alpha1
kind: Report
metadata:
  name: portcullis-edge
  namespace: istio-system
  labels: {app.kubernetes.io/managed-by: portcullis}
  ownerReferences: [{apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway, name: edge, uid: u-1}]
source: portcullis
scope: {apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway, namespace: istio-system, name: edge, uid: u-1}
configuration: {limits: {maxResults: 100}}
summary: {pass: 2, fail: 1, warn: 2, error: 0, skip: 0}
results:
- {source: portcullis, policy: ports, category: IstioGateway, result: fail, severity: high, scored: true, message: "ports: spec.ports[0]: must be free, is not (choose another)", properties: {field: "spec.ports[0]", fix: choose another, enforcement: Deny}}
- {source: portcullis, policy: name, category: IstioGateway, result: warn, severity: low, scored: false, message: "name: spec: must not, does", properties: {field: spec, fix: "", enforcement: Warn}}
- {source: portcullis, policy: owner, category: IstioGateway, result: warn, severity: info, scored: false, message: "owner: spec: must not, does", properties: {field: spec, fix: "", enforcement: Audit}}
`)
	if got := fmt.Sprint(report.Object); got != fmt.Sprint(want) {
		t.Errorf("got\n%s\nwant\n%s", got, fmt.Sprint(want))
	}
}

func TestReportSaysThatNothingCouldBeDecided(t *testing.T) {
	report := reportOf(stored(t, `{}`), Result{}, errors.New("gone"))
	results, _, _ := unstructured.NestedSlice(report.Object, "results")
	summary, _, _ := unstructured.NestedMap(report.Object, "summary")
	if len(results) != 1 || results[0].(map[string]any)["message"] != "gone" || summary["error"] != int64(1) {
		t.Errorf("got %v and %v", results, summary)
	}
}

func TestReportIsBoundedHoweverMuchThereIsToSay(t *testing.T) {
	long := policy.Finding{Code: "ports", Field: strings.Repeat("f", 5000), Message: strings.Repeat("m", 5000), Fix: strings.Repeat("x", 5000)}
	var many []policy.Finding
	for range 3000 {
		many = append(many, long)
	}
	report := reportOf(stored(t, `{}`), Result{Findings: Findings(many, nil, nil)}, nil)
	results, _, _ := unstructured.NestedSlice(report.Object, "results")
	fails, _, _ := unstructured.NestedInt64(report.Object, "summary", "fail")
	text, err := report.MarshalJSON()
	if err != nil || len(results) != 100 || fails != 3000 || len(text) > 400<<10 {
		t.Errorf("got %d results, %d failures and %d bytes, error %v", len(results), fails, len(text), err)
	}
	if left := report.GetAnnotations()["portcullis.dev/results-left-out"]; left != "2900" {
		t.Errorf("says that %q are left out, want 2900", left)
	}
}

// serving has the API server know some versions of reports.
func (b *bench) serving(versions ...string) *bench {
	b.reports.versions = func(context.Context) ([]string, error) { return versions, nil }
	return b
}

// report is the report of the gateway; nil when there is none.
func (b *bench) report(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	out := &unstructured.Unstructured{}
	out.SetGroupVersionKind(reportKind())
	err := b.store.Get(t.Context(), client.ObjectKey{Namespace: "istio-system", Name: "portcullis-edge"}, out)
	if client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	if err != nil {
		return nil
	}
	return out
}

func TestReportsAreWrittenWhereTheyAreServed(t *testing.T) {
	b := newBench(t, stored(t, `{clusterIds: [c9]}`), c1()).serving("v1", "v1alpha1")
	b.pass(t)
	first := b.report(t)
	if first == nil {
		t.Fatal("there is no report")
	}
	b.pass(t)
	if second := b.report(t); second.GetResourceVersion() != first.GetResourceVersion() {
		t.Error("the same report was written again")
	}
	// Whoever changes it is put right, at the next audit.
	unstructured.RemoveNestedField(first.Object, "results")
	if err := b.store.Update(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	b.pass(t)
	if results, _, _ := unstructured.NestedSlice(b.report(t).Object, "results"); len(results) != 1 {
		t.Errorf("got results %v", results)
	}
	off := retired{b.worker}
	if _, err := off.Reconcile(t.Context(), requestOf("edge")); err != nil || b.report(t) != nil {
		t.Errorf("error %v, and the report of an audit that is off is still there", err)
	}
}

// A report of somebody else's is left alone, and keeps nothing from the status.
func TestReportsOfOthersAreLeftAlone(t *testing.T) {
	theirs := &unstructured.Unstructured{Object: map[string]any{"source": "other"}}
	theirs.SetGroupVersionKind(reportKind())
	theirs.SetNamespace("istio-system")
	theirs.SetName("portcullis-edge")
	b := newBench(t, stored(t, `{clusterIds: [c9]}`), c1(), theirs).serving("v1alpha1")
	_, err := b.Reconcile(t.Context(), requestOf("edge"))
	if err == nil || !strings.Contains(err.Error(), "it is somebody else's") || b.writes != 1 {
		t.Errorf("got error %v and %d writes of the status, want one", err, b.writes)
	}
	if source := b.report(t).Object["source"]; source != "other" {
		t.Errorf("its source is %v now", source)
	}
	if _, err := (retired{b.worker}).Reconcile(t.Context(), requestOf("edge")); err != nil || b.report(t) == nil {
		t.Errorf("error %v, or it was deleted", err)
	}
}

func TestReportsOfAnotherVersionAreToldOnce(t *testing.T) {
	b := newBench(t, stored(t, `{clusterIds: [c9]}`), c1()).serving("v2", "v1beta1")
	var logged bytes.Buffer
	ctx := log.IntoContext(t.Context(), zap.New(zap.WriteTo(&logged)))
	for range 3 {
		b.now = b.now.Add(time.Hour)
		if _, err := b.Reconcile(ctx, requestOf("edge")); err != nil {
			t.Fatal(err)
		}
	}
	var told []string
	for line := range strings.Lines(logged.String()) {
		if strings.Contains(line, "Wrote no reports") {
			told = append(told, line)
		}
	}
	if len(told) != 1 || !strings.Contains(told[0], "must be of version v1alpha1") || !strings.Contains(told[0], "v2, v1beta1") {
		t.Errorf("logged %q, want one line of it", told)
	}
	expectTold(t, b.tally, map[string]float64{"portcullis_audit_failures_total": 3})
	if b.report(t) != nil {
		t.Error("a report was written")
	}
}

// What is installed later is found out, but not asked for with every gateway.
func TestReportsAreAskedForNowAndThen(t *testing.T) {
	b := newBench(t, stored(t, `{clusterIds: [c9]}`), c1())
	asked, versions := 0, []string(nil)
	b.reports.versions = func(context.Context) ([]string, error) { asked++; return versions, nil }
	b.pass(t)
	b.pass(t)
	versions = []string{"v1alpha1"}
	b.now = b.now.Add(59 * time.Second)
	if b.pass(t); asked != 1 || b.report(t) != nil {
		t.Errorf("asked %d times within a minute, want once", asked)
	}
	b.now = b.now.Add(time.Second)
	if b.pass(t); asked != 2 || b.report(t) == nil {
		t.Errorf("asked %d times, and the report is %v", asked, b.report(t))
	}
}
