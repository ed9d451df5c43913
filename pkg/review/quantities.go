package review

import (
	"fmt"
	"regexp"
)

// longestQuantity is how long a quantity may be written: far more than anybody needs to say how much memory
// there is in the world.
const longestQuantity = 64

// hugeExponent is an exponent of three digits or more. Kubernetes multiplies it out, digit by digit.
var hugeExponent = regexp.MustCompile(`[eE][+-]?[0-9]{3,}$`)

// checkQuantities refuses quantities that would take Kubernetes' own parser minutes or for ever to read:
// one request must not be able to keep the guard busy. They lie under limits, requests and divisor; elsewhere
// the same text is somebody's environment variable.
func checkQuantities(path string, value any) error {
	switch value := value.(type) {
	case map[string]any:
		for key, item := range value {
			if err := checkQuantities(path+"."+key, item); err != nil {
				return err
			}
			if err := checkField(path+"."+key, key, item); err != nil {
				return err
			}
		}
	case []any:
		for i, item := range value {
			if err := checkQuantities(fmt.Sprintf("%s[%d]", path, i), item); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkField checks the quantities that a field holds, if it is one that holds some.
func checkField(path, key string, value any) error {
	if key == "divisor" {
		return checkQuantity(path, value)
	}
	held, ok := value.(map[string]any)
	if !ok || (key != "limits" && key != "requests") {
		return nil
	}
	for name, quantity := range held {
		if err := checkQuantity(path+"."+name, quantity); err != nil {
			return err
		}
	}
	return nil
}

// checkQuantity checks one quantity; what is no text is the schema's business.
func checkQuantity(path string, value any) error {
	text, ok := value.(string)
	if !ok || (len(text) <= longestQuantity && !hugeExponent.MatchString(text)) {
		return nil
	}
	if len(text) > longestQuantity {
		text = text[:longestQuantity] + "…"
	}
	return fmt.Errorf("%s must be a quantity of at most %d characters and an exponent of at most 2 digits, is %q", path, longestQuantity, text)
}
