package review

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// readable words an error of decoding for the gateway's author: which field, what it is, what it must be.
func readable(err error) error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return fmt.Errorf("reading the IstioGateway: %w", err)
	}
	// The path also names the Go structs that the field lies in; no field under spec begins with a capital.
	steps := slices.DeleteFunc(strings.Split(wrong.Field, "."), func(step string) bool {
		return step != "" && unicode.IsUpper(rune(step[0]))
	})
	return fmt.Errorf("%s must be of type %s, is %s", strings.Join(steps, "."), jsonType(wrong.Type), wrong.Value)
}

// jsonType is JSON's name for what a Go type is written as.
func jsonType(goType reflect.Type) string {
	switch goType.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "object"
	default:
		return "integer"
	}
}
