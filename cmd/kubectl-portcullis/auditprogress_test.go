package main

import (
	"strings"
	"testing"
)

// Nobody reads a bar in a log.
func TestAuditShowsNoProgressWhereNobodyLooks(t *testing.T) {
	if got := auditOf(t, "-f", file(t, edgeWith(`{clusterIds: [c1]}`))); got.errOut != "" {
		t.Errorf("got on standard error %q", got.errOut)
	}
}

func TestProgressShowsEachPercentOnceAndGoes(t *testing.T) {
	var out strings.Builder
	shown := progress{out: &out, total: 1000}
	for range 1000 {
		shown.step()
	}
	shown.end()
	if redrawn := strings.Count(out.String(), "\r["); redrawn != 100 {
		t.Errorf("drawn %d times, want 100", redrawn)
	}
	if !strings.HasSuffix(out.String(), "\r["+strings.Repeat("=", 30)+"] 1000 of 1000 gateways\r\x1b[K") {
		t.Errorf("got %q", out.String()[out.Len()-80:])
	}
}
