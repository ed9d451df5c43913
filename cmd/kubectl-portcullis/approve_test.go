package main

import (
	"bufio"
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/change"
)

func TestApproveRefusesFlagsThatLeaveOpenWhatIsMeant(t *testing.T) {
	for name, test := range map[string]struct {
		o    approveOptions
		want string
	}{
		"nothing to approve":      {approveOptions{reason: "why"}, "one of --filename, --delete and --pending must be given, are 0"},
		"two things to approve":   {approveOptions{reason: "why", deleted: "a", pending: "b"}, "one of --filename, --delete and --pending must be given, are 2"},
		"no reason":               {approveOptions{deleted: "a", reason: " "}, "--reason must say why the change may go in, is empty"},
		"a beginning of no time":  {approveOptions{deleted: "a", reason: "why", notBefore: "tonight"}, `--not-before must be an instant as 2026-12-01T22:00:00+08:00, is "tonight"`},
		"an end of half a time":   {approveOptions{deleted: "a", reason: "why", notAfter: "2026-12-01"}, `--not-after must be an instant as 2026-12-01T22:00:00+08:00, is "2026-12-01"`},
		"what is all right so it": {approveOptions{deleted: "a", reason: "why", notAfter: "2026-12-01T22:00:00+08:00"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if _, err := test.o.validate(); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestApproveTakesNothingButYesForYes(t *testing.T) {
	for _, test := range []struct {
		answer string
		yes    bool
	}{{"y\n", true}, {"YES\n", true}, {" yes \n", true}, {"y", true}, {"n\n", false}, {"\n", false}, {"", false}, {"yup\n", false}} {
		o := approveOptions{
			streams: genericiooptions.IOStreams{Out: &bytes.Buffer{}, ErrOut: &bytes.Buffer{}},
			answers: bufio.NewReader(strings.NewReader(test.answer)),
		}
		if err := o.confirm(); (err == nil) != test.yes || (!test.yes && !errors.Is(err, errRefused)) {
			t.Errorf("%q: got %v", test.answer, err)
		}
	}
	two := approveOptions{streams: genericiooptions.IOStreams{Out: &bytes.Buffer{}}, answers: bufio.NewReader(strings.NewReader("y\nyes\n"))}
	for range 2 {
		if err := two.confirm(); err != nil {
			t.Errorf("one question after another: got %v", err)
		}
	}
	if err := (&approveOptions{yes: true}).confirm(); err != nil {
		t.Errorf("told beforehand: got %v", err)
	}
}

// restarting is a proposal that restarts pods, with a digest.
func restarting() proposal {
	out := proposal{gateway: &v1beta1.IstioGateway{}, what: "applying the file", change: change.None()}
	out.change.Effects[change.Restart] = []string{"c1", "c2"}
	out.change.Changes = []change.Field{
		{Path: "spec.runAsRoot", After: true, Effects: []change.Effect{change.Restart}, Clusters: []string{"c1", "c2"}},
		{Path: "spec.replicaCount", Before: 1, After: 2},
	}
	out.change.Digest = "sha256:" + strings.Repeat("a", 64)
	return out
}

// Nothing may be approved but what was shown, and what the server will see when it is used.
func TestApproveComparesWithWhatTheServerSays(t *testing.T) {
	said := func(text string) error {
		return errors.New(`admission webhook "validate.portcullis.dev" denied the request: ` + text)
	}
	approval := "restart_approval: spec.runAsRoot: must be approved; digest sha256:"
	for name, test := range map[string]struct {
		refused             error
		err, settled, noted string
	}{
		"lets it be approved when both say the same":  {said(approval + strings.Repeat("a", 64)), "", "", ""},
		"lets it be approved by a decision's name":    {said(approval + strings.Repeat("a", 64) + "\ndecision 0b9c7e44"), "", "", ""},
		"refuses another digest":                      {said(approval + strings.Repeat("b", 64)), "change must have the digest that the server names", "", ""},
		"refuses what no approval lets in":            {said("\n" + approval + strings.Repeat("a", 64) + "\nports: spec.ports[0]: must be a, is b"), "ports: spec.ports[0]: must be a, is b", "", ""},
		"has nothing to approve when it goes in":      {nil, "", "nothing needs approval", ""},
		"says so when the server does not answer":     {errors.New("istiogateways is forbidden"), "", "", "was not asked"},
		"refuses a refusal without a digest":          {said("restart_approval: spec.runAsRoot: must wait until no freeze holds"), "change must have the digest", "", ""},
		"refuses a refusal that says nothing of ours": {said("by somebody else's webhook"), "by somebody else's webhook", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := restarting().compared(test.refused)
			if (err != nil) != (test.err != "") || (err != nil && !strings.Contains(err.Error(), test.err)) {
				t.Fatalf("got error %v, want %q", err, test.err)
			}
			if !strings.Contains(got.settled, test.settled) || (test.settled == "") != (got.settled == "") {
				t.Errorf("got settled %q, want %q", got.settled, test.settled)
			}
			if !strings.Contains(got.note, test.noted) || (test.noted == "") != (got.note == "") {
				t.Errorf("got note %q, want %q", got.note, test.noted)
			}
		})
	}
}

func TestApproveShowsEveryFieldAndThePodsThatRestart(t *testing.T) {
	shown := restarting()
	shown.gateway.Name, shown.gateway.Namespace = "edge", "istio-system"
	shown.gateway.Status.Clusters = []v1beta1.ClusterStatus{{ClusterID: "c1", Replicas: 3}}
	out := &bytes.Buffer{}
	if err := shown.print(out); err != nil {
		t.Fatal(err)
	}
	want := `istiogateway istio-system/edge: applying the file
EFFECT    CLUSTERS   CHANGE
Restart   c1,c2      spec.runAsRoot: (not set) -> true
-                    spec.replicaCount: 1 -> 2
Restart in c1 (3 pods), c2 (pods not known)
Digest sha256:` + strings.Repeat("a", 64) + "\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}

func TestApproveForeseesWhatKubectlApplyWouldSend(t *testing.T) {
	stored := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "istio.alibabacloud.com/v1beta1", "kind": "IstioGateway",
		"metadata": map[string]any{"name": "edge", "annotations": map[string]any{
			"kubectl.kubernetes.io/last-applied-configuration": `{"spec":{"runAsRoot":true}}`, "theirs": "stays",
		}},
		"spec": map[string]any{"runAsRoot": true, "replicaCount": int64(1)},
	}}
	wanted := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "istio.alibabacloud.com/v1beta1", "kind": "IstioGateway",
		"metadata": map[string]any{"name": "edge"}, "spec": map[string]any{"hostNetwork": true},
	}}
	patch, err := applyPatch(stored, wanted)
	if err != nil || string(patch) != `{"spec":{"hostNetwork":true,"runAsRoot":null}}` {
		t.Errorf("got %s, %v; want what was applied before and is gone to go, and what was filled in to stay", patch, err)
	}
}

func TestMergePatchFollowsItsRFC(t *testing.T) {
	object := map[string]any{"a": map[string]any{"b": 1, "c": 2}, "d": 3, "e": "text"}
	patch := map[string]any{"a": map[string]any{"b": nil, "f": map[string]any{"g": nil, "h": 4}}, "d": nil, "e": map[string]any{"i": 5}}
	want := map[string]any{"a": map[string]any{"c": 2, "f": map[string]any{"h": 4}}, "e": map[string]any{"i": 5}}
	if got := mergePatch(object, patch); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
