package policy

import (
	"encoding/json"

	"github.com/open-policy-agent/opa/v1/ast"
)

// MarshalJSON writes the input as the rules read it, so that what was asked can be kept and asked again.
func (in Input) MarshalJSON() ([]byte, error) {
	value, err := in.value(&layouts{})
	if err != nil {
		return nil, err
	}
	document, err := ast.JSON(value)
	if err != nil {
		return nil, err
	}
	return json.Marshal(document)
}
