package reconcile

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"portcullis.dev/portcullis/pkg/render"
)

// kindIn is the kind of an object.
func kindIn(t *testing.T, scheme *runtime.Scheme, object runtime.Object) string {
	t.Helper()
	gvk, err := apiutil.GVKForObject(object, scheme)
	if err != nil {
		t.Fatalf("naming the kind of %T: %v", object, err)
	}
	return gvk.Kind
}

func TestOwnedKindsAreWhatRenderingCanMake(t *testing.T) {
	var rendered []string
	objects := reflect.TypeFor[render.Objects]()
	for i := range objects.NumField() {
		if objects.Field(i).Type == reflect.TypeFor[*render.Custom]() {
			// A cluster may lack its kind: it is not watched, and found by the inventory.
			continue
		}
		of := objects.Field(i).Type.Elem()
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		rendered = append(rendered, strings.TrimSuffix(of.Name(), "ApplyConfiguration"))
	}
	scheme := schemeOf(t)
	var owned []string
	for _, kind := range ownedKinds() {
		owned = append(owned, kindIn(t, scheme, kind.object))
	}
	slices.Sort(rendered)
	slices.Sort(owned)
	expectEqual(t, "kinds", owned, slices.Compact(rendered))
}

func TestOwnedKindsComeWithTheirOwnLists(t *testing.T) {
	scheme := schemeOf(t)
	for _, kind := range ownedKinds() {
		expectEqual(t, "list", kindIn(t, scheme, kind.list), kindIn(t, scheme, kind.object)+"List")
	}
}

func TestOwnedKindsEndWithTheService(t *testing.T) {
	kinds := ownedKinds()
	expectEqual(t, "last kind", kindIn(t, schemeOf(t), kinds[len(kinds)-1].object), "Service")
}

func TestOwnedKindsAreNewEachTime(t *testing.T) {
	ownedKinds()[0].object.SetName("changed")
	expectEqual(t, "name", ownedKinds()[0].object.GetName(), "")
}
