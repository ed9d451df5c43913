package change

import (
	"math"

	"k8s.io/apimachinery/pkg/util/json"
)

// exactFloat is the largest whole number up to which every one is a float of its own.
const exactFloat = 1 << 53

// decode reads JSON into values that compare: a whole number is an int64 however it is written, so that two numbers of
// 64 bits never become one float, and null is absent, as it is to the API server.
func decode(raw []byte) (any, error) {
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, err
	}
	return simplified(value), nil
}

// simplified is a value with whole floats as integers and without nulls in objects, changed in place.
func simplified(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, item := range value {
			if item == nil {
				delete(value, key)
				continue
			}
			value[key] = simplified(item)
		}
	case []any:
		for i, item := range value {
			value[i] = simplified(item)
		}
	case float64:
		if value == math.Trunc(value) && math.Abs(value) <= exactFloat {
			return int64(value)
		}
	}
	return value
}
