package main

import (
	"strings"
	"testing"
)

func TestThePageIsServedToThisMachineAlone(t *testing.T) {
	for address, want := range map[string]string{
		"":               "",
		"127.0.0.1:8090": "",
		"[::1]:8090":     "",
		"localhost:8090": "",
		":8090":          "must be a loopback address",
		"0.0.0.0:8090":   "must be a loopback address",
		"10.0.0.1:8090":  "must be a loopback address",
		"example:8090":   "must be a loopback address",
		"127.0.0.1":      "must be an address and a port",
	} {
		err := checkPageAddress(address)
		if want == "" && err != nil {
			t.Errorf("%q: got %v, want no error", address, err)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want an error with %q", address, err, want)
		}
	}
}
