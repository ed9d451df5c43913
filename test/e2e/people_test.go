//go:build e2e

package e2e_test

import (
	"context"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
)

// person is somebody who may do everything, with a credential of their own. That every cluster gives out: a token of a
// ServiceAccount.
func person(ctx context.Context, in, name string) client.Client {
	GinkgoHelper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: in, Name: name}}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "e2e-" + name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: in, Name: name}},
	}
	for _, object := range []client.Object{account, binding} {
		Expect(admin.Create(ctx, object)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, object)).To(Succeed()) })
	}
	token := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(3600))}}
	Expect(admin.SubResource("token").Create(ctx, account, token)).To(Succeed())
	theirs := rest.AnonymousClientConfig(config)
	theirs.BearerToken, theirs.WarningHandler = token.Status.Token, rest.NoWarnings{}
	out, err := client.New(theirs, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	return out
}

// approve approves, as somebody, what leads from one gateway to another.
func approve(ctx context.Context, somebody client.Client, before, after *v1beta1.IstioGateway) {
	GinkgoHelper()
	effect := between(ctx, before, after)
	changes, err := change.ToApproved(effect.Changes)
	Expect(err).NotTo(HaveOccurred())
	Expect(somebody.Create(ctx, &v1alpha1.ChangeApproval{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: before.Name + "-"},
		Spec:       v1alpha1.ChangeApprovalSpec{GatewayName: before.Name, Digest: effect.Digest, Changes: changes, Reason: "agreed upon"},
	})).To(Succeed())
}

// predictsRestart says whether a change is predicted to restart pods.
func predictsRestart(ctx context.Context, before, after *v1beta1.IstioGateway) bool {
	GinkgoHelper()
	return slices.Contains(between(ctx, before, after).Effects[change.Restart], cluster)
}

// between is what a change does.
func between(ctx context.Context, before, after *v1beta1.IstioGateway) change.Change {
	GinkgoHelper()
	registered := &v1alpha1.GatewayClusterList{}
	Expect(admin.List(ctx, registered)).To(Succeed())
	out, err := change.Between(before, after, registered.Items)
	Expect(err).NotTo(HaveOccurred())
	return out
}
