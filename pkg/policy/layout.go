package policy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// layouts remembers how types are written as JSON objects. There are as many as callers have types: two.
type layouts struct {
	known sync.Map
}

// layoutField is one field of a struct that JSON writes.
type layoutField struct {
	index []int
	name  string
	// omitEmpty leaves the field out where it is empty.
	omitEmpty bool
	// marshals is true for types that write themselves.
	marshals bool
}

// open is a struct as encoding/json would write it. Lists, and what writes itself, stay as they are until a rule
// reads them: of the 40 fields of a spec most rules read a few, and lists are the large ones.
func (l *layouts) open(part any) (map[string]any, error) {
	if object, ok := part.(map[string]any); ok {
		return object, nil
	}
	value := reflect.Indirect(reflect.ValueOf(part))
	if value.Kind() != reflect.Struct {
		return nil, fmt.Errorf("must be an object, is %T", part)
	}
	return l.openStruct(value), nil
}

// openStruct opens a struct and the structs in it.
func (l *layouts) openStruct(value reflect.Value) map[string]any {
	object := map[string]any{}
	for _, field := range l.of(value.Type()) {
		inside := value.FieldByIndex(field.index)
		if field.omitEmpty && isEmpty(inside) {
			continue
		}
		object[field.name] = l.plain(inside, field.marshals)
	}
	return object
}

// of is the layout of a type.
func (l *layouts) of(shape reflect.Type) []layoutField {
	if known, ok := l.known.Load(shape); ok {
		return known.([]layoutField)
	}
	layout := appendFields(nil, shape, nil)
	l.known.Store(shape, layout)
	return layout
}

// appendFields lists the fields of a type and, as if they were its own, those of the structs that it embeds.
func appendFields(out []layoutField, shape reflect.Type, within []int) []layoutField {
	for i := range shape.NumField() {
		field := shape.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		index := append(slices.Clone(within), i)
		switch {
		case field.Anonymous && name == "" && field.Type.Kind() == reflect.Struct:
			out = appendFields(out, field.Type, index)
		case name != "-" && field.IsExported():
			out = append(out, layoutField{
				index:     index,
				name:      cmp.Or(name, field.Name),
				omitEmpty: options == "omitempty",
				marshals:  field.Type.Implements(reflect.TypeFor[json.Marshaler]()),
			})
		}
	}
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

// plain is a scalar or an object as JSON knows it; anything else is left for OPA to convert.
func (l *layouts) plain(value reflect.Value, marshals bool) any {
	inside := reflect.Indirect(value)
	switch {
	case marshals:
		return value.Interface()
	case inside.Kind() == reflect.Struct:
		return l.openStruct(inside)
	case inside.Kind() == reflect.String:
		return inside.String()
	case inside.Kind() == reflect.Bool:
		return inside.Bool()
	case inside.CanInt():
		return inside.Int()
	default:
		return value.Interface()
	}
}
