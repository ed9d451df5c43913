package main

import (
	"context"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/access"
	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// What is asked of the API server instead of the cache. Each is asked on a rare admission, where an answer that is a
// moment old would be a wrong one: it would let an approval be used twice, or not yet.

// approvals lists the approvals of a gateway.
func approvals(reader client.Reader) func(ctx context.Context, namespace, gateway string) ([]v1alpha1.ChangeApproval, error) {
	return func(ctx context.Context, namespace, gateway string) ([]v1alpha1.ChangeApproval, error) {
		list := &v1alpha1.ChangeApprovalList{}
		err := reader.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{"spec.gatewayName": gateway})
		return list.Items, err
	}
}

// gateways reads a gateway, nil when there is none.
func gateways(reader client.Reader) func(ctx context.Context, namespace, name string) (*v1beta1.IstioGateway, error) {
	return func(ctx context.Context, namespace, name string) (*v1beta1.IstioGateway, error) {
		gw := &v1beta1.IstioGateway{}
		err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, gw)
		if err != nil {
			return nil, client.IgnoreNotFound(err)
		}
		return gw, nil
	}
}

// allGateways lists the gateways of all namespaces.
func allGateways(reader client.Reader) func(context.Context) ([]v1beta1.IstioGateway, error) {
	return func(ctx context.Context) ([]v1beta1.IstioGateway, error) {
		list := &v1beta1.IstioGatewayList{}
		err := reader.List(ctx, list)
		return list.Items, err
	}
}

// mayApprove asks whether a user has the verb approve on a gateway.
func mayApprove(asker client.Client) func(ctx context.Context, user authenticationv1.UserInfo, namespace, name string) (bool, string, error) {
	return func(ctx context.Context, user authenticationv1.UserInfo, namespace, name string) (bool, string, error) {
		return access.Allowed(ctx, asker, user, authorizationv1.ResourceAttributes{
			Namespace: namespace, Name: name, Verb: "approve",
			Group: v1beta1.GroupVersion.Group, Version: v1beta1.GroupVersion.Version, Resource: "istiogateways",
		})
	}
}
