package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// Objects of kinds that Kubernetes itself does not have are not watched: a cluster may lack the kind, and who waits for
// a watch of one that is not there waits for ever. So they are read from the API server, looked at again from time to
// time, and found by the inventory alone. An object is therefore in the stored inventory before it is applied.

const (
	// lookAgain is how often they are looked at when nothing else happens to the gateway.
	lookAgain = 2 * time.Minute
	// lookSoon is how soon they are looked at while they are on their way out.
	lookSoon = time.Second
)

// lacking is the error of a cluster that does not have the kind of an object. It stands in the way of that object and
// of no other.
type lacking struct {
	kind schema.GroupVersionKind
	name client.ObjectKey
	// said is the API server's answer.
	said error
}

// Error says what is missing and what to do about it, with the API server's words.
func (l *lacking) Error() string {
	return fmt.Sprintf("applying %s %s: the cluster must have the kind %s of %s, has not: %s; install %s there, or take %s out of the gateway",
		l.kind.Kind, l.name, l.kind.Kind, l.kind.GroupVersion(), l.said, provider(l.kind), asksFor(l.kind))
}

// reference names the object that cannot be made, as an inventory does.
func (l *lacking) reference() v1beta1.ObjectReference {
	return v1beta1.ObjectReference{APIVersion: l.kind.GroupVersion().String(), Kind: l.kind.Kind, Name: l.name.Name}
}

// Unwrap is what the API server said.
func (l *lacking) Unwrap() error {
	return l.said
}

// provider is what brings a kind into a cluster.
func provider(kind schema.GroupVersionKind) string {
	if strings.HasSuffix(kind.Group, "istio.io") {
		return "Istio's CustomResourceDefinitions"
	}
	if kind.Group == "cert-manager.io" {
		return "cert-manager"
	}
	return "the CustomResourceDefinition of " + kind.GroupKind().String()
}

// asksFor is what of a gateway asks for an object of a kind.
func asksFor(kind schema.GroupVersionKind) string {
	switch kind.Kind {
	case "EnvoyFilter":
		return "spec.compression"
	case "Gateway":
		return "spec.autoCreateGatewayYaml"
	case "Certificate":
		return "the annotation " + gateway.AnnotationTLSHosts
	}
	return "what asks for it"
}

// isLacking says whether an answer means that a cluster does not have a kind at all: it is not discovered, or its path
// is not served any more. An object that is not there is another answer.
func isLacking(err error) bool {
	return meta.IsNoMatchError(err) || apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// watched says whether a kind's objects are watched: those of Kubernetes' own.
func watched(kind schema.GroupVersionKind) bool {
	return clientgoscheme.Scheme.Recognizes(kind)
}

// unwatchedOf lists the objects of an inventory that are not watched.
func unwatchedOf(objects []v1beta1.ObjectReference) []v1beta1.ObjectReference {
	return slices.DeleteFunc(slices.Clone(objects), func(object v1beta1.ObjectReference) bool { return watched(kindOfReference(object)) })
}

// customs are the rendered objects that are not watched, as an inventory names them.
func customs(objects []render.Object) []v1beta1.ObjectReference {
	var out []v1beta1.ObjectReference
	for _, object := range objects {
		if custom, ok := object.(*render.Custom); ok {
			out = append(out, referenceToCustom(custom))
		}
	}
	return out
}

// announced are the rendered objects that may be applied: all that are watched, and of the others those that a stored
// inventory names.
func announced(objects []render.Object, stored []v1beta1.ObjectReference) []render.Object {
	return slices.DeleteFunc(slices.Clone(objects), func(object render.Object) bool {
		custom, ok := object.(*render.Custom)
		return ok && !slices.Contains(stored, referenceToCustom(custom))
	})
}

// referenceToCustom names an object as a gateway's status does.
func referenceToCustom(custom *render.Custom) v1beta1.ObjectReference {
	return v1beta1.ObjectReference{APIVersion: custom.APIVersion, Kind: custom.Kind, Name: custom.Metadata.Name}
}

// kindOfReference is the kind that an inventory names.
func kindOfReference(object v1beta1.ObjectReference) schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(object.APIVersion, object.Kind)
}

// eachUnwatched disposes of those of some objects that are this gateway's in a cluster, and says how many there were.
func (c *cluster) eachUnwatched(ctx context.Context, gw *v1beta1.IstioGateway, id string, objects []v1beta1.ObjectReference, dispose func(context.Context, client.Object) error) (int, error) {
	left := 0
	for _, reference := range unwatchedOf(objects) {
		object := &metav1.PartialObjectMetadata{}
		object.SetGroupVersionKind(kindOfReference(reference))
		key := client.ObjectKey{Namespace: gw.Namespace, Name: reference.Name}
		err := c.live.Get(ctx, key, object)
		if isLacking(err) || apierrors.IsNotFound(err) {
			// With the kind all its objects went.
			continue
		}
		if err != nil {
			return left, fmt.Errorf("reading %s %s: %w", reference.Kind, key, err)
		}
		if labels := object.GetLabels(); labels[render.LabelGateway] != gw.Name || labels[render.LabelCluster] != id {
			continue
		}
		left++
		if err := dispose(ctx, object); err != nil {
			return left, err
		}
	}
	return left, nil
}

// again is when a target is worked on again if nothing happens, zero for never: nobody tells of what is not watched.
func (p *placements) again(result outcome) time.Duration {
	unwatched := unwatchedOf(result.entry.Objects)
	switch {
	case result.connecting:
		return lookSoon
	case len(unwatched) == 0 || result.gone:
		return 0
	case result.entry.State == v1beta1.ClusterDeleting:
		return lookSoon
	}
	// Not all at once: what was applied together after a start would be looked at together ever after.
	return wait.Jitter(p.lookAgain, 0.5)
}
