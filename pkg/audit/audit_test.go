package audit

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/review"
)

// refusals are the findings that would refuse a gateway, as rule and field.
func refusals(findings []Finding) []string {
	out := []string{}
	for _, finding := range findings {
		if finding.Enforcement == policy.Deny {
			out = append(out, finding.Code+": "+finding.Field)
		}
	}
	return out
}

func TestAuditFindsWhatTheGuardWouldRefuse(t *testing.T) {
	sinners, registered := sinners(t)
	if len(sinners) < 50 {
		t.Fatalf("the table holds %d gateways, want many", len(sinners))
	}
	for name, sinner := range sinners {
		t.Run(name, func(t *testing.T) {
			found := refusals(audited(t, reviewer(t, registered...), sinner.gateway))
			if !slices.Contains(found, sinner.sin) {
				t.Errorf("got %v, want among them %s", found, sinner.sin)
			}
		})
	}
}

// The controller audits what its cache holds, which is types: nothing of it may read otherwise.
func TestAuditFindsTheSameInTypesAsInWhatWasWritten(t *testing.T) {
	sinners, registered := sinners(t)
	// What the schema knows no field for is never stored.
	delete(sinners, "with a parameter of nobody")
	for name, sinner := range sinners {
		t.Run(name, func(t *testing.T) {
			object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed(t, sinner.gateway))
			if err != nil {
				t.Fatal(err)
			}
			written, read := audited(t, reviewer(t, registered...), sinner.gateway), audited(t, reviewer(t, registered...), object)
			if !reflect.DeepEqual(written, read) {
				t.Errorf("got %v, want %v", read, written)
			}
		})
	}
}

func TestAuditSaysInTheGuardsOwnWordsWhatItWouldDo(t *testing.T) {
	got := audited(t, reviewer(t, cluster("c1", "1.26.0")), gatewayOf(t, `{clusterIds: [c9], cpu: {targetAverageUtilization: 80}}`))
	want := []Finding{
		{policy.Finding{
			Code: "cluster_ids", Field: "spec.clusterIds[0]", Message: "must be the ID of a registered cluster, is c9",
			Fix: "list the clusters with kubectl get gatewayclusters",
		}, policy.Deny},
		{policy.Finding{
			Code: "autoscaling", Field: "spec.maxReplicas", Message: "must be set for an autoscaler to be made, is absent",
			Fix: "set maxReplicas, or remove the target",
		}, policy.Warn},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A stored gateway carries what the guard and others wrote, and what speaks of the change that brought it there.
func TestAuditHoldsNothingOfTheStoreAgainstAGateway(t *testing.T) {
	stored := gatewayOf(t, `{clusterIds: [c1], replicaCount: 2, ports: [{port: 80}]}`)
	metadata := stored["metadata"].(map[string]any)
	for key, value := range map[string]any{
		"uid": "u", "resourceVersion": "7", "generation": int64(3), "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": []any{},
		"annotations": map[string]any{
			gateway.AnnotationAdmitted: "sha256:past", gateway.AnnotationApprovedBy: "edge-x7k2p", annotationBreakGlass: "the site was down",
		},
	} {
		metadata[key] = value
	}
	stored["status"] = map[string]any{"pending": map[string]any{"digest": "sha256:d", "reason": "UpgradeHeld"}}
	before := runtime.DeepCopyJSON(stored)
	if found := audited(t, reviewer(t, cluster("c1", "1.26.0")), stored); len(found) != 0 {
		t.Errorf("got %v, want nothing", found)
	}
	if !reflect.DeepEqual(stored, before) {
		t.Errorf("the stored gateway was changed to %v", stored)
	}
}

// The profile that is pinned says what runs; a new gateway gets the one of today.
func TestAuditJudgesByTheMeshOfToday(t *testing.T) {
	stored := gatewayOf(t, `{clusterIds: [c1], ports: [{port: 80, protocol: HTTP}]}`)
	stored["status"] = map[string]any{"clusters": []any{map[string]any{
		"clusterId": "c1", "state": "Ready", "mesh": map[string]any{"version": "1.26.0"},
	}}}
	if got := refusals(audited(t, reviewer(t, cluster("c1", "1.8.6")), stored)); !slices.Contains(got, "ports: spec.ports[0].protocol") {
		t.Errorf("got %v, want the protocol refused", got)
	}
}

func TestAuditAsksAsNobodyInParticular(t *testing.T) {
	r := reviewer(t, cluster("c1", "1.26.0"))
	engine, err := policy.New(t.Context(), policiesWith(t, `said := input.request.user.username if input.request.operation == "CREATE"`), policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.Engine = func() *policy.Engine { return engine }
	found := audited(t, r, gatewayOf(t, `{clusterIds: [c1]}`))
	if len(found) != 1 || found[0].Message != "portcullis:audit" {
		t.Errorf("got %v, want the name of who asks", found)
	}
}

func TestAuditDecidesNothingWhereTheGuardCouldNot(t *testing.T) {
	tests := map[string]struct {
		change func(*review.Reviewer)
		spec   string
		want   string
	}{
		"no rules":     {func(r *review.Reviewer) { r.Engine = func() *policy.Engine { return nil } }, `{}`, "rules must be compiled before they are asked"},
		"no clusters":  {func(r *review.Reviewer) { r.Clusters = noClusters }, `{}`, "listing the registered clusters: gone"},
		"a wrong type": {func(*review.Reviewer) {}, `{replicaCount: many}`, "spec.replicaCount"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := reviewer(t)
			test.change(r)
			_, err := Auditor{Reviewer: r}.Audit(t.Context(), gatewayOf(t, test.spec))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}

// noClusters fails to list.
func noClusters(context.Context) ([]v1alpha1.GatewayCluster, error) {
	return nil, errors.New("gone")
}

// Both halves of an audit are of one set of rules, though another is swapped in between.
func TestAuditAsksOneSetOfRules(t *testing.T) {
	r := reviewer(t, cluster("c1", "1.26.0"))
	engine, asked := r.Engine(), 0
	r.Engine = func() *policy.Engine { asked++; return engine }
	result, err := Auditor{Reviewer: r}.Audit(t.Context(), gatewayOf(t, `{clusterIds: [c1]}`))
	if err != nil || asked != 1 || result.Revision != engine.Revision() {
		t.Errorf("got revision %q, error %v, having asked for the rules %d times", result.Revision, err, asked)
	}
}

func TestCountsPutTheGravestFirst(t *testing.T) {
	at := func(code string) policy.Finding {
		return policy.Finding{Code: code, Field: "spec", Message: "must not, does"}
	}
	got := Counts(Findings([]policy.Finding{at("b"), at("a"), at("b")}, []policy.Finding{at("a")}, []policy.Finding{at("c")}))
	want := []Count{{"a", policy.Deny, 1}, {"b", policy.Deny, 2}, {"a", policy.Warn, 1}, {"c", policy.Audit, 1}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
