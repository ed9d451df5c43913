package change

import "testing"

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
