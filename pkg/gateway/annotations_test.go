package gateway

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

func TestPaused(t *testing.T) {
	for _, test := range []struct {
		name, value string
		deleted     bool
		// east and west say whether nothing is written there.
		east, west bool
	}{
		{name: "nowhere when nobody asked"},
		{name: "nowhere when somebody says so", value: "false"},
		{name: "everywhere", value: "true", east: true, west: true},
		{name: "in one cluster", value: "east", east: true},
		{name: "in several", value: "east, west", east: true, west: true},
		{name: "where the gateway still is", value: "west", west: true},
		{name: "everywhere when a word is no cluster of it", value: "eats", east: true, west: true},
		{name: "nowhere when the gateway is deleted", value: "true", deleted: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			gw := &v1beta1.IstioGateway{}
			gw.Annotations = map[string]string{AnnotationPaused: test.value}
			gw.Spec.ClusterIDs = []string{"east"}
			gw.Status.Clusters = []v1beta1.ClusterStatus{{ClusterID: "west"}}
			if test.deleted {
				gw.DeletionTimestamp = &metav1.Time{}
			}
			for id, want := range map[string]bool{"east": test.east, "west": test.west} {
				if got := Paused(gw, id); got != want {
					t.Errorf("in %s: got %v, want %v", id, got, want)
				}
			}
		})
	}
}

func TestDeletionPolicyOf(t *testing.T) {
	for _, test := range []struct {
		name        string
		annotations map[string]string
		want        DeletionPolicy
		known       bool
	}{
		{"deletes by default", nil, DeletionDelete, true},
		{"deletes", map[string]string{AnnotationDeletionPolicy: "Delete"}, DeletionDelete, true},
		{"retains Services", map[string]string{AnnotationDeletionPolicy: "RetainService"}, DeletionRetainService, true},
		{"retains everything", map[string]string{AnnotationDeletionPolicy: "Retain"}, DeletionRetain, true},
		{"retains everything by a word that it does not know", map[string]string{AnnotationDeletionPolicy: "delete"}, DeletionRetain, false},
		{"retains everything by no word", map[string]string{AnnotationDeletionPolicy: ""}, DeletionRetain, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			gw := &v1beta1.IstioGateway{}
			gw.Annotations = test.annotations
			if got, known := DeletionPolicyOf(gw); got != test.want || known != test.known {
				t.Errorf("got %s, known %v; want %s, known %v", got, known, test.want, test.known)
			}
		})
	}
}
