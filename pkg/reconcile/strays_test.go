package reconcile

import (
	"context"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// shelf is an API server that holds objects of which nothing but metadata is asked, by kind, and gives them out two at a
// time. For some kinds it has an error instead.
type shelf struct {
	client.Reader
	objects map[string][]metav1.PartialObjectMetadata
	errs    map[string]error
}

// List gives out a page.
func (s shelf) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	asked := (&client.ListOptions{}).ApplyOptions(options)
	out, ok := list.(*metav1.PartialObjectMetadataList)
	if !ok || asked.Limit == 0 || asked.LabelSelector == nil || asked.LabelSelector.String() != render.LabelGateway {
		return errors.New("must be asked for the metadata of our own objects, page by page")
	}
	kind := out.GroupVersionKind().Kind
	if err := s.errs[kind]; err != nil {
		return err
	}
	from, _ := strconv.Atoi(asked.Continue)
	rest := s.objects[kind][from:]
	out.Items, out.Continue = rest, ""
	if len(rest) > 2 {
		out.Items, out.Continue = rest[:2], strconv.Itoa(from+2)
	}
	return nil
}

// strayOf is an object that says to be of a gateway in a cluster.
func strayOf(name, id string) metav1.PartialObjectMetadata {
	return metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Namespace: edge.Namespace, Name: "istio-" + name, Labels: map[string]string{render.LabelGateway: name, render.LabelCluster: id},
	}}
}

func TestUnwatchedKindsAreWhatRenderingCanMakeBesidesTheWatchedOnes(t *testing.T) {
	fields := 0
	objects := reflect.TypeFor[render.Objects]()
	for i := range objects.NumField() {
		if objects.Field(i).Type == reflect.TypeFor[*render.Custom]() {
			fields++
		}
	}
	expectEqual(t, "kinds", len(unwatchedKinds()), fields)
	gw := gatewayOf(t, `{ports: [{name: http, port: 80}], compression: {enabled: true, gzip: {}}, autoCreateGatewayYaml: true}`)
	gw.Annotations = map[string]string{gateway.AnnotationIssuer: "ours", gateway.AnnotationTLSHosts: "edge.example.com"}
	rendered, err := render.Render(gateway.Place(gw, &registeredAs("home")[0]))
	if err != nil {
		t.Fatal(err)
	}
	made := map[schema.GroupVersionKind]bool{}
	for _, custom := range customs(rendered.List()) {
		made[kindOfReference(custom)] = true
	}
	for _, kind := range unwatchedKinds() {
		expectEqual(t, kind.Kind+" is made", made[kind], true)
		expectEqual(t, kind.Kind+" is watched", watched(kind), false)
	}
}

func TestStraysAreWhatNoStatusNames(t *testing.T) {
	gw := gatewayOf(t, simple, entryIn("home", v1beta1.ClusterReady))
	b := benchWith(t, gw)
	gone := Target{Gateway: client.ObjectKey{Namespace: edge.Namespace, Name: "gone"}, Cluster: "home"}
	server := shelf{
		objects: map[string][]metav1.PartialObjectMetadata{
			"EnvoyFilter": {strayOf("edge", "home"), strayOf("edge", "away"), strayOf("gone", "home")},
			"Certificate": {strayOf("gone", "home")},
		},
		errs: map[string]error{"Gateway": &meta.NoKindMatchError{}},
	}
	found, err := b.look(t.Context(), server)
	expectError(t, err, "")
	expectEqual(t, "targets", len(found), 2)
	expectEqual(t, "of the gateway that is gone", len(found[gone]), 2)
	expectEqual(t, "of the gateway where it is not", len(found[away]), 1)
	expectEqual(t, "kind", found[away][0].GetObjectKind().GroupVersionKind(), unwatchedKinds()[0])

	b.strays.found(here, found)
	expectEqual(t, "known", len(b.strays.of(here, gone)), 2)
	expectEqual(t, "elsewhere", len(b.strays.of("away", away)), 0)
	b.strays.found(here, nil)
	expectEqual(t, "known when they are gone", len(b.strays.of(here, gone)), 0)
}

func TestWhatMayNotBeListedIsLeftOutAndWhatFailsIsTriedAgain(t *testing.T) {
	b := benchWith(t, nil)
	filters := schema.GroupResource{Group: "networking.istio.io", Resource: "envoyfilters"}
	server := shelf{
		objects: map[string][]metav1.PartialObjectMetadata{"Certificate": {strayOf("gone", "home")}},
		errs:    map[string]error{"EnvoyFilter": apierrors.NewForbidden(filters, "", nil)},
	}
	found, err := b.look(t.Context(), server)
	expectError(t, err, "")
	expectEqual(t, "targets", len(found), 1)
	server.errs["Gateway"] = errors.New("refused")
	_, err = b.look(t.Context(), server)
	expectError(t, err, "listing Gateways: refused")
}

func TestOrphansAreToldOfBeforeTheGatewayOfTheirNameHasItsFinalizer(t *testing.T) {
	gw := gatewayOf(t, `{clusterIds: [away]}`)
	gw.Finalizers = nil
	b := benchWith(t, gw, everythingOf("edge")...)
	result, err := b.Reconcile(t.Context(), home)
	expectError(t, err, "")
	told := b.events()
	if len(told) != 1 || !strings.Contains(told[0], "OrphansFound") {
		t.Errorf("got %q and %v, want the orphans to be told of", told, result)
	}
}
