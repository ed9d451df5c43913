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
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/access"
)

// errUnknown is that nobody is known to be asking.
var errUnknown = errors.New("must come with a token of the cluster: as the password of any user name, or as Authorization: Bearer")

// viewer is whoever looks at the page, and what they were found to be allowed.
type viewer struct {
	user  authenticationv1.UserInfo
	asker client.Writer
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
	return &viewer{user: review.Status.User, asker: h.Asker, answers: map[authorizationv1.ResourceAttributes]bool{}}, nil
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
	allowed, _, err := access.Allowed(ctx, v.asker, v.user, attributes)
	if err != nil {
		return false, fmt.Errorf("asking whether %s may %s %s: %w", v.user.Username, verb, resource, err)
	}
	v.answers[attributes] = allowed
	return allowed, nil
}
