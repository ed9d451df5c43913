// Package schema says what an API server would say of an object before any webhook sees it or after the
// mutating ones did: unknown fields, types, ranges, list keys and CEL rules of our CRDs. It lets the command
// line and the audit decide as a cluster does, without one.
package schema

import (
	"context"
	"fmt"
	"io/fs"
	"maps"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"
)

// The API server's own limits on the cost of CEL rules, k8s.io/apiserver/pkg/apis/cel.
const (
	celCallLimit = 1_000_000
	celBudget    = 10_000_000
)

// Schemas holds the compiled schema of each kind and version.
type Schemas map[schema.GroupVersionKind]*Schema

// Schema is the compiled schema of one version of one kind.
type Schema struct {
	structural *structural.Structural
	openAPI    validation.SchemaValidator
	cel        *cel.Validator
}

// Load compiles the CRDs in every YAML file of a file system.
func Load(files fs.FS) (Schemas, error) {
	names, err := fs.Glob(files, "*/files/crds/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("finding CRDs: %w", err)
	}
	schemas := Schemas{}
	for _, name := range names {
		loaded, err := loadCRD(files, name)
		if err != nil {
			return nil, fmt.Errorf("loading %s: %w", name, err)
		}
		maps.Copy(schemas, loaded)
	}
	return schemas, nil
}

// loadCRD compiles every version of the CRD in one file.
func loadCRD(files fs.FS, name string) (Schemas, error) {
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(raw, crd); err != nil {
		return nil, err
	}
	schemas := Schemas{}
	for _, version := range crd.Spec.Versions {
		compiled, err := compile(version.Schema)
		if err != nil {
			return nil, fmt.Errorf("compiling version %s: %w", version.Name, err)
		}
		schemas[schema.GroupVersionKind{Group: crd.Spec.Group, Version: version.Name, Kind: crd.Spec.Names.Kind}] = compiled
	}
	return schemas, nil
}

// compile compiles one version's schema.
func compile(in *apiextensionsv1.CustomResourceValidation) (*Schema, error) {
	internal := &apiextensions.CustomResourceValidation{}
	if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(in, internal, nil); err != nil {
		return nil, err
	}
	shape, err := structural.NewStructural(internal.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	openAPI, _, err := validation.NewSchemaValidator(internal.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	return &Schema{structural: shape, openAPI: openAPI, cel: cel.NewValidator(shape, true, celCallLimit)}, nil
}

// Unknown lists the paths of fields that the schema does not know. An API server refuses them when it
// validates fields strictly, as kubectl asks it to.
func (s *Schema) Unknown(object map[string]any) []string {
	// A copy, because the library finds unknown fields by removing them.
	return pruning.PruneWithOptions(runtime.DeepCopyJSON(object), s.structural, true, structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
}

// Default is the object with the schema's defaults.
func (s *Schema) Default(object map[string]any) map[string]any {
	out := runtime.DeepCopyJSON(object)
	defaulting.Default(out, s.structural)
	return out
}

// Validate lists what the schema refuses of an object. old is the stored object, nil for a new one; rules on
// transitions compare with it. It is stricter than an API server in one way: what the stored object already has
// wrong is refused again.
func (s *Schema) Validate(ctx context.Context, object, old map[string]any) field.ErrorList {
	var errs field.ErrorList
	if old == nil {
		errs = validation.ValidateCustomResource(nil, object, s.openAPI)
	} else {
		errs = validation.ValidateCustomResourceUpdate(nil, object, old, s.openAPI)
	}
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.structural, object)...)
	if len(errs) > 0 {
		// CEL expects values of the right types.
		return errs
	}
	var stored any
	if old != nil {
		stored = old
	}
	errs, _ = s.cel.Validate(ctx, nil, s.structural, object, stored, celBudget)
	return errs
}
