package reconcile

import (
	"context"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// knowingUs makes an API server say who asks.
func knowingUs(server *api) client.Client {
	return interceptor.NewClient(server, interceptor.Funcs{
		Create: func(ctx context.Context, inner client.WithWatch, object client.Object, options ...client.CreateOption) error {
			if review, ok := object.(*authenticationv1.SelfSubjectReview); ok {
				review.Status.UserInfo.Username = "controller"
				return nil
			}
			return inner.Create(ctx, object, options...)
		},
	})
}

func TestAClusterSaysWhetherItIsFenced(t *testing.T) {
	policies := schema.GroupResource{Group: "admissionregistration.k8s.io", Resource: "validatingadmissionpolicies"}
	tests := map[string]struct {
		fault error
		want  string
		event string
	}{
		"that it is": {nil, "True FenceUp Nobody but Portcullis and the cluster's own machinery changes what gateways are made of",
			"Normal Fenced Fence /: Shut the back door of cluster home"},
		"that it is too old": {
			&meta.NoKindMatchError{GroupKind: schema.GroupKind{Group: policies.Group, Kind: "ValidatingAdmissionPolicy"}, SearchedVersions: []string{"v1"}},
			`False NotServed The cluster must serve ValidatingAdmissionPolicies, as Kubernetes does from 1.30 on: applying ValidatingAdmissionPolicy portcullis-back-door: no matches for kind "ValidatingAdmissionPolicy" in version "admissionregistration.k8s.io/v1"`,
			`Warning FenceFailed Fence /: Left the back door of cluster home open: NotServed: The cluster must serve ValidatingAdmissionPolicies, as Kubernetes does from 1.30 on: applying ValidatingAdmissionPolicy portcullis-back-door: no matches for kind "ValidatingAdmissionPolicy" in version "admissionregistration.k8s.io/v1"`,
		},
		"that we may not": {
			apierrors.NewForbidden(policies, "portcullis-back-door", nil),
			`False NotAllowed applying ValidatingAdmissionPolicy portcullis-back-door: validatingadmissionpolicies.admissionregistration.k8s.io "portcullis-back-door" is forbidden: <nil>`,
			`Warning FenceFailed Fence /: Left the back door of cluster home open: NotAllowed: applying ValidatingAdmissionPolicy portcullis-back-door: validatingadmissionpolicies.admissionregistration.k8s.io "portcullis-back-door" is forbidden: <nil>`,
		},
		"what else it is": {conflict(), "False Failed applying ValidatingAdmissionPolicy portcullis-back-door: " + conflict().Error(),
			"Warning FenceFailed Fence /: Left the back door of cluster home open: Failed: applying ValidatingAdmissionPolicy portcullis-back-door: " + conflict().Error()},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			registered := registeredAs(home.Cluster, "away")
			server := apiWith(t, &registered[0], &registered[1])
			server.mute = true
			server.refusing(test.fault, "apply ValidatingAdmissionPolicy portcullis-back-door")
			told := &recorded{}
			worker := &fences{hub: server, clusters: &clusters{local: newCluster(knowingUs(server), server)}, events: events{told}}
			for range 2 {
				_, err := worker.Reconcile(t.Context(), here)
				expectEqual(t, "tries again", err != nil, test.fault != nil)
			}
			expectEqual(t, "told once", told.lines, []string{test.event})
			expectEqual(t, "here", fencedAs(t, server, home.Cluster), test.want)
			expectEqual(t, "elsewhere", fencedAs(t, server, "away"), "not told")
		})
	}
}

// fencedAs is what a cluster says of its fence.
func fencedAs(t *testing.T, server client.Client, name string) string {
	t.Helper()
	cluster := &v1alpha1.GatewayCluster{}
	if err := server.Get(t.Context(), client.ObjectKey{Name: name}, cluster); err != nil {
		t.Fatal(err)
	}
	told := meta.FindStatusCondition(cluster.Status.Conditions, v1alpha1.ConditionFenced)
	if told == nil {
		return "not told"
	}
	return string(told.Status) + " " + told.Reason + " " + told.Message
}

// Another condition of the cluster came meanwhile: it must neither be lost nor keep this one from being told.
func TestAFenceIsToldAgainWhenSomebodyElseWrote(t *testing.T) {
	registered := registeredAs(home.Cluster)
	server := apiWith(t, &registered[0])
	server.mute = true
	server.refusing(conflict(), "patch status GatewayCluster "+home.Cluster)
	worker := &fences{hub: server, clusters: &clusters{local: newCluster(knowingUs(server), server)}}
	result, err := worker.Reconcile(t.Context(), here)
	expectError(t, err, "")
	expectEqual(t, "again after", result.RequeueAfter, fenceSoon)
}
