package review

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/policy"
)

// rootedSpec restarts the pods of plainSpec; scaledSpec does not.
const (
	plainSpec  = `{clusterIds: [c1], serviceType: ClusterIP}`
	rootedSpec = `{clusterIds: [c1], serviceType: ClusterIP, runAsRoot: true}`
	scaledSpec = `{clusterIds: [c1], serviceType: ClusterIP, replicaCount: 3}`
)

// fingerprint is that of a gateway.
func fingerprint(t *testing.T, raw map[string]any) string {
	t.Helper()
	out, err := change.Fingerprint(object(t, raw).Typed)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// annotated is a gateway with annotations; an empty value leaves one out.
func annotated(raw map[string]any, pairs ...string) map[string]any {
	out := runtime.DeepCopyJSON(raw)
	annotations := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			annotations[pairs[i]] = pairs[i+1]
		}
	}
	out["metadata"].(map[string]any)["annotations"] = annotations
	return out
}

// storedGateway is a gateway as the guard stored it, with a UID and a generation.
func storedGateway(t *testing.T, r *Reviewer, spec string) map[string]any {
	t.Helper()
	raw := mutated(t, r, gatewayOf(t, spec), nil)
	metadata := raw["metadata"].(map[string]any)
	metadata["uid"], metadata["generation"] = "u1", int64(4)
	return raw
}

// annotationOf is an annotation of a gateway.
func annotationOf(t *testing.T, raw map[string]any, key string) string {
	t.Helper()
	return object(t, raw).Typed.Annotations[key]
}

// approvalFor approves a change of a stored gateway, by bob, for a day around now.
func approvalFor(t *testing.T, r *Reviewer, name string, gateway, old map[string]any) v1alpha1.ChangeApproval {
	t.Helper()
	filled := gateway
	if gateway != nil {
		filled = mutated(t, r, gateway, old)
	}
	effect, err := r.change(t.Context(), request(t, filled, old))
	if err != nil {
		t.Fatal(err)
	}
	out := v1alpha1.ChangeApproval{}
	out.Name, out.Namespace = name, "istio-system"
	out.Spec = v1alpha1.ChangeApprovalSpec{
		GatewayName: "edge", GatewayUID: "u1", Digest: effect.Digest, Reason: "agreed",
		NotBefore:  &metav1.Time{Time: r.Now().Add(-time.Hour)},
		NotAfter:   &metav1.Time{Time: r.Now().Add(time.Hour)},
		ApprovedBy: &v1alpha1.Approver{Username: "bob", CredentialID: "X509SHA256=bb"},
	}
	return out
}

// with is a reviewer that finds some approvals.
func with(r *Reviewer, approvals ...v1alpha1.ChangeApproval) *Reviewer {
	out := *r
	out.Approvals = func(context.Context, string, string) ([]v1alpha1.ChangeApproval, error) { return approvals, nil }
	return &out
}

// updated goes the API server's way with an update by ann, who has a certificate.
func updatedByAnn(t *testing.T, r *Reviewer, gateway, old map[string]any) (map[string]any, Decision) {
	t.Helper()
	filled := mutated(t, r, gateway, old)
	asked := request(t, filled, old)
	asked.User = policy.User{Username: "ann", CredentialID: "X509SHA256=aa"}
	decision, err := r.Validate(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	return filled, decision
}

func TestMutateStampsWhatIsAdmitted(t *testing.T) {
	r := reviewer(t, known(t)...)
	created := mutated(t, r, gatewayOf(t, plainSpec), nil)
	if got, want := annotationOf(t, created, gateway.AnnotationAdmitted), fingerprint(t, created); got != want {
		t.Errorf("got %q, want the fingerprint %q of what was filled in too", got, want)
	}
	if again := mutated(t, r, created, nil); !same(t, again, created) {
		t.Errorf("asked again it becomes %v, want %v", again, created)
	}
	forged := annotated(gatewayOf(t, plainSpec), gateway.AnnotationAdmitted, "forged", gateway.AnnotationApprovedBy, "forged", "team", "edge")
	if got := mutated(t, r, forged, nil); annotationOf(t, got, gateway.AnnotationAdmitted) != fingerprint(t, created) ||
		annotationOf(t, got, gateway.AnnotationApprovedBy) != "" || annotationOf(t, got, "team") != "edge" {
		t.Errorf("got %v, want both forgeries replaced and nothing else", got["metadata"])
	}
}

func TestMutateRenewsTheStampOfWhatWasAdmitted(t *testing.T) {
	r := reviewer(t, known(t)...)
	old := storedGateway(t, r, plainSpec)
	scaled := mutated(t, r, gatewayOf(t, scaledSpec), old)
	if annotationOf(t, scaled, gateway.AnnotationAdmitted) != fingerprint(t, scaled) {
		t.Errorf("got %v, want the new fingerprint", scaled["metadata"])
	}
}

// Who goes past the guard must not be able to have it stamped by an edit that is harmless.
func TestMutateLaundersNothingThatWentPastTheGuard(t *testing.T) {
	r := reviewer(t, known(t)...)
	admitted := annotationOf(t, storedGateway(t, r, plainSpec), gateway.AnnotationAdmitted)
	smuggled := storedGateway(t, r, rootedSpec)
	runs := fingerprint(t, smuggled)
	cluster := func(generation int64, fingerprint string) map[string]any {
		return map[string]any{"clusterId": "c1", "state": "Applied", "observedGeneration": generation, "fingerprint": fingerprint}
	}
	held := cluster(4, runs)
	held["held"] = map[string]any{"reason": "NotAdmitted"}
	tests := map[string]struct {
		stamp   string
		status  map[string]any
		renewed bool
	}{
		"that is not applied yet":                        {admitted, map[string]any{"clusters": []any{cluster(3, runs)}}, false},
		"that is applied in one cluster of two":          {admitted, map[string]any{"clusters": []any{cluster(4, runs), cluster(3, runs)}}, false},
		"of which annotations are not applied":           {admitted, map[string]any{"clusters": []any{cluster(4, "sha256:other")}}, false},
		"that is held in a cluster":                      {admitted, map[string]any{"clusters": []any{held}}, false},
		"that is pending":                                {admitted, map[string]any{"clusters": []any{cluster(4, runs)}, "pending": map[string]any{"digest": "d"}}, false},
		"that never was stamped and is not applied":      {"", map[string]any{"clusters": []any{cluster(3, runs)}}, false},
		"but what runs everywhere":                       {admitted, map[string]any{"clusters": []any{cluster(4, runs)}}, true},
		"but what runs, from before there was the guard": {"", map[string]any{"clusters": []any{cluster(4, runs)}}, true},
		"but what runs nowhere yet":                      {"", map[string]any{}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			old := annotated(smuggled, gateway.AnnotationAdmitted, test.stamp)
			old["status"] = test.status
			labelled := runtime.DeepCopyJSON(old)
			labelled["metadata"].(map[string]any)["labels"] = map[string]any{"team": "edge"}
			want := test.stamp
			if test.renewed {
				want = runs
			}
			filled, decision := updatedByAnn(t, r, labelled, old)
			if got := annotationOf(t, filled, gateway.AnnotationAdmitted); got != want || len(decision.Denials) > 0 {
				t.Errorf("got stamp %q, denials %v; want %q, none", got, decision.Denials, want)
			}
		})
	}
}

func TestValidateRefusesStampsThatAreNotItsOwn(t *testing.T) {
	r := reviewer(t, known(t)...)
	old := storedGateway(t, r, plainSpec)
	admitted := annotationOf(t, old, gateway.AnnotationAdmitted)
	for name, forged := range map[string]map[string]any{
		"another":         annotated(old, gateway.AnnotationAdmitted, "sha256:mine"),
		"none":            annotated(old),
		"an approval too": annotated(old, gateway.AnnotationAdmitted, admitted, gateway.AnnotationApprovedBy, "mine"),
	} {
		t.Run(name, func(t *testing.T) {
			for _, before := range []map[string]any{old, nil} {
				decision, err := r.Validate(t.Context(), request(t, forged, before))
				if err != nil || len(decision.Denials) != 1 || decision.Denials[0].Code != "stamps" {
					t.Errorf("got %v, %v; want one refusal of stamps", decision.Denials, err)
				}
			}
		})
	}
	empty := annotated(old, gateway.AnnotationAdmitted, admitted)
	empty["metadata"].(map[string]any)["annotations"].(map[string]any)[gateway.AnnotationApprovedBy] = ""
	if decision, err := r.Validate(t.Context(), request(t, empty, old)); err != nil || len(decision.Denials) != 1 {
		t.Errorf("got %v, %v; want an empty one refused", decision.Denials, err)
	}
}

func TestMutateNamesTheApprovalsThatLetAChangeIn(t *testing.T) {
	r := reviewer(t, known(t)...)
	old, rooted := storedGateway(t, r, plainSpec), gatewayOf(t, rootedSpec)
	approval := approvalFor(t, r, "b", rooted, old)
	other := approvalFor(t, r, "other", gatewayOf(t, scaledSpec), old)
	second := *approval.DeepCopy()
	second.Name = "a"
	filled, decision := updatedByAnn(t, with(r, approval, other, second), rooted, old)
	if got := annotationOf(t, filled, gateway.AnnotationApprovedBy); got != "a,b" || len(decision.Denials) > 0 {
		t.Errorf("got %q, denials %v; want all that are for this change, and none", got, decision.Denials)
	}
	if !slices.Equal(decision.Approvals, []string{"a", "b"}) {
		t.Errorf("got approvals %v, want all that are for this change", decision.Approvals)
	}
}

func TestAnApprovalThatIsNamedIsUsed(t *testing.T) {
	r := reviewer(t, known(t)...)
	plain, rooted := storedGateway(t, r, plainSpec), gatewayOf(t, rootedSpec)
	approval := approvalFor(t, r, "b", rooted, plain)
	used := with(r, approval)
	old := annotated(plain, gateway.AnnotationAdmitted, annotationOf(t, plain, gateway.AnnotationAdmitted), gateway.AnnotationApprovedBy, "b")
	filled, decision := updatedByAnn(t, used, rooted, old)
	if got := fieldsOf(decision.Denials); !slices.Equal(got, []string{"restart_approval: spec.runAsRoot"}) {
		t.Errorf("got denials %v, want it to need another approval", got)
	}
	if got := annotationOf(t, filled, gateway.AnnotationApprovedBy); got != "b" || decision.Approvals != nil {
		t.Errorf("got %q and approvals %v, want it named until its use is recorded, and not used again", got, decision.Approvals)
	}
	approval.Status.UsedBy = &v1alpha1.ApprovalUse{UID: "u1"}
	scaled, _ := updatedByAnn(t, with(r, approval), gatewayOf(t, scaledSpec), old)
	if got := annotationOf(t, scaled, gateway.AnnotationApprovedBy); got != "" {
		t.Errorf("got %q, want none after its use is recorded", got)
	}
}

func TestApprovalsAreOnlyAskedForWhenTheyMatter(t *testing.T) {
	r := reviewer(t, known(t)...)
	old, asked := storedGateway(t, r, plainSpec), 0
	r.Approvals = func(context.Context, string, string) ([]v1alpha1.ChangeApproval, error) { asked++; return nil, nil }
	updatedByAnn(t, r, gatewayOf(t, scaledSpec), old)
	mutated(t, r, gatewayOf(t, plainSpec), nil)
	if asked != 0 {
		t.Errorf("asked %d times for what needs none", asked)
	}
	updatedByAnn(t, r, gatewayOf(t, rootedSpec), old)
	if asked != 2 {
		t.Errorf("asked %d times for a restart, want once in each webhook", asked)
	}
}

func TestApprovalsThatCannotBeReadAreAnError(t *testing.T) {
	r := reviewer(t, known(t)...)
	old := storedGateway(t, r, plainSpec)
	r.Approvals = func(context.Context, string, string) ([]v1alpha1.ChangeApproval, error) {
		return nil, errors.New("timeout")
	}
	const want = "listing the approvals of IstioGateway istio-system/edge: timeout"
	asked := request(t, gatewayOf(t, rootedSpec), old)
	if _, err := r.Mutate(t.Context(), asked); err == nil || err.Error() != want {
		t.Errorf("filling in: got %v", err)
	}
	if decision, err := r.Validate(t.Context(), asked); err == nil || err.Error() != want || decision.Revision != "" {
		t.Errorf("judging: got %+v, %v", decision, err)
	}
}

func TestApprovalsOfOtherGatewaysAreLeftOut(t *testing.T) {
	r := reviewer(t, known(t)...)
	old, rooted := storedGateway(t, r, plainSpec), gatewayOf(t, rootedSpec)
	elsewhere, another := approvalFor(t, r, "a", rooted, old), approvalFor(t, r, "b", rooted, old)
	elsewhere.Namespace, another.Spec.GatewayName = "elsewhere", "another"
	if _, decision := updatedByAnn(t, with(r, elsewhere, another), rooted, old); len(decision.Denials) != 1 {
		t.Errorf("got denials %v, want it to lack an approval", decision.Denials)
	}
}
