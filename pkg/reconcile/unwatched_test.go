package reconcile

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

func TestAKindThatAClusterLacksIsToldFromAnObjectThatIsNotThere(t *testing.T) {
	filters := schema.GroupResource{Group: "networking.istio.io", Resource: "envoyfilters"}
	unserved := apierrors.NewGenericServerResponse(http.StatusNotFound, "get", filters, "istio-edge", "404 page not found", 0, true)
	undiscovered := &meta.NoKindMatchError{GroupKind: schema.GroupKind{Group: filters.Group, Kind: "EnvoyFilter"}, SearchedVersions: []string{"v1alpha3"}}
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"nothing":                     {nil, false},
		"a kind that is not served":   {unserved, true},
		"a kind that is not known":    {undiscovered, true},
		"the same, wrapped":           {fmt.Errorf("reading: %w", undiscovered), true},
		"an object that is not there": {apierrors.NewNotFound(filters, "istio-edge"), false},
		"a refusal":                   {apierrors.NewForbidden(filters, "istio-edge", errors.New("no")), false},
	} {
		t.Run(name, func(t *testing.T) {
			expectEqual(t, "lacking", isLacking(test.err), test.want)
		})
	}
}

func TestNothingUnwatchedIsAppliedBeforeItIsInTheStoredInventory(t *testing.T) {
	objects := objectsOf(t, `{ports: [{name: http, port: 80}], compression: {enabled: true, gzip: {}}}`).List()
	filter := v1beta1.ObjectReference{APIVersion: "networking.istio.io/v1alpha3", Kind: "EnvoyFilter", Name: "istio-edge"}
	expectEqual(t, "unwatched", customs(objects), []v1beta1.ObjectReference{filter})
	expectEqual(t, "objects before", len(announced(objects, nil)), len(objects)-1)
	expectEqual(t, "objects after", len(announced(objects, []v1beta1.ObjectReference{serviceOfEdge, filter})), len(objects))
	expectEqual(t, "unwatched of an inventory", unwatchedOf([]v1beta1.ObjectReference{serviceOfEdge, filter}), []v1beta1.ObjectReference{filter})
}

func TestATargetIsLookedAtAgainWhileNobodyTellsOfItsObjects(t *testing.T) {
	filter := v1beta1.ObjectReference{APIVersion: "networking.istio.io/v1alpha3", Kind: "EnvoyFilter", Name: "istio-edge"}
	p := &placements{lookAgain: lookAgain}
	entry := v1beta1.ClusterStatus{Objects: []v1beta1.ObjectReference{serviceOfEdge}}
	expectEqual(t, "with watched objects alone", p.again(outcome{entry: entry}), time.Duration(0))
	entry.Objects = append(entry.Objects, filter)
	if got := p.again(outcome{entry: entry}); got < lookAgain || got > lookAgain*3/2 {
		t.Errorf("with another one: got %s, want %s or half more", got, lookAgain)
	}
	entry.State = v1beta1.ClusterDeleting
	expectEqual(t, "while it goes", p.again(outcome{entry: entry}), lookSoon)
	expectEqual(t, "when it is gone", p.again(outcome{entry: entry, gone: true}), time.Duration(0))
}
