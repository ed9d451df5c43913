package main

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestReviewKnowsTheClustersThatItIsGiven(t *testing.T) {
	edge := file(t, edgeWith(`{clusterIds: [c1], serviceType: LoadBalancer}`))
	tests := map[string]struct {
		with   string
		status int
		want   string
	}{
		"admits a gateway in one of them": {clusters("c1"), 0, "would be admitted"},
		"refuses a gateway in another": {
			clusters("c2"), 1,
			"would be refused\n  cluster_ids: spec.clusterIds[0]: must be the ID of a registered cluster, is c1 (list the clusters with kubectl get gatewayclusters)",
		},
		"refuses every gateway when none is registered": {
			"apiVersion: v1\nkind: List\nitems: []\n", 1,
			"would be refused\n  cluster_ids: spec.clusterIds[0]: must be the ID of a registered cluster, is c1 (list the clusters with kubectl get gatewayclusters)",
		},
		"takes the list that kubectl get prints": {
			"apiVersion: portcullis.dev/v1alpha1\nkind: GatewayClusterList\nitems:\n- " + indented(clusters("c1")), 0,
			"would be admitted",
		},
		"warns of one that does not answer": {
			clusters("c1") + "status: {conditions: [{type: Reachable, status: 'False', reason: TimedOut, message: '', lastTransitionTime: '2026-01-01T00:00:00Z'}]}\n", 0,
			"would be admitted\n  Warning: cluster_ids: spec.clusterIds[0]: must be reachable for the change to arrive, is not now: c1 (see kubectl describe gatewaycluster c1; the change arrives when the cluster is back)",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := reviewed(t, "-f", edge, "--with", file(t, test.with))
			expect(t, got, test.status, "istiogateway istio-system/edge: "+test.want+"\n", "")
		})
	}
}

func TestReviewKnowsTheOtherGatewaysThatItIsGiven(t *testing.T) {
	onHost := `{clusterIds: [c1], hostNetwork: true, dnsPolicy: ClusterFirstWithHostNet}`
	edge, other := file(t, edgeWith(onHost)), named("other", edgeWith(onHost))
	with := strings.Replace(clusters("c1"), "local: true", "local: true, facts: {nodes: 1}", 1)
	if got := reviewed(t, "-f", edge, "--with", file(t, with)); got.status != 0 {
		t.Errorf("alone it is refused: %v", got)
	}
	got := reviewed(t, "-f", edge, "--with", file(t, with+"---\n"+other))
	want := "host_network: spec.replicaCount: must be at most 0, as of the 1 nodes of c1 those with a pod of istio-system/other on their network take no other, is 1"
	if got.status != 1 || !strings.Contains(got.out, want) {
		t.Errorf("got %v, want it refused by %q", got, want)
	}
}

func TestReviewFillsInWhatTheClustersAskFor(t *testing.T) {
	serverless := strings.Replace(clusters("c1"), "local: true", "local: true, facts: {virtualNodes: All}", 1)
	decision := decoded[result](t, reviewed(t, "-f", file(t, edgeWith(`{clusterIds: [c1]}`)), "--with", file(t, serverless), "-o", "json"))
	want := []any{map[string]any{"key": "virtual-kubelet.io/provider", "operator": "Equal", "value": "alibabacloud", "effect": "NoSchedule"}}
	if got := decision.Gateway["spec"].(map[string]any)["tolerations"]; !reflect.DeepEqual(got, want) {
		t.Errorf("got tolerations %v, want %v", got, want)
	}
}

func TestReviewSaysWhichClustersItTookAsRegistered(t *testing.T) {
	got := reviewed(t, "-f", file(t, edgeWith(`{clusterIds: [c1, c2]}`)))
	expect(t, got, 0, admitted[:len(admitted)-1]+`
  Warning: assumed: spec.clusterIds[0]: cluster c1 is taken as registered, and nothing is known of it (pass the registered GatewayClusters with --with)
  Warning: assumed: spec.clusterIds[1]: cluster c2 is taken as registered, and nothing is known of it (pass the registered GatewayClusters with --with)
`, "")
}

func TestReviewSaysWhatIsLostInAClusterThatIsTakenAsRegistered(t *testing.T) {
	got := reviewed(t, "-f", file(t, edgeWith(`{clusterIds: [c2], ports: [{port: 80}]}`)), "--old", file(t, edgeWith(`{clusterIds: [c1], ports: [{port: 80}]}`)))
	expect(t, got, 1, `istiogateway istio-system/edge: would be refused
  address_approval: spec.clusterIds: must be approved by somebody other than its author, as ["c1"] -> ["c2"] releases the load balancer's address in c1, is not; digest sha256:1ba61b4343cb3d674a3afac02a1fafa0c606f630a291356e6b280dafacf794ad (somebody else runs kubectl portcullis approve -n istio-system -f FILE --reason WHY; then do this again)
  Warning: assumed: spec.clusterIds[0]: cluster c2 is taken as registered, and nothing is known of it (pass the registered GatewayClusters with --with)
  AddressLoss in c1: spec.clusterIds: ["c1"] -> ["c2"]
`, "")
}

// Without --with nobody says which cluster takes managed gateways; the one that metrics go to is named.
func TestReviewTakesTheClusterThatMetricsGoToAsRegistered(t *testing.T) {
	metered := strings.Replace(edgeWith(`{clusterIds: [c1]}`), "name: edge", "name: edge, annotations: {asm.alibabacloud.com/export-metrics: c2}", 1)
	path := file(t, metered)
	expect(t, reviewed(t, "-f", path), 0, admitted[:len(admitted)-1]+`
  Warning: assumed: spec.clusterIds[0]: cluster c1 is taken as registered, and nothing is known of it (pass the registered GatewayClusters with --with)
  Warning: assumed: metadata.annotations.asm.alibabacloud.com/export-metrics: cluster c2 is taken as registered, and nothing is known of it (pass the registered GatewayClusters with --with)
`, "")
	expect(t, reviewed(t, "-f", path, "--with", file(t, clusters("c1"))), 1, `istiogateway istio-system/edge: would be refused
  managed_placement: metadata.annotations.asm.alibabacloud.com/export-metrics: must be the ID of a registered cluster, is c2 (list the clusters with kubectl get gatewayclusters)
`, "")
	expect(t, reviewed(t, "-f", path, "--with", file(t, clusters("c1", "c2"))), 0, admitted, "")
}

// What was assumed of one gateway says nothing of the next one in the file.
func TestReviewAssumesForEachGatewayOnItsOwn(t *testing.T) {
	text := edgeWith(`{clusterIds: [c1]}`) + "---\n" + named("other", edgeWith(`{clusterIds: [c2]}`))
	decisions := decoded[[]result](t, reviewed(t, "-f", file(t, text), "-o", "json"))
	if len(decisions) != 2 {
		t.Fatalf("got %d decisions, want 2", len(decisions))
	}
	for i, id := range []string{"c1", "c2"} {
		warnings := decisions[i].Warnings
		if len(warnings) != 1 || warnings[0].Code != "assumed" || !strings.Contains(warnings[0].Message, "cluster "+id+" ") {
			t.Errorf("got warnings %v, want one of %s", warnings, id)
		}
	}
}

// A context that is silently left out would make another decision than the cluster does.
func TestReviewRefusesAContextThatItDoesNotUnderstand(t *testing.T) {
	edge := file(t, edgeWith(`{clusterIds: [c1]}`))
	tests := map[string]struct{ with, want string }{
		"another kind": {
			"apiVersion: v1\nkind: Secret\nmetadata: {name: c1}\n",
			"--with takes GatewayClusters, GatewayPolicies and ChangeApprovals of portcullis.dev/v1alpha1, and IstioGateways, found /v1, Kind=Secret c1",
		},
		"another version": {
			strings.Replace(clusters("c1"), "/v1alpha1", "/v1", 1),
			"--with takes GatewayClusters, GatewayPolicies and ChangeApprovals of portcullis.dev/v1alpha1, and IstioGateways, found portcullis.dev/v1, Kind=GatewayCluster c1",
		},
		"a misspelt field": {
			strings.Replace(clusters("c1"), "local: true", "manged: true", 1),
			`reading GatewayCluster c1: strict decoding error: unknown field "spec.manged"`,
		},
		"a field of a wrong type": {
			strings.Replace(clusters("c1"), "local: true", "facts: {nodes: many}", 1),
			"reading GatewayCluster c1: ",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := reviewed(t, "-f", edge, "--with", file(t, test.with))
			if got.status != 2 || got.out != "" || !strings.HasPrefix(got.errOut, "error: "+test.want) {
				t.Errorf("got exit status %d\n%s%swant 2 and\n%s", got.status, got.out, got.errOut, test.want)
			}
		})
	}
}

func TestFlagsHaveTheDefaultsOfTheirHelp(t *testing.T) {
	o, command := reviewOptions{}, &cobra.Command{}
	o.addFlags(command)
	if want := (reviewOptions{cluster: o.cluster, namespace: "default", output: "table"}); o.cluster == nil || !reflect.DeepEqual(o, want) {
		t.Errorf("got %+v, want %+v", o, want)
	}
}

// brokenPipe takes nothing.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) {
	return 0, errors.New("broken pipe")
}

func TestReviewIsUndecidedWhenNobodyHearsTheDecision(t *testing.T) {
	for _, output := range outputs() {
		t.Run(output, func(t *testing.T) {
			var errOut strings.Builder
			streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: brokenPipe{}, ErrOut: &errOut}
			command := newCommand(streams)
			command.SetArgs([]string{"review", "-f", file(t, edgeWith(`{clusterIds: [c1]}`)), "-o", output})
			if status := exitStatus(streams, command.ExecuteContext(t.Context())); status != 2 {
				t.Errorf("got exit status %d, want 2", status)
			}
			if got, want := errOut.String(), "error: printing: broken pipe\n"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestExitStatusTellsARefusalFromNoDecision(t *testing.T) {
	tests := map[string]struct {
		err    error
		status int
		errOut string
	}{
		"everything is admitted":     {nil, 0, ""},
		"something is refused":       {errRefused, 1, ""},
		"a refusal has gone a way":   {fmt.Errorf("reviewing: %w", errRefused), 1, ""},
		"something is not decided":   {errors.New("reading edge.yaml: no such file"), 2, "error: reading edge.yaml: no such file\n"},
		"the word alone is no claim": {errors.New("refused"), 2, "error: refused\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var errOut strings.Builder
			if got := exitStatus(genericiooptions.IOStreams{ErrOut: &errOut}, test.err); got != test.status {
				t.Errorf("got %d, want %d", got, test.status)
			}
			if errOut.String() != test.errOut {
				t.Errorf("got %q, want %q", errOut.String(), test.errOut)
			}
		})
	}
}

func TestInWordsShowsAFieldsValue(t *testing.T) {
	tests := map[string]struct {
		value any
		want  string
	}{
		"nothing": {nil, "(not set)"},
		"text":    {"LoadBalancer", `"LoadBalancer"`},
		"a list":  {[]any{"c1", "c2"}, `["c1","c2"]`},
		"a count": {int64(2), "2"},
		"a switch that is off, which is not the same as none": {false, "false"},
		"empty text, which is not the same as none":           {"", `""`},
		"what JSON has no word for":                           {complex(1, 2), "(1+2i)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := inWords(test.value); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestKeyTellsNamespacesApart(t *testing.T) {
	object := func(namespace, name string) *unstructured.Unstructured {
		out := &unstructured.Unstructured{}
		out.SetNamespace(namespace)
		out.SetName(name)
		return out
	}
	if key(object("a", "edge")) == key(object("b", "edge")) {
		t.Error("two namespaces have one key")
	}
	if got := key(object("istio-system", "edge")); got != "istio-system/edge" {
		t.Errorf("got %s", got)
	}
}
