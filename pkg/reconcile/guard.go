package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/decision"
	"portcullis.dev/portcullis/pkg/gateway"
)

// askFunc asks the guard whether what is pending of a stored gateway may go: by which approvals, or why not.
type askFunc func(ctx context.Context, stored *v1beta1.IstioGateway) (names []string, refusal string, err error)

// unasked and unguarded are why nothing is released when the guard gives no answer.
const (
	unasked   = "the guard could not be asked; it is asked again"
	unguarded = "the guard names no approval; its webhooks must be asked about IstioGateways"
)

// askGuard asks by a dry run of an edit that the guard knows for this question. So the rules that decide are those that
// are in force, wherever they come from, and where there is no guard nothing is released.
func askGuard(server client.Client) askFunc {
	return func(ctx context.Context, stored *v1beta1.IstioGateway) ([]string, string, error) {
		asked := stored.DeepCopy()
		metav1.SetMetaDataAnnotation(&asked.ObjectMeta, gateway.AnnotationRelease, stored.Status.Pending.Digest)
		err := server.Patch(ctx, asked, client.MergeFromWithOptions(stored, client.MergeFromWithOptimisticLock{}), client.DryRunAll)
		switch {
		case err == nil:
		case apierrors.IsForbidden(err):
			return nil, refusalIn(err), nil
		case apierrors.IsConflict(err) || apierrors.IsNotFound(err):
			return nil, "", fmt.Errorf("asking the guard about IstioGateway %s/%s: %w", stored.Namespace, stored.Name, err)
		default:
			log.FromContext(ctx).Error(err, "Asked the guard in vain whether approvals release what is held")
			return nil, unasked, nil
		}
		known := namesIn(stored)
		names := slices.DeleteFunc(namesIn(asked), func(name string) bool { return slices.Contains(known, name) })
		if len(names) == 0 {
			return nil, unguarded, nil
		}
		return names, "", nil
	}
}

// namesIn are the approvals that the guard names on a gateway.
func namesIn(gw *v1beta1.IstioGateway) []string {
	return gateway.List(gw.Annotations[gateway.AnnotationApprovedBy])
}

// refusalIn is what the guard says, without the API server's own words before it.
func refusalIn(err error) string {
	text := err.Error()
	if _, said, found := strings.Cut(text, "denied the request: "); found {
		text = said
	}
	// Each answer has a name of its own, with which what is said would never stay the same.
	text, _ = decision.Cut(text)
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' }), "; ")
}
