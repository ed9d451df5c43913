package opaconfig

import (
	"strings"
	"testing"
)

func TestKeysThatNobodyTakesAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"{}":                                     "",
		"services: {a: {url: http://localhost}}": "",
		"service: {}":                            "key must be one of keys, services, is service",
		"services: [":                            "yaml",
	} {
		err := CheckKeys([]byte(text), "keys", "services")
		if want == "" && err != nil {
			t.Errorf("%s: got %v, want no error", text, err)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want an error with %q", text, err, want)
		}
	}
}
