package cluster

import (
	"testing"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

func TestShareSaysHowManyNodesAreVirtual(t *testing.T) {
	tests := map[string]struct {
		virtual, all int32
		want         v1alpha1.VirtualNodes
	}{
		"of none nothing is known": {0, 0, ""},
		"machines alone":           {0, 3, v1alpha1.VirtualNodesNone},
		"both":                     {1, 3, v1alpha1.VirtualNodesSome},
		"virtual ones alone":       {3, 3, v1alpha1.VirtualNodesAll},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := share(test.virtual, test.all); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
