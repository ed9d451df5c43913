package review

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

// holding is a stored gateway of which an upgrade is held, and the digest of that.
func holding(t *testing.T, r *Reviewer) (map[string]any, string) {
	t.Helper()
	held := change.Field{Path: "mesh.proxyImage", Before: "p:1", After: "p:2", Effects: []change.Effect{change.Restart}, Clusters: []string{"c1"}}
	merged, err := change.Merge("u1", []change.Field{held})
	if err != nil {
		t.Fatal(err)
	}
	out := storedGateway(t, r, plainSpec)
	out["status"] = map[string]any{"pending": map[string]any{"reason": "UpgradeHeld", "digest": merged.Digest, "changes": []any{map[string]any{
		"path": "mesh.proxyImage", "before": "p:1", "after": "p:2", "effects": []any{"Restart"}, "clusters": []any{"c1"},
	}}}}
	return out, merged.Digest
}

// asking is the question whether what is pending may go, as the API server passes it on.
func asking(t *testing.T, gateway, old map[string]any, edits ...func(*admissionv1.AdmissionRequest)) Request {
	t.Helper()
	raw := func(object map[string]any) runtime.RawExtension {
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		return runtime.RawExtension{Raw: text}
	}
	in := admissionv1.AdmissionRequest{
		Kind:      metav1.GroupVersionKind{Group: "istio.alibabacloud.com", Version: "v1beta1", Kind: "IstioGateway"},
		Operation: admissionv1.Update, Namespace: "istio-system", Name: "edge", DryRun: new(true), Object: raw(gateway), OldObject: raw(old),
	}
	in.UserInfo.Username = "system:serviceaccount:portcullis-system:controller"
	for _, edit := range edits {
		edit(&in)
	}
	out, err := FromAdmission(in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// of names the digest of what is to be released.
func of(gw map[string]any, digest string) map[string]any {
	return annotated(gw, gateway.AnnotationAdmitted, gw["metadata"].(map[string]any)["annotations"].(map[string]any)[gateway.AnnotationAdmitted].(string), gateway.AnnotationRelease, digest)
}

// releaseBy approves what is pending, by somebody.
func releaseBy(r *Reviewer, name, digest string) v1alpha1.ChangeApproval {
	out := v1alpha1.ChangeApproval{}
	out.Namespace, out.Name = "istio-system", "by-"+name
	out.Spec = v1alpha1.ChangeApprovalSpec{
		GatewayName: "edge", GatewayUID: "u1", Digest: digest, Reason: "agreed",
		NotBefore: &metav1.Time{Time: r.Now().Add(-time.Hour)}, NotAfter: &metav1.Time{Time: r.Now().Add(time.Hour)},
		ApprovedBy: &v1alpha1.Approver{Username: name, CredentialID: "X509SHA256=" + name},
	}
	return out
}

func TestWhatIsHeldIsReleasedByTheRulesOfRestarts(t *testing.T) {
	frozen := map[string]any{"restart_approval": map[string]any{"freezes": []any{map[string]any{"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}}}}
	for name, test := range map[string]struct {
		parameters map[string]any
		by         []string
		// used is who has approved something that was released before.
		used string
		want string
	}{
		"nobody":                        {want: "must be approved by somebody, as \"p:1\" -> \"p:2\" restarts every pod in c1, is not"},
		"one, where one is enough":      {by: []string{"bob"}},
		"one that was used":             {by: []string{"bob"}, used: "bob", want: "by-bob does not count: it was used"},
		"one, where two are needed":     {parameters: map[string]any{"restart_approval": map[string]any{"approvers": 2}}, by: []string{"bob"}, want: "must be approved by 2 people"},
		"two, where two are needed":     {parameters: map[string]any{"restart_approval": map[string]any{"approvers": 2}}, by: []string{"bob", "carl"}},
		"one outside of the groups":     {parameters: map[string]any{"approval": map[string]any{"groups": []any{"sre"}}}, by: []string{"bob"}, want: "it is by somebody outside sre"},
		"one, during a freeze":          {parameters: frozen, by: []string{"bob"}, want: "must wait until no freeze holds to restart every pod in c1, is in one: 2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z"},
		"one who is a service account":  {by: []string{"system:serviceaccount:a:b"}, want: "it is by a service account"},
		"a service account that may do": {parameters: map[string]any{"approval": map[string]any{"serviceAccounts": true}}, by: []string{"system:serviceaccount:a:b"}},
	} {
		t.Run(name, func(t *testing.T) {
			engine, err := policy.New(t.Context(), policies.FS, policy.Options{Deadline: time.Minute, Parameters: test.parameters})
			if err != nil {
				t.Fatal(err)
			}
			r := reviewer(t, cluster("c1"))
			r.Engine = func() *policy.Engine { return engine }
			old, digest := holding(t, r)
			var approvals []v1alpha1.ChangeApproval
			var names []string
			for _, by := range test.by {
				approval := releaseBy(r, by, digest)
				if by == test.used {
					approval.Status.UsedBy = &v1alpha1.ApprovalUse{}
				}
				approvals, names = append(approvals, approval), append(names, approval.Name)
			}
			r.Approvals = func(context.Context, string, string) ([]v1alpha1.ChangeApproval, error) { return approvals, nil }
			filled, err := r.Mutate(t.Context(), asking(t, of(old, digest), old))
			if err != nil {
				t.Fatal(err)
			}
			decision, err := r.Validate(t.Context(), asking(t, filled, old))
			if err != nil {
				t.Fatal(err)
			}
			if test.want == "" {
				if got := annotationOf(t, filled, gateway.AnnotationApprovedBy); len(decision.Denials) > 0 || got != strings.Join(names, ",") {
					t.Errorf("got %v, named %q; want no denial, and %v named", decision.Denials, got, names)
				}
				return
			}
			if len(decision.Denials) != 1 || !strings.Contains(decision.Denials[0].Message, test.want) || decision.Denials[0].Field != "mesh.proxyImage" {
				t.Errorf("got %v, want one at mesh.proxyImage that says %q", decision.Denials, test.want)
			}
		})
	}
}

// Only exactly the question is taken for it: with an edit beside it the edit is judged.
func TestWhatIsNoQuestionForARelease(t *testing.T) {
	r := reviewer(t, cluster("c1"))
	old, digest := holding(t, r)
	edited := runtime.DeepCopyJSON(of(old, digest))
	edited["spec"].(map[string]any)["runAsRoot"] = true
	idle := runtime.DeepCopyJSON(old)
	delete(idle, "status")
	for name, asked := range map[string]Request{
		"an edit beside it":       asking(t, edited, old),
		"another digest":          asking(t, of(old, "sha256:other"), old),
		"what would be stored":    asking(t, of(old, digest), old, func(in *admissionv1.AdmissionRequest) { in.DryRun = new(false) }),
		"nothing that is held":    asking(t, of(idle, digest), idle),
		"no digest, nothing held": asking(t, of(idle, ""), idle),
	} {
		if asked.Operation != admissionv1.Update {
			t.Errorf("%s: got operation %s, want %s", name, asked.Operation, admissionv1.Update)
		}
	}
	if got := asking(t, of(old, digest), old).Operation; got != Release {
		t.Errorf("got %s, want %s", got, Release)
	}
}

func TestAPendingDigestThatIsNotThatOfItsChangesReleasesNothing(t *testing.T) {
	r := reviewer(t, cluster("c1"))
	old, _ := holding(t, r)
	old["status"].(map[string]any)["pending"].(map[string]any)["digest"] = "sha256:forged"
	_, err := r.Validate(t.Context(), asking(t, of(old, "sha256:forged"), old))
	if err == nil || !strings.HasPrefix(err.Error(), "status.pending.digest must be that of its changes, sha256:") {
		t.Errorf("got %v", err)
	}
}
