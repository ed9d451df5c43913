package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// admitted is what a table says of the gateway edge when all is well.
const admitted = "istiogateway istio-system/edge: would be admitted\n"

func TestReviewReadsGatewaysFromWhereverTheyAre(t *testing.T) {
	edge, other := edgeWith(`{clusterIds: [c1]}`), named("other", edgeWith(`{clusterIds: [c1]}`))
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: edge}\n"
	tests := map[string]struct{ text, want string }{
		"one document": {edge, admitted},
		"two documents": {
			edge + "---\n" + other,
			admitted + "istiogateway istio-system/other: would be admitted\n",
		},
		"empty documents around one": {"---\n---\n" + edge + "---\n# nothing\n", admitted},
		"JSON":                       {`{"apiVersion":"istio.alibabacloud.com/v1beta1","kind":"IstioGateway","metadata":{"name":"edge","namespace":"istio-system"},"spec":{"clusterIds":["c1"]}}`, admitted},
		"a List": {
			"apiVersion: v1\nkind: List\nitems:\n- " + indented(edge) + "- " + indented(other),
			admitted + "istiogateway istio-system/other: would be admitted\n",
		},
		"a list as kubectl get prints it": {
			"apiVersion: istio.alibabacloud.com/v1beta1\nkind: IstioGatewayList\nitems:\n- " + indented(edge),
			admitted,
		},
		"objects of other kinds beside it": {pod + "---\n" + edge, admitted},
		"an IstioGateway of somebody else": {strings.Replace(other, "istio.alibabacloud.com", "example.com", 1) + "---\n" + edge, admitted},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			with := file(t, clusters("c1"))
			expect(t, reviewed(t, "-f", file(t, test.text), "--with", with), 0, test.want, "")
			expect(t, portcullis(t, test.text, "review", "-f", "-", "--with", with), 0, test.want, "")
		})
	}
}

// indented is a document as an item of a list.
func indented(document string) string {
	return strings.ReplaceAll(strings.TrimSuffix(document, "\n"), "\n", "\n  ") + "\n"
}

func TestReviewReadsDirectoriesToTheirEnd(t *testing.T) {
	folder := t.TempDir()
	inner := filepath.Join(folder, "inner")
	if err := os.Mkdir(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		filepath.Join(folder, "edge.yaml"):  edgeWith(`{clusterIds: [c1]}`),
		filepath.Join(inner, "other.yaml"):  named("other", edgeWith(`{clusterIds: [nowhere]}`)),
		filepath.Join(folder, "notes.text"): "no: [yaml",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := reviewed(t, "-f", folder, "--with", file(t, clusters("c1")))
	want := admitted + "istiogateway istio-system/other: would be refused\n  cluster_ids: spec.clusterIds[0]: must be the ID of a registered cluster, is nowhere (list the clusters with kubectl get gatewayclusters)\n"
	expect(t, got, 1, want, "")
}

func TestReviewReadsStandardInputBesideFiles(t *testing.T) {
	edge, other := edgeWith(`{clusterIds: [c1]}`), named("other", edgeWith(`{clusterIds: [c1]}`))
	got := portcullis(t, edge, "review", "-f", "-", "-f", file(t, other), "--with", file(t, clusters("c1")))
	expect(t, got, 0, admitted+"istiogateway istio-system/other: would be admitted\n", "")
	got = portcullis(t, clusters("c1"), "review", "-f", file(t, edge), "--with", "-")
	expect(t, got, 0, admitted, "")
	got = portcullis(t, edgeWith(`{clusterIds: [c1], ports: [{port: 80}]}`), "review", "--old", "-",
		"-f", file(t, edgeWith(`{clusterIds: [c1], ports: [{port: 80}], serviceType: NodePort}`)), "--with", file(t, clusters("c1")))
	expect(t, got, 1, `istiogateway istio-system/edge: would be refused
  address_approval: spec.serviceType: must be approved by somebody other than its author, as "LoadBalancer" -> "NodePort" releases the load balancer's address in c1, is not; digest sha256:e81ab2a4dfad9a2b3df462d13093017b9872d1a8cd77583f58aff73c90c4dc11 (somebody else runs kubectl portcullis approve -n istio-system -f FILE --reason WHY; then do this again)
  AddressLoss in c1: spec.serviceType: "LoadBalancer" -> "NodePort"
`, "")
}

func TestReviewReadsStandardInputOnce(t *testing.T) {
	got := portcullis(t, edgeWith(`{clusterIds: [c1]}`), "review", "-f", "-", "--old", "-")
	expect(t, got, 2, "", "error: --old must name files with an IstioGateway, found none in [-]\n")
}

func TestReviewReadsSeveralFiles(t *testing.T) {
	edge, other := file(t, edgeWith(`{clusterIds: [c1]}`)), file(t, named("other", edgeWith(`{clusterIds: [c2]}`)))
	got := reviewed(t, "-f", edge, "-f", other, "--with", file(t, clusters("c1")), "--with", file(t, clusters("c2")))
	expect(t, got, 0, admitted+"istiogateway istio-system/other: would be admitted\n", "")
}

// Where nothing could be decided, nothing is printed on standard output: what a pipeline reads there is a
// decision or empty.
func TestReviewSaysWhatItCouldNotRead(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"invalid YAML": {
			"a: b: c\n",
			"reading [FILE]: error parsing FILE: error converting YAML to JSON: yaml: mapping values are not allowed in this context",
		},
		"a list of numbers": {
			"[1, 2]\n",
			`reading [FILE]: unable to decode "FILE": json: cannot unmarshal array into Go value of type unstructured.detector`,
		},
		"an object without a kind": {
			"metadata: {name: edge}\n",
			`reading [FILE]: unable to decode "FILE": Object 'Kind' is missing in '{"metadata":{"name":"edge"}}'`,
		},
		"an annotation that is no text": {
			strings.Replace(edgeWith(`{}`), "name: edge", "name: edge, annotations: {asm.alibabacloud.com/managed-by-asm: true}", 1),
			`reading [FILE]: unable to decode "FILE": json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.annotations of type string`,
		},
		"an empty file":              {"", "--filename must name files with an IstioGateway, found none in [FILE]"},
		"a file without any gateway": {"apiVersion: v1\nkind: Pod\nmetadata: {name: edge}\n", "--filename must name files with an IstioGateway, found none in [FILE]"},
		"a list without any gateway": {"apiVersion: v1\nkind: List\nitems: []\n", "--filename must name files with an IstioGateway, found none in [FILE]"},
		"a gateway of an unknown version": {
			strings.Replace(edgeWith(`{}`), "/v1beta1", "/v2", 1),
			"deciding IstioGateway istio-system/edge: apiVersion must be one of istio.alibabacloud.com/v1beta1 and istio.alibabacloud.com/v1, is istio.alibabacloud.com/v2",
		},
		"an unknown version beside a gateway that is fine": {
			edgeWith(`{}`) + "---\n" + strings.Replace(named("other", edgeWith(`{}`)), "/v1beta1", "/v2", 1),
			"deciding IstioGateway istio-system/other: apiVersion must be one of istio.alibabacloud.com/v1beta1 and istio.alibabacloud.com/v1, is istio.alibabacloud.com/v2",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := file(t, test.text)
			expect(t, reviewed(t, "-f", path), 2, "", "error: "+strings.ReplaceAll(test.want, "FILE", path)+"\n")
		})
	}
}

// A pipeline that reads half of the decisions would take the other half for admitted.
func TestReviewPrintsNothingUnlessItDecidedEverything(t *testing.T) {
	fine, refused := edgeWith(`{clusterIds: [c1]}`), named("other", edgeWith(`{}`))
	unreadable := strings.Replace(named("third", edgeWith(`{}`)), "/v1beta1", "/v2", 1)
	for _, output := range outputs() {
		t.Run(output, func(t *testing.T) {
			for name, broken := range map[string]string{"a file that is no YAML": "a: b: c\n", "a version that is unknown": unreadable} {
				got := reviewed(t, "-o", output, "-f", file(t, fine), "-f", file(t, refused), "-f", file(t, broken))
				if got.status != 2 || got.out != "" || !strings.HasPrefix(got.errOut, "error: ") {
					t.Errorf("%s: got exit status %d\n%s%s", name, got.status, got.out, got.errOut)
				}
			}
			got := reviewed(t, "-o", output, "-f", file(t, fine), "-f", file(t, refused))
			if got.status != 1 || !strings.Contains(got.out, "edge") || !strings.Contains(got.out, "other") || got.errOut != "" {
				t.Errorf("got exit status %d\n%s%s", got.status, got.out, got.errOut)
			}
		})
	}
}

// What review reads it leaves as it was: the same files are applied after it.
func TestReviewWritesNoFile(t *testing.T) {
	text := edgeWith(`{clusterIds: [c1], ports: [{port: 80}]}`)
	path := file(t, text)
	expect(t, reviewed(t, "-f", path, "--old", path, "--with", file(t, clusters("c1"))), 0, admitted, "")
	after, err := os.ReadFile(path)
	if err != nil || string(after) != text {
		t.Errorf("got %s, %v", after, err)
	}
}

func TestReviewSaysWhichFileIsMissing(t *testing.T) {
	edge := file(t, edgeWith(`{clusterIds: [c1]}`))
	missing := filepath.Join(t.TempDir(), "missing.yaml")
	for name, args := range map[string][]string{
		"of the gateways":        {"-f", missing},
		"of the stored gateways": {"-f", edge, "--old", missing},
		"of the clusters":        {"-f", edge, "--with", missing},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, reviewed(t, args...), 2, "", "error: reading ["+missing+`]: the path "`+missing+"\" does not exist\n")
		})
	}
	empty := t.TempDir()
	expect(t, reviewed(t, "-f", empty), 2, "", "error: reading ["+empty+"]: error reading ["+empty+"]: recognized file extensions are [.json .yaml .yml]\n")
}

func TestReviewRefusesAStoredGatewayThatItCouldNotRead(t *testing.T) {
	edge := file(t, edgeWith(`{clusterIds: [c1]}`))
	tests := map[string]struct{ text, want string }{
		"without any gateway": {
			"apiVersion: v1\nkind: Pod\nmetadata: {name: edge}\n",
			"--old must name files with an IstioGateway, found none in [FILE]",
		},
		"with a field of a wrong type": {
			edgeWith(`{clusterIds: [c1], replicaCount: two}`),
			"deciding IstioGateway istio-system/edge: reading the stored gateway: spec.replicaCount must be of type integer, is string",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := file(t, test.text)
			expect(t, reviewed(t, "-f", edge, "--old", path), 2, "", "error: "+strings.ReplaceAll(test.want, "FILE", path)+"\n")
		})
	}
}

func TestCommandLineSaysWhatIsWrongWithIt(t *testing.T) {
	edge := file(t, edgeWith(`{clusterIds: [c1]}`))
	tests := map[string]struct {
		args []string
		want string
	}{
		"an unknown output":      {[]string{"review", "-f", edge, "-o", "xml"}, `--output must be one of table, json, yaml, is "xml"`},
		"an output of no name":   {[]string{"review", "-f", edge, "-o", ""}, `--output must be one of table, json, yaml, is ""`},
		"no file":                {[]string{"review"}, "--filename must name a file with gateways, is empty"},
		"a file without -f":      {[]string{"review", edge}, `unknown command "` + edge + `" for "kubectl portcullis review"`},
		"an unknown flag":        {[]string{"review", "--file", edge}, "unknown flag: --file"},
		"an unknown command":     {[]string{"revue"}, "unknown command \"revue\" for \"kubectl portcullis\"\n\nDid you mean this?\n\treview\n"},
		"a flag without a value": {[]string{"review", "-f"}, "flag needs an argument: 'f' in -f"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			expect(t, portcullis(t, "", test.args...), 2, "", "error: "+test.want+"\n")
		})
	}
}

func TestCommandLineShowsHelpWhenNothingIsAsked(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want []string
	}{
		"of the plugin": {nil, []string{"kubectl portcullis [command]", "review "}},
		"of review": {[]string{"review", "--help"}, []string{
			"kubectl portcullis review -f FILE [--old FILE] [--with FILE]",
			"Exit status: 0 when everything would be admitted, 1 when something would be refused, 2 when that could not be\ndecided.",
			"--filename", "--old", "--with", "--namespace", "--as ", "--as-group", "--output",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := portcullis(t, "", test.args...)
			if got.status != 0 || got.errOut != "" {
				t.Errorf("got exit status %d, %s", got.status, got.errOut)
			}
			for _, want := range test.want {
				if !strings.Contains(got.out, want) {
					t.Errorf("%q is not in\n%s", want, got.out)
				}
			}
		})
	}
}
