package cluster

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// answering is an API server that has a namespace kube-system of some UID, or answers with an error.
type answering struct {
	client.Reader
	uid types.UID
	err error
}

// Get answers.
func (a answering) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	namespace, ok := object.(*corev1.Namespace)
	if !ok || key.Name != "kube-system" {
		return errors.New("must be asked for kube-system alone")
	}
	namespace.UID = a.uid
	return a.err
}

// namespaces is what is asked for.
var namespaces = schema.GroupResource{Resource: "namespaces"}

func TestAClusterIsToldByTheUIDOfItsOwnNamespace(t *testing.T) {
	tests := map[string]struct {
		server answering
		want   string
		fails  bool
	}{
		"which it has":            {answering{uid: "one"}, "one", false},
		"unless we may not ask":   {answering{err: apierrors.NewForbidden(namespaces, "kube-system", nil)}, "Unknown", false},
		"unless there is none":    {answering{err: apierrors.NewNotFound(namespaces, "kube-system")}, "Unknown", false},
		"unless it has none":      {answering{}, "Unknown", false},
		"and what passes is told": {answering{err: context.DeadlineExceeded}, "", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Identity(t.Context(), test.server)
			if got != test.want || (err != nil) != test.fails {
				t.Errorf("got %q and %v, want %q", got, err, test.want)
			}
		})
	}
}

// aged is a GatewayCluster of some age, in minutes, and what is known of its identity.
func aged(id string, age int, identity string) v1alpha1.GatewayCluster {
	out := v1alpha1.GatewayCluster{ObjectMeta: metav1.ObjectMeta{Name: id}}
	out.CreationTimestamp = metav1.NewTime(time.Date(2026, 11, 1, 12, 60-age, 0, 0, time.UTC))
	out.Status.Identity = identity
	return out
}

func TestOfTwoRegistrationsOfOneClusterTheOlderKeepsIt(t *testing.T) {
	leaving := aged("east", 9, "one")
	leaving.DeletionTimestamp = new(metav1.Now())
	tests := map[string]struct {
		others   []v1alpha1.GatewayCluster
		age      int
		identity string
		as       string
	}{
		"alone":                               {nil, 1, "one", ""},
		"beside another cluster":              {[]v1alpha1.GatewayCluster{aged("east", 9, "two")}, 1, "one", ""},
		"younger":                             {[]v1alpha1.GatewayCluster{aged("east", 9, "one")}, 1, "one", "east"},
		"older":                               {[]v1alpha1.GatewayCluster{aged("east", 1, "one")}, 9, "one", ""},
		"of one age, by name":                 {[]v1alpha1.GatewayCluster{aged("east", 1, "one")}, 1, "one", "east"},
		"of one age, by name, the other way":  {[]v1alpha1.GatewayCluster{aged("west", 1, "one")}, 1, "one", ""},
		"beside two older ones":               {[]v1alpha1.GatewayCluster{aged("a", 2, "one"), aged("z", 9, "one")}, 1, "one", "z"},
		"beside one that leaves":              {[]v1alpha1.GatewayCluster{leaving}, 1, "one", ""},
		"unknown, beside another unknown one": {[]v1alpha1.GatewayCluster{aged("east", 9, "Unknown")}, 1, "Unknown", ""},
		"not known yet":                       {[]v1alpha1.GatewayCluster{aged("east", 9, "")}, 1, "", ""},
		"beside one that is not known yet":    {[]v1alpha1.GatewayCluster{aged("east", 9, "")}, 1, "one", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			// What its own status says is of before.
			all := append(slices.Clone(test.others), aged("north", test.age, "before"))
			err := Twin(all, "north", test.identity)
			twin, refused := errors.AsType[*TwinError](err)
			if refused != (test.as != "") || refused && twin.As != test.as {
				t.Errorf("got %v, want it to be registered as %q", err, test.as)
			}
			if all[len(all)-1].Status.Identity != "before" {
				t.Error("changed what it was given")
			}
		})
	}
}

func TestATwinIsToldAsWhatItIsRegisteredAndWhatToDo(t *testing.T) {
	told := (&TwinError{ID: "west", As: "east", Identity: "1234"}).Error()
	for _, want := range []string{"cluster west is registered as east already", "UID 1234", "name east in gateways instead", "delete the GatewayCluster west or the Secret"} {
		if !strings.Contains(told, want) {
			t.Errorf("got %q, want %q in it", told, want)
		}
	}
}

func TestWhatWasFoundOutWhenConnectingCountsBeforeTheStatusSaysIt(t *testing.T) {
	all := []v1alpha1.GatewayCluster{aged("east", 9, ""), aged("west", 1, "")}
	registry := NewRegistry(t.Context(), Options{Registered: func(context.Context) ([]v1alpha1.GatewayCluster, error) { return all, nil }})
	if err := registry.admit(t.Context(), "east", answering{uid: "one"}); err != nil {
		t.Fatal(err)
	}
	if _, refused := errors.AsType[*TwinError](registry.admit(t.Context(), "west", answering{uid: "one"})); !refused {
		t.Error("west must be refused while east has the cluster, is admitted")
	}
	if err := registry.admit(t.Context(), "west", answering{err: context.DeadlineExceeded}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want what stood in the way of asking", err)
	}
	registry.Remove("east")
	if err := registry.admit(t.Context(), "west", answering{uid: "one"}); err != nil {
		t.Errorf("got %v, want it to be admitted when nobody has the cluster", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	registry.Remove("west")
	if err := registry.admit(ended, "west", answering{uid: "one"}); err == nil || registry.identities["west"] != "" {
		t.Errorf("got %v and %v, want nothing kept of what was taken away", err, registry.identities)
	}
}
