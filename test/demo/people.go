package main

import (
	"context"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/test/env"
)

// approverRole is what it takes to approve: to see what a change does, to have the server foresee it, and to say yes.
func approverRole() []client.Object {
	home := metav1.ObjectMeta{Namespace: namespace, Name: "approvers"}
	gateways := rbacv1.PolicyRule{APIGroups: []string{"istio.alibabacloud.com"}, Resources: []string{"istiogateways"}, Verbs: []string{"get", "list", "patch", "delete", "approve"}}
	approvals := rbacv1.PolicyRule{APIGroups: []string{"portcullis.dev"}, Resources: []string{"changeapprovals"}, Verbs: []string{"get", "list", "create"}}
	clusters := rbacv1.PolicyRule{APIGroups: []string{"portcullis.dev"}, Resources: []string{"gatewayclusters", "gatewaypolicies"}, Verbs: []string{"get", "list"}}
	bob := []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: "bob"}}
	return []client.Object{
		&rbacv1.Role{ObjectMeta: home, Rules: []rbacv1.PolicyRule{gateways, approvals}},
		&rbacv1.RoleBinding{ObjectMeta: home, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: home.Name}, Subjects: bob},
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: home.Name}, Rules: []rbacv1.PolicyRule{clusters}},
		&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: home.Name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: home.Name}, Subjects: bob},
	}
}

// invite makes bob, who may approve.
func (s *stage) invite(ctx context.Context) error {
	for _, object := range approverRole() {
		if err := s.admin.Create(ctx, object); err != nil {
			return fmt.Errorf("creating %T %s: %w", object, object.GetName(), err)
		}
	}
	var err error
	s.bob, _, err = s.plane.KubeconfigFor("bob")
	return err
}

// join starts a cluster elsewhere, and puts its kubeconfig where the samples look for it.
func (s *stage) join(ctx context.Context) error {
	fmt.Println("Starting the API server of a cluster elsewhere")
	var err error
	if s.elsewhere, err = env.Start(ctx, env.Options{Progress: os.Stderr}); err != nil {
		return err
	}
	reach, err := client.New(s.elsewhere.Config, client.Options{Scheme: scheme.Scheme})
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	home := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if err := reach.Create(ctx, home); err != nil {
		return fmt.Errorf("creating namespace %s elsewhere: %w", namespace, err)
	}
	kubeconfig, err := os.ReadFile(s.elsewhere.Kubeconfig)
	if err != nil {
		return err
	}
	const id = "c9f3e7xxxxxx"
	return s.admin.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istio-remote-secret-" + id},
		Data:       map[string][]byte{id: kubeconfig},
	})
}

// leave stops the cluster elsewhere.
func (s *stage) leave() error {
	if s.elsewhere == nil {
		return nil
	}
	return s.elsewhere.Stop()
}

// environment is what the story's commands find in theirs.
func (s *stage) environment() []string {
	return []string{
		"PATH=" + s.path() + string(os.PathListSeparator) + os.Getenv("PATH"),
		"KUBECONFIG=" + s.plane.Kubeconfig, "BOB=" + s.bob, "ELSEWHERE=" + s.elsewhere.Kubeconfig, "WORK=" + s.plane.Dir,
	}
}
