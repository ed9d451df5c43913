package change

import (
	"encoding/json"
	"fmt"
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// ToApproved writes changed fields as an approval keeps them. Nothing is lost: FromApproved of the result has the
// digest of the fields.
func ToApproved(fields []Field) ([]v1alpha1.ApprovedChange, error) {
	out := make([]v1alpha1.ApprovedChange, 0, len(fields))
	for _, field := range fields {
		approved := v1alpha1.ApprovedChange{Path: field.Path, Clusters: slices.Clone(field.Clusters)}
		for _, effect := range field.Effects {
			approved.Effects = append(approved.Effects, string(effect))
		}
		var err error
		if approved.Before, err = toJSON(field.Before); err != nil {
			return nil, fmt.Errorf("writing %s before the change: %w", field.Path, err)
		}
		if approved.After, err = toJSON(field.After); err != nil {
			return nil, fmt.Errorf("writing %s after the change: %w", field.Path, err)
		}
		out = append(out, approved)
	}
	return out, nil
}

// FromApproved reads the changed fields that an approval keeps. Whoever asks which change they are asks Digest.
func FromApproved(approved []v1alpha1.ApprovedChange) ([]Field, error) {
	out := make([]Field, 0, len(approved))
	for i, change := range approved {
		field := Field{Path: change.Path, Effects: []Effect{}, Clusters: append([]string{}, change.Clusters...)}
		for _, effect := range change.Effects {
			field.Effects = append(field.Effects, Effect(effect))
		}
		var err error
		if field.Before, err = fromJSON(change.Before); err != nil {
			return nil, fmt.Errorf("reading spec.changes[%d].before: %w", i, err)
		}
		if field.After, err = fromJSON(change.After); err != nil {
			return nil, fmt.Errorf("reading spec.changes[%d].after: %w", i, err)
		}
		out = append(out, field)
	}
	return out, nil
}

// toJSON writes a value; what is absent stays absent.
func toJSON(value any) (*apiextensionsv1.JSON, error) {
	if value == nil {
		return nil, nil //nolint:nilnil // what is absent is written as absent
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return &apiextensionsv1.JSON{Raw: raw}, nil
}

// fromJSON reads a value; what is absent stays absent, and null is absent.
func fromJSON(value *apiextensionsv1.JSON) (any, error) {
	if value == nil || len(value.Raw) == 0 {
		return nil, nil
	}
	return decode(value.Raw)
}
