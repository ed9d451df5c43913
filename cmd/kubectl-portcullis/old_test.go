package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/change"
)

// balanced is a gateway with an address in two clusters.
const balanced = `{clusterIds: [c1, c2], ports: [{port: 80}]}`

func TestReviewSaysWhatAChangeDoes(t *testing.T) {
	tests := map[string]struct {
		spec    string
		effects map[change.Effect][]string
		lines   []string
	}{
		"nothing for a gateway that stays as it is": {
			balanced,
			map[change.Effect][]string{change.Restart: {}, change.AddressLoss: {}},
			nil,
		},
		"nothing for a default that is written out": {
			`{clusterIds: [c1, c2], ports: [{port: 80, protocol: TCP, targetPort: 80}], replicaCount: 1, serviceType: LoadBalancer}`,
			map[change.Effect][]string{change.Restart: {}, change.AddressLoss: {}},
			nil,
		},
		"nothing to traffic for more replicas": {
			`{clusterIds: [c1, c2], ports: [{port: 80}], replicaCount: 5}`,
			map[change.Effect][]string{change.Restart: {}, change.AddressLoss: {}},
			nil,
		},
		"a restart for the environment of the pods": {
			`{clusterIds: [c1, c2], ports: [{port: 80}], env: [{name: A, value: b}]}`,
			map[change.Effect][]string{change.Restart: {"c1", "c2"}, change.AddressLoss: {}},
			[]string{`Restart in c1, c2: spec.env: (not set) -> [{"name":"A","value":"b"}]`},
		},
		"a lost address for another type of Service": {
			`{clusterIds: [c1, c2], ports: [{port: 80}], serviceType: NodePort}`,
			map[change.Effect][]string{change.Restart: {}, change.AddressLoss: {"c1", "c2"}},
			[]string{`AddressLoss in c1, c2: spec.serviceType: "LoadBalancer" -> "NodePort"`},
		},
		"a lost address where the gateway leaves": {
			`{clusterIds: [c2], ports: [{port: 80}]}`,
			map[change.Effect][]string{change.Restart: {}, change.AddressLoss: {"c1"}},
			[]string{`AddressLoss in c1: spec.clusterIds: ["c1","c2"] -> ["c2"]`},
		},
	}
	old, with := file(t, edgeWith(balanced)), file(t, clusters("c1", "c2"))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := file(t, edgeWith(test.spec))
			decision := decoded[result](t, reviewed(t, "-f", path, "--old", old, "--with", with, "-o", "json"))
			if !reflect.DeepEqual(decision.Effects, test.effects) {
				t.Errorf("got effects %v, want %v", decision.Effects, test.effects)
			}
			got, status, word := reviewed(t, "-f", path, "--old", old, "--with", with), 0, "admitted"
			if len(test.lines) > 0 {
				got, status, word = unapproved(t, got), 1, "refused"
			}
			want := strings.Join(append([]string{"istiogateway istio-system/edge: would be " + word}, test.lines...), "\n  ") + "\n"
			expect(t, got, status, want, "")
		})
	}
}

// unapproved is an outcome without the lines that ask for an approval, of which it must have some.
func unapproved(t *testing.T, got outcome) outcome {
	t.Helper()
	lines := strings.SplitAfter(got.out, "\n")
	rest := slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
		return strings.Contains(line, "_approval: ") && strings.Contains(line, "must be approved by somebody other than its author")
	})
	if len(rest) == len(lines) {
		t.Errorf("got %s, want it to ask for an approval", got.out)
	}
	got.out = strings.Join(rest, "")
	return got
}

func TestReviewNamesAChangeByItsDigest(t *testing.T) {
	with := file(t, clusters("c1", "c2"))
	digest := func(old, new string) string {
		t.Helper()
		return decoded[result](t, reviewed(t, "-f", file(t, new), "--old", file(t, old), "--with", with, "-o", "json")).Digest
	}
	stored := edgeWith(balanced)
	moved := edgeWith(`{clusterIds: [c1, c2], ports: [{port: 80}], serviceType: NodePort}`)
	more := edgeWith(`{clusterIds: [c1, c2], ports: [{port: 80}], serviceType: NodePort, replicaCount: 2}`)

	if got := digest(stored, stored); got != "" {
		t.Errorf("got %q for no change, want none", got)
	}
	if first, second := digest(stored, moved), digest(stored, moved); first == "" || first != second {
		t.Errorf("got %q and %q for the same change", first, second)
	}
	if digest(stored, moved) == digest(stored, more) {
		t.Error("two changes have the same digest")
	}
	inV1 := strings.Replace(moved, "/v1beta1", "/v1", 1)
	if digest(stored, moved) != digest(stored, inV1) {
		t.Error("the version that a change is written in changes its digest")
	}
	recreated := strings.Replace(stored, "name: edge", "name: edge, uid: another", 1)
	if digest(stored, moved) == digest(recreated, moved) {
		t.Error("the same change of another gateway has the same digest")
	}
}

func TestReviewJudgesTheChangeAndNotThePast(t *testing.T) {
	const (
		sinner   = `{clusterIds: [c1], kernel: {enabled: true, parameters: {vm.swappiness: "10"}}}`
		relapsed = `{clusterIds: [c1], kernel: {enabled: true, parameters: {vm.swappiness: "20"}}}`
		worse    = `{clusterIds: [c1], kernel: {enabled: true, parameters: {vm.swappiness: "10", kernel.printk: "4"}}}`
		sin      = "kernel_parameters: spec.kernel.parameters.vm.swappiness: must be a parameter that a pod can set, is one of the whole node (remove it, and set it on the nodes)"
		second   = "kernel_parameters: spec.kernel.parameters.kernel.printk: must be a parameter that a pod can set, is one of the whole node (remove it, and set it on the nodes)"
	)
	tests := map[string]struct {
		spec   string
		status int
		want   string
	}{
		"warns of an old sin":              {sinner, 0, "would be admitted\n  Warning: " + sin},
		"refuses a sin that is changed":    {relapsed, 1, "would be refused\n  " + sin},
		"refuses the second of two sins":   {worse, 1, "would be refused\n  " + second + "\n  Warning: " + sin},
		"says nothing of a sin that is up": {`{clusterIds: [c1], kernel: {enabled: true}}`, 0, "would be admitted"},
	}
	old, with := file(t, edgeWith(sinner)), file(t, clusters("c1"))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := reviewed(t, "-f", file(t, edgeWith(test.spec)), "--old", old, "--with", with)
			got.out, _, _ = strings.Cut(got.out, "\n  Restart in c1: ")
			expect(t, outcome{got.status, strings.TrimSpace(got.out), got.errOut}, test.status, "istiogateway istio-system/edge: "+test.want, "")
		})
	}
}

func TestReviewComparesGatewaysOfTheSameNamespaceAndName(t *testing.T) {
	stored := edgeWith(balanced) + "---\n" + named("other", edgeWith(balanced)) + "---\n" +
		strings.Replace(named("third", edgeWith(balanced)), "istio-system", "elsewhere", 1)
	changed := edgeWith(`{clusterIds: [c1, c2], ports: [{port: 80}], serviceType: NodePort}`)
	got := reviewed(t, "-o", "json", "--with", file(t, clusters("c1", "c2")), "--old", file(t, stored),
		"-f", file(t, changed+"---\n"+named("other", edgeWith(balanced))+"---\n"+named("third", changed)))
	decisions := decoded[[]result](t, got)
	if len(decisions) != 3 {
		t.Fatalf("got %d decisions, want 3", len(decisions))
	}
	if lost := decisions[0].Effects[change.AddressLoss]; len(lost) != 2 {
		t.Errorf("edge: got addresses lost in %v, want c1 and c2", lost)
	}
	if len(decisions[1].Changes) != 0 || decisions[1].Digest != "" {
		t.Errorf("other is unchanged: got %v", decisions[1].Change)
	}
	if len(decisions[2].Changes) != 0 || decisions[2].Digest != "" {
		t.Errorf("third is new in its namespace: got %v", decisions[2].Change)
	}
}

func TestReviewTakesTheNamespaceOfTheFlagForStoredGatewaysToo(t *testing.T) {
	homeless := func(spec string) string {
		return strings.Replace(edgeWith(spec), ", namespace: istio-system", "", 1)
	}
	got := reviewed(t, "-n", "istio-system", "--with", file(t, clusters("c1", "c2")), "--old", file(t, homeless(balanced)),
		"-f", file(t, homeless(`{clusterIds: [c1, c2], ports: [{port: 80}], serviceType: NodePort}`)))
	expect(t, unapproved(t, got), 1, "istiogateway istio-system/edge: would be refused\n  AddressLoss in c1, c2: spec.serviceType: \"LoadBalancer\" -> \"NodePort\"\n", "")
}

func TestReviewReadsStoredGatewaysFromSeveralFiles(t *testing.T) {
	moved := `{clusterIds: [c1, c2], ports: [{port: 80}], serviceType: NodePort}`
	lost := "would be refused\n  AddressLoss in c1, c2: spec.serviceType: \"LoadBalancer\" -> \"NodePort\"\n"
	got := reviewed(t, "--with", file(t, clusters("c1", "c2")),
		"-f", file(t, edgeWith(moved)+"---\n"+named("other", edgeWith(moved))),
		"--old", file(t, edgeWith(balanced)), "--old", file(t, named("other", edgeWith(balanced))))
	expect(t, unapproved(t, got), 1, "istiogateway istio-system/edge: "+lost+"istiogateway istio-system/other: "+lost, "")
}

// The last thing that anybody wants of a gateway that is refused is to lose sight of what else it would do.
func TestReviewSaysWhatARefusedChangeWouldDo(t *testing.T) {
	got := reviewed(t, "--with", file(t, clusters("c1", "c2")), "--old", file(t, edgeWith(balanced)),
		"-f", file(t, edgeWith(`{clusterIds: [c1, nowhere], ports: [{port: 80}]}`)))
	expect(t, unapproved(t, got), 1, `istiogateway istio-system/edge: would be refused
  cluster_ids: spec.clusterIds[1]: must be the ID of a registered cluster, is nowhere (list the clusters with kubectl get gatewayclusters)
  AddressLoss in c2: spec.clusterIds: ["c1","c2"] -> ["c1","nowhere"]
`, "")
}
