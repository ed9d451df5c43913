package change

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// exampleChange is a change with values of every kind, and every combination of effects.
func exampleChange(t *testing.T) Change {
	t.Helper()
	got, err := Between(gatewayOf(t, digestedOld), gatewayOf(t, strings.Replace(digestedNew, "clusterIds: [c1]",
		`clusterIds: [c1], replicaCount: 3, runAsRoot: true, env: [{name: A, value: "<&>"}], nodeSelector: {a/b.c: d}, rollingMaxSurge: "0"`, 1)), clustersOf(nil))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAnApprovalKeepsExactlyTheChange(t *testing.T) {
	change := exampleChange(t)
	approved, err := ToApproved(change.Changes)
	if err != nil {
		t.Fatal(err)
	}
	for name, wire := range map[string]func(any) ([]byte, error){"JSON": json.Marshal, "YAML": yaml.Marshal} {
		t.Run(name, func(t *testing.T) {
			raw, err := wire(v1alpha1.ChangeApproval{Spec: v1alpha1.ChangeApprovalSpec{Changes: approved}})
			if err != nil {
				t.Fatal(err)
			}
			read := v1alpha1.ChangeApproval{}
			if err := yaml.UnmarshalStrict(raw, &read); err != nil {
				t.Fatal(err)
			}
			fields, err := FromApproved(read.Spec.Changes)
			if err != nil {
				t.Fatal(err)
			}
			for i := range fields {
				// How a field is set is not part of what an approval says.
				fields[i].keys = change.Changes[i].keys
			}
			if !reflect.DeepEqual(fields, change.Changes) {
				t.Errorf("got  %+v\nwant %+v", fields, change.Changes)
			}
			if digest, err := Digest("7c4f", fields); err != nil || digest != change.Digest {
				t.Errorf("got digest %s, %v, want %s", digest, err, change.Digest)
			}
		})
	}
}

func TestAnApprovalOfSomethingElseHasAnotherDigest(t *testing.T) {
	change := exampleChange(t)
	for name, alter := range map[string]func([]v1alpha1.ApprovedChange) []v1alpha1.ApprovedChange{
		"with a field less":         func(c []v1alpha1.ApprovedChange) []v1alpha1.ApprovedChange { return c[1:] },
		"with a field twice":        func(c []v1alpha1.ApprovedChange) []v1alpha1.ApprovedChange { return append(c, c[0]) },
		"with another value":        func(c []v1alpha1.ApprovedChange) []v1alpha1.ApprovedChange { c[0].After = raw(`"x"`); return c },
		"with another value before": func(c []v1alpha1.ApprovedChange) []v1alpha1.ApprovedChange { c[0].Before = nil; return c },
		"with another path":         func(c []v1alpha1.ApprovedChange) []v1alpha1.ApprovedChange { c[0].Path += "x"; return c },
		"without effects":           func(c []v1alpha1.ApprovedChange) []v1alpha1.ApprovedChange { c[0].Effects = nil; return c },
		"in fewer clusters":         func(c []v1alpha1.ApprovedChange) []v1alpha1.ApprovedChange { c[0].Clusters = nil; return c },
	} {
		t.Run(name, func(t *testing.T) {
			approved, err := ToApproved(change.Changes)
			if err != nil {
				t.Fatal(err)
			}
			fields, err := FromApproved(alter(approved))
			if err != nil {
				t.Fatal(err)
			}
			if digest, err := Digest("7c4f", fields); err != nil || digest == change.Digest {
				t.Errorf("got the same digest, %v", err)
			}
		})
	}
}

func TestFromApprovedReadsWhatClientsWrite(t *testing.T) {
	fields, err := FromApproved([]v1alpha1.ApprovedChange{
		{Path: "a", Before: raw(`1.0`), After: raw(`{"b":1e1,"a":null,"c":[9007199254740993,1.5]}`)},
		{Path: "b", Before: raw(`null`), After: &apiextensionsv1.JSON{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Field{
		{Path: "a", Before: int64(1), After: map[string]any{"b": int64(10), "c": []any{int64(9007199254740993), 1.5}}, Effects: []Effect{}, Clusters: []string{}},
		{Path: "b", Effects: []Effect{}, Clusters: []string{}},
	}
	if !reflect.DeepEqual(fields, want) {
		t.Errorf("got  %#v\nwant %#v", fields, want)
	}
}

func TestFromApprovedNamesWhatItCannotRead(t *testing.T) {
	for want, change := range map[string]v1alpha1.ApprovedChange{
		"reading spec.changes[0].before": {Path: "a", Before: raw(`{`)},
		"reading spec.changes[0].after":  {Path: "a", After: raw(`x`)},
	} {
		if _, err := FromApproved([]v1alpha1.ApprovedChange{change}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to begin with %s", err, want)
		}
	}
}

func TestToApprovedNamesWhatItCannotWrite(t *testing.T) {
	for want, field := range map[string]Field{
		"writing a before the change": {Path: "a", Before: make(chan int)},
		"writing a after the change":  {Path: "a", After: make(chan int)},
	} {
		if _, err := ToApproved([]Field{field}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to begin with %s", err, want)
		}
	}
}

// raw is a value as an approval keeps it.
func raw(text string) *apiextensionsv1.JSON {
	return &apiextensionsv1.JSON{Raw: []byte(text)}
}
