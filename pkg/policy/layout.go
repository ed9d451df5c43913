package policy

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// layouts remembers how types are written as JSON objects, for as long as one input is made.
type layouts map[reflect.Type][]layoutField

// layoutField is one field of a struct that JSON writes.
type layoutField struct {
	index     []int
	name      string
	omitEmpty bool
}

// open is a struct as encoding/json would write it, opened one level deep. What lies deeper stays as it is until
// a rule reads it: of the 40 fields of a spec most rules read a few.
func (l layouts) open(part any) (map[string]any, error) {
	if object, ok := part.(map[string]any); ok {
		return object, nil
	}
	value := reflect.Indirect(reflect.ValueOf(part))
	if value.Kind() != reflect.Struct {
		return nil, fmt.Errorf("must be an object, is %T", part)
	}
	object := map[string]any{}
	for _, field := range l.of(value.Type()) {
		if inside := value.FieldByIndex(field.index); !field.omitEmpty || !isEmpty(inside) {
			object[field.name] = plain(inside)
		}
	}
	return object, nil
}

// of is the layout of a type. Structs of structs without a name of their own are written as one object.
func (l layouts) of(shape reflect.Type) []layoutField {
	if known, ok := l[shape]; ok {
		return known
	}
	var out []layoutField
	for _, field := range reflect.VisibleFields(shape) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" || name == "-" || !field.IsExported() {
			continue
		}
		out = append(out, layoutField{index: field.Index, name: name, omitEmpty: options == "omitempty"})
	}
	l[shape] = out
	return out
}

// isEmpty says what omitempty leaves out.
func isEmpty(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.Map, reflect.Slice:
		return value.Len() == 0
	case reflect.Struct:
		return false
	default:
		return value.IsZero()
	}
}

// plain is a scalar as JSON knows it; anything else is left for OPA to convert.
func plain(value reflect.Value) any {
	if _, ok := value.Interface().(json.Marshaler); ok {
		return value.Interface()
	}
	switch scalar := reflect.Indirect(value); scalar.Kind() {
	case reflect.String:
		return scalar.String()
	case reflect.Bool:
		return scalar.Bool()
	case reflect.Int32, reflect.Int64:
		return scalar.Int()
	default:
		return value.Interface()
	}
}
