// Package access asks an API server what a user may do.
package access

import (
	"context"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Allowed says whether a user may do something, and why in the API server's words. Everything that the API server knows of
// the user is passed on: any of it can make the difference. An error means that nobody knows.
func Allowed(ctx context.Context, asker client.Writer, user authenticationv1.UserInfo, what authorizationv1.ResourceAttributes) (allowed bool, reason string, err error) {
	extra := make(map[string]authorizationv1.ExtraValue, len(user.Extra))
	for key, values := range user.Extra {
		extra[key] = authorizationv1.ExtraValue(values)
	}
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra, ResourceAttributes: &what,
	}}
	err = asker.Create(ctx, review)
	return review.Status.Allowed, review.Status.Reason, err
}
