package main

import (
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
)

func TestSetCASaysWhetherItChangedAnything(t *testing.T) {
	tests := map[string]struct {
		before, ca string
		changed    bool
	}{
		"none becomes ours":    {"", "ours", true},
		"another becomes ours": {"theirs", "ours", true},
		"ours stays":           {"ours", "ours", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			config := admissionregistrationv1.WebhookClientConfig{CABundle: []byte(test.before)}
			if got := setCA(&config, []byte(test.ca)); got != test.changed {
				t.Errorf("got changed %v, want %v", got, test.changed)
			}
			if string(config.CABundle) != test.ca {
				t.Errorf("got %q, want %q", config.CABundle, test.ca)
			}
		})
	}
}
