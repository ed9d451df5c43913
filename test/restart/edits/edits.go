// Package edits lists an edit of every field of a gateway, each with what ASM documents that it does. The list is held
// against the type, against what is predicted, and against what a real Deployment controller makes of it.
package edits

import (
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// Cluster is the ID of the cluster that every gateway of an edit is in, and Other that of one that some name beside it.
const (
	Cluster = "local"
	Other   = "elsewhere"
)

// OldMesh is the newest mesh version in which ports are part of the pods.
const OldMesh = "1.15.3"

// Edit is one edit of one field.
type Edit struct {
	// Field is the edited field's JSON path below spec, or the key of an annotation.
	Field string
	// How tells edits of one field apart; empty for the first of them.
	How string
	// Around is what else the spec says, as YAML without the braces around it; annotations in it are the gateway's.
	Around string
	// Before and After are the field's values as YAML; empty where it is not set.
	Before, After string
	// Mesh is the cluster's mesh version; empty for the newest.
	Mesh string
	// PrivilegedInit says whether the cluster allows a privileged init container.
	PrivilegedInit bool
	// Restart says whether the pods restart, there and back alike.
	Restart bool
	// LostThere and LostBack say whether an address is lost by the edit, and by taking it back.
	LostThere, LostBack bool
	// Refused says that the API server does not take the edit on a live Service: the Service stays as it is.
	Refused bool
}

// String names the edit.
func (e Edit) String() string {
	return strings.TrimSpace(e.Field + " " + e.How)
}

// Profile is the cluster's mesh profile.
func (e Edit) Profile() *v1alpha1.MeshProfile {
	return &v1alpha1.MeshProfile{Version: e.Mesh, PrivilegedInit: e.PrivilegedInit}
}

// Versions are the gateway before and after the edit.
func (e Edit) Versions(namespace, name string) (before, after *v1beta1.IstioGateway, err error) {
	if before, err = e.version(namespace, name, e.Before); err != nil {
		return nil, nil, err
	}
	after, err = e.version(namespace, name, e.After)
	return before, after, err
}

// version is the gateway with the field at a value.
func (e Edit) version(namespace, name, value string) (*v1beta1.IstioGateway, error) {
	spec := map[string]any{"clusterIds": []string{Cluster}, "ports": []any{map[string]any{"port": 80}}}
	annotations := map[string]string{}
	if err := yaml.Unmarshal([]byte("{"+e.Around+"}"), &spec); err != nil {
		return nil, fmt.Errorf("reading what is around %s: %w", e, err)
	}
	around, _ := spec["annotations"].(map[string]any)
	delete(spec, "annotations")
	for key, value := range around {
		annotations[key] = fmt.Sprint(value)
	}
	switch {
	case value == "":
	case strings.Contains(e.Field, "/"):
		annotations[e.Field] = value
	default:
		var parsed any
		if err := yaml.Unmarshal([]byte(value), &parsed); err != nil {
			return nil, fmt.Errorf("reading %s: %w", e, err)
		}
		set(spec, strings.Split(e.Field, "."), parsed)
	}
	text, err := yaml.Marshal(map[string]any{
		"metadata": map[string]any{"namespace": namespace, "name": name, "annotations": annotations},
		"spec":     spec,
	})
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", e, err)
	}
	out := &v1beta1.IstioGateway{}
	if err := yaml.UnmarshalStrict(text, out); err != nil {
		return nil, fmt.Errorf("reading %s: %w", e, err)
	}
	return out, nil
}

// set sets a value at a path.
func set(object map[string]any, keys []string, value any) {
	for _, key := range keys[:len(keys)-1] {
		next, ok := object[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			object[key] = next
		}
		object = next
	}
	object[keys[len(keys)-1]] = value
}
