package render

import (
	"encoding/json"
	"fmt"
)

// valueOf is the value of an optional field, zero when it is absent. What gateway.Place fills is never
// absent.
func valueOf[T any](field *T) T {
	return orElse(field, *new(T))
}

// orElse is the value of an optional field, or another one when it is absent.
func orElse[T any](field *T, other T) T {
	if field == nil {
		return other
	}
	return *field
}

// clone is an optional field of its own, so that what is rendered shares nothing with what came in.
func clone[T any](field *T) *T {
	if field == nil {
		return nil
	}
	return new(*field)
}

// stated is a field that is absent when its value is zero: a zero that nobody meant must not be sent.
func stated[T comparable](value T) *T {
	if value == *new(T) {
		return nil
	}
	return &value
}

// convert makes the apply configuration of a part of the API that goes through as it is. The two have the
// same JSON, which carries over fields that did not exist when this was written; copying field by field
// would lose them in silence.
func convert[To, From any](from *From) (*To, error) {
	if from == nil {
		return nil, nil //nolint:nilnil // what is absent is rendered as absent
	}
	raw, err := json.Marshal(from)
	if err != nil {
		return nil, fmt.Errorf("writing %T as JSON: %w", from, err)
	}
	to := new(To)
	if err := json.Unmarshal(raw, to); err != nil {
		return nil, fmt.Errorf("reading %T from JSON: %w", to, err)
	}
	return to, nil
}
