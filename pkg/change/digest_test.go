package change

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

func TestFingerprintTellsWhatRunsApartAndNothingElse(t *testing.T) {
	fingerprint := func(text string) string {
		out, err := Fingerprint(gatewayOf(t, text))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	plain := fingerprint(`{}`)
	for _, same := range []string{
		`{spec: {replicaCount: 1}}`,
		`{metadata: {labels: {a: b}, annotations: {team: edge}}}`,
		`{status: {Status: Running}}`,
		`{apiVersion: istio.alibabacloud.com/v1, kind: IstioGateway}`,
	} {
		if got := fingerprint(same); got != plain {
			t.Errorf("%s has fingerprint %s, want %s", same, got, plain)
		}
	}
	for _, other := range []string{
		`{spec: {replicaCount: 2}}`,
		`{metadata: {annotations: {asm.alibabacloud.com/gateway-drain-timeout-seconds: "30"}}}`,
	} {
		if got := fingerprint(other); got == plain {
			t.Errorf("%s has the same fingerprint as nothing", other)
		}
	}
}

// Numbers above 2⁵³ are not all floats of their own; one that is read as a float would hide a change.
func TestFingerprintTellsLargeNumbersApart(t *testing.T) {
	one := gatewayOf(t, `{spec: {tolerations: [{operator: Exists, tolerationSeconds: 9007199254740993}]}}`)
	other := gatewayOf(t, `{spec: {tolerations: [{operator: Exists, tolerationSeconds: 9007199254740992}]}}`)
	first, err := Fingerprint(one)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := Fingerprint(other); err != nil || first == second {
		t.Errorf("two numbers have one fingerprint, %v", err)
	}
	if got, err := Between(one, other, clustersOf(nil)); err != nil || len(got.Changes) != 1 {
		t.Errorf("got changes %v, %v, want one", got.Changes, err)
	}
}

// digestOf is the digest of a change of one gateway, both versions written as YAML.
func digestOf(t *testing.T, uid types.UID, old, new string) string {
	t.Helper()
	before, after := gatewayOf(t, old), gatewayOf(t, new)
	before.UID, after.UID = uid, uid
	got, err := Between(before, after, clustersOf(nil))
	if err != nil {
		t.Fatal(err)
	}
	return got.Digest
}

// The change that the tests below name, and digests of it that were computed once: one that changes unnoticed would
// make every approval that exists worthless.
const (
	digestedOld = `{metadata: {annotations: {asm.alibabacloud.com/aliyun-logs-project: one}}, spec: {clusterIds: [c1, c2],
		podLabels: {a: "1", b: "2", c: "3"}, resources: {limits: {cpu: "2", memory: 1Gi}}, tolerations: [{operator: Exists, tolerationSeconds: 30}]}}`
	digestedNew = `{metadata: {annotations: {asm.alibabacloud.com/aliyun-logs-project: two}}, spec: {clusterIds: [c1],
		podLabels: {a: "2", b: "3", c: "4"}, resources: {limits: {cpu: "4", memory: 2Gi}}, tolerations: [{operator: Exists, tolerationSeconds: 60}]}}`
)

func TestDigestNamesOneChangeOfOneGateway(t *testing.T) {
	first := digestOf(t, "7c4f", digestedOld, digestedNew)
	if !strings.HasPrefix(first, "sha256:") || len(first) != len("sha256:")+64 {
		t.Fatalf("got digest %q", first)
	}
	for name, other := range map[string]string{
		"the same change of a gateway that was made again": digestOf(t, "other", digestedOld, digestedNew),
		"the change back":              digestOf(t, "7c4f", digestedNew, digestedOld),
		"another change":               digestOf(t, "7c4f", digestedOld, strings.Replace(digestedNew, "memory: 2Gi", "memory: 3Gi", 1)),
		"the same change and one more": digestOf(t, "7c4f", digestedOld, strings.Replace(digestedNew, "clusterIds: [c1]", "clusterIds: [c1], replicaCount: 2", 1)),
		"a change from other values":   digestOf(t, "7c4f", strings.Replace(digestedOld, "memory: 1Gi", "memory: 3Gi", 1), digestedNew),
	} {
		if other == first {
			t.Errorf("%s has the same digest", name)
		}
	}
}

func TestDigestIsTheSameHoweverTheChangeIsWritten(t *testing.T) {
	want := digestOf(t, "7c4f", digestedOld, digestedNew)
	for name, other := range map[string][2]string{
		"in another order": {digestedOld, `{spec: {tolerations: [{tolerationSeconds: 60, operator: Exists}], resources: {limits: {memory: 2Gi, cpu: "4"}},
			podLabels: {c: "4", b: "3", a: "2"}, clusterIds: [c1]}, metadata: {annotations: {asm.alibabacloud.com/aliyun-logs-project: two}}}`},
		"with other spellings of numbers": {strings.Replace(digestedOld, `cpu: "2"`, `cpu: 2000m`, 1), strings.NewReplacer(`cpu: "4"`, `cpu: 4.0`, "2Gi", "2048Mi").Replace(digestedNew)},
		"with defaults written out":       {digestedOld, strings.Replace(digestedNew, "clusterIds: [c1]", "clusterIds: [c1], hostNetwork: false, replicaCount: 1", 1)},
		"in the other API version":        {"{apiVersion: istio.alibabacloud.com/v1beta1, " + digestedOld[1:], "{apiVersion: istio.alibabacloud.com/v1, " + digestedNew[1:]},
		"with bookkeeping beside it": {strings.Replace(digestedOld, "metadata: {", "metadata: {generation: 1, ", 1),
			strings.Replace(digestedNew, "metadata: {", "metadata: {generation: 2, resourceVersion: '5', labels: {a: b}, ", 1)},
	} {
		if got := digestOf(t, "7c4f", other[0], other[1]); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestDigestCountsNeitherOrderNorGoTypes(t *testing.T) {
	fields := []Field{
		{Path: "b", Before: map[string]string{"x": "1", "y": "2"}, After: []string{"z"}, Effects: []Effect{Restart, AddressLoss}, Clusters: []string{"c2", "c1"}},
		{Path: "a", Before: 1.0, After: int32(2)},
	}
	same := []Field{
		{Path: "a", Before: int64(1), After: 2.0, Effects: []Effect{}, Clusters: []string{}},
		{Path: "b", Before: map[string]any{"y": "2", "x": "1"}, After: []any{"z"}, Effects: []Effect{AddressLoss, Restart, Restart}, Clusters: []string{"c1", "c2", "c1"}},
	}
	before := slices.Clone(fields)
	one, err := Digest("7c4f", fields)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := Digest("7c4f", same); err != nil || other != one {
		t.Errorf("got %s, %v, want %s", other, err, one)
	}
	if fields[0].Path != before[0].Path || fields[0].Clusters[0] != "c2" {
		t.Error("the fields were changed")
	}
}

func TestDigestIsAnErrorForWhatIsNoJSON(t *testing.T) {
	for _, field := range []Field{{Path: "a", Before: make(chan int)}, {Path: "a", After: func() {}}} {
		if got, err := Digest("7c4f", []Field{field}); err == nil {
			t.Errorf("got %s, want an error", got)
		}
	}
}

// anotherProcess is set in the environment of the process that the test below starts.
const anotherProcess = "PORTCULLIS_PRINT_DIGEST"

func TestDigestIsTheSameInAnotherProcess(t *testing.T) {
	digest := digestOf(t, "7c4f", digestedOld, digestedNew)
	fingerprint, err := Fingerprint(gatewayOf(t, digestedNew))
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv(anotherProcess) != "" {
		// t.Log needs -v, and would be indented.
		_, _ = os.Stdout.WriteString(digest + " " + fingerprint + "\n")
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		command := exec.Command(program, "-test.run=^TestDigestIsTheSameInAnotherProcess$")
		command.Env = append(os.Environ(), anotherProcess+"=1")
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("running another process: %v: %s", err, output)
		}
		if want := digest + " " + fingerprint; !strings.Contains(string(output), want+"\n") {
			t.Errorf("another process says %s, want %s", output, want)
		}
	}
}

func TestDigestIsThatOfEarlierVersions(t *testing.T) {
	const want = "sha256:7ec0bfb607089153b176566561ff16a87ee5a780c42087372e31805123f85fa2"
	if got := digestOf(t, "7c4f", digestedOld, digestedNew); got != want {
		t.Errorf("got %s, want %s: approvals that exist would no longer count", got, want)
	}
}

func TestDigestOfNothingIsEmpty(t *testing.T) {
	if got, err := Digest("7c4f", nil); got != "" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got := digestOf(t, "7c4f", digestedOld, digestedOld); got != "" {
		t.Errorf("got %q for no change", got)
	}
}

func TestDigestOfADeletionIsOneToo(t *testing.T) {
	old := gatewayOf(t, digestedOld)
	first, err := Between(old, nil, clustersOf(nil))
	if err != nil || first.Digest == "" {
		t.Fatalf("got %q, %v", first.Digest, err)
	}
	again := old.DeepCopy()
	again.Status = v1beta1.IstioGatewayStatus{Status: "Running"}
	if second, err := Between(again, nil, clustersOf(nil)); err != nil || second.Digest != first.Digest {
		t.Errorf("got %s, %v, want %s", second.Digest, err, first.Digest)
	}
}
