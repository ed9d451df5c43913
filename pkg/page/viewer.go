package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// errUnknown is that nobody is known to be asking.
var errUnknown = errors.New("must come with a token of the cluster: as the password of any user name, or as Authorization: Bearer")

// viewer is whoever looks at the page, and what they were found to be allowed.
type viewer struct {
	user authenticationv1.UserInfo
	ask  func(context.Context, *authorizationv1.SubjectAccessReview) error
	// answers of the API server, each asked for once.
	answers map[authorizationv1.ResourceAttributes]bool
}

// viewer is who asks, by the API server's word.
func (h *Handler) viewer(ctx context.Context, r *http.Request) (*viewer, error) {
	token := tokenIn(r)
	if token == "" {
		return nil, errUnknown
	}
	review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}
	if err := h.Asker.Create(ctx, review); err != nil {
		return nil, fmt.Errorf("asking whose token it is: %w", err)
	}
	if !review.Status.Authenticated {
		return nil, errUnknown
	}
	ask := func(ctx context.Context, review *authorizationv1.SubjectAccessReview) error {
		return h.Asker.Create(ctx, review)
	}
	return &viewer{user: review.Status.User, ask: ask, answers: map[authorizationv1.ResourceAttributes]bool{}}, nil
}

// tokenIn is the token that a request carries. Browsers ask for a name and a password by themselves, and a page without
// scripts has no other way to ask; of the two the password is the token.
func tokenIn(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return strings.TrimSpace(token)
}

// may says whether the viewer has a verb on a resource; in all namespaces when the namespace is empty. A resource may be
// one of the API server's subresources, as resource/subresource.
func (v *viewer) may(ctx context.Context, verb string, resource schema.GroupResource, namespace string) (bool, error) {
	name, sub, _ := strings.Cut(resource.Resource, "/")
	attributes := authorizationv1.ResourceAttributes{Verb: verb, Group: resource.Group, Resource: name, Subresource: sub, Namespace: namespace}
	if answer, ok := v.answers[attributes]; ok {
		return answer, nil
	}
	extra := make(map[string]authorizationv1.ExtraValue, len(v.user.Extra))
	for key, values := range v.user.Extra {
		extra[key] = authorizationv1.ExtraValue(values)
	}
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: v.user.Username, UID: v.user.UID, Groups: v.user.Groups, Extra: extra, ResourceAttributes: &attributes,
	}}
	if err := v.ask(ctx, review); err != nil {
		return false, fmt.Errorf("asking whether %s may %s %s: %w", v.user.Username, verb, resource, err)
	}
	v.answers[attributes] = review.Status.Allowed
	return review.Status.Allowed, nil
}
