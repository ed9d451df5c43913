package change

import (
	"portcullis.dev/portcullis/pkg/render"
)

// effect is one thing that a change can do, with the test for it between two renderings in one cluster.
type effect struct {
	name Effect
	does func(before, after render.Objects) (bool, error)
}

// all lists what a change can do.
func all() []effect {
	return []effect{
		{Restart, restarts},
		{AddressLoss, losesAddress},
	}
}

// happens says whether going from one version to another has the effect.
//
// What cannot be rendered cannot be predicted, so it counts as having the effect. It is no error: a gateway
// that cannot be rendered must be possible to mend, and to delete.
func (e effect) happens(before, after version) (bool, error) {
	if before.err != nil || after.err != nil {
		return e.name == AddressLoss || after.placed, nil
	}
	return e.does(before.objects, after.objects)
}

// restarts: a Deployment replaces its pods exactly when its template differs. Pods of a Deployment that goes
// have nothing to be restarted as.
func restarts(before, after render.Objects) (bool, error) {
	if before.Deployment == nil || after.Deployment == nil {
		return false, nil
	}
	left, err := before.TemplateHash()
	if err != nil {
		return false, err
	}
	right, err := after.TemplateHash()
	return left != right, err
}
