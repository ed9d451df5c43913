package main

import (
	"slices"
	"testing"
)

func TestSpecs(t *testing.T) {
	written := []byte("spec:\n  ports:\n    - {name: https, port: 443, targetPort: 0}\n  env: []\n")
	stored := []byte(`{"spec":{"ports":[{"name":"https","port":443,"targetPort":443}],"hostNetwork":false,"env":[]},"status":{"Status":"Running"}}`)
	before, after, err := specs(written, stored)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := difference(before, after), []string{"spec.ports[0].targetPort: 0"}; !slices.Equal(got, want) {
		t.Errorf("lost %q, must be %q", got, want)
	}
	if got, want := difference(after, before), []string{"spec.hostNetwork: false", "spec.ports[0].targetPort: 443"}; !slices.Equal(got, want) {
		t.Errorf("gained %q, must be %q", got, want)
	}
}

func TestSpecsThatCannotBeRead(t *testing.T) {
	if _, _, err := specs([]byte("spec: ["), []byte("{}")); err == nil {
		t.Error("must refuse a sample that is no YAML")
	}
	if _, _, err := specs([]byte("spec: {}"), []byte("not found")); err == nil {
		t.Error("must refuse an answer that is no JSON")
	}
}
