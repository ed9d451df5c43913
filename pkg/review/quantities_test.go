package review

import (
	"strings"
	"testing"
	"time"
)

func TestNewObjectRefusesQuantitiesThatNobodyCanRead(t *testing.T) {
	tests := map[string]struct{ spec, want string }{
		"a huge exponent": {
			`{"resources":{"limits":{"cpu":"1e2147483648"}}}`,
			`spec.resources.limits.cpu must be a quantity of at most 64 characters and an exponent of at most 2 digits, is "1e2147483648"`,
		},
		"a huge negative exponent in an override": {
			`{"overrides":{"c1":{"resources":{"requests":{"memory":"1E-100000000"}}}}}`,
			`spec.overrides.c1.resources.requests.memory must be a quantity of at most 64 characters and an exponent of at most 2 digits, is "1E-100000000"`,
		},
		"a huge divisor": {
			`{"env":[{"name":"A","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"1e1000000000"}}}]}`,
			`spec.env[0].valueFrom.resourceFieldRef.divisor must be a quantity of at most 64 characters and an exponent of at most 2 digits, is "1e1000000000"`,
		},
		"more digits than there are bytes in the world": {
			`{"resources":{"limits":{"cpu":"` + strings.Repeat("9", 1<<20) + `"}}}`,
			`spec.resources.limits.cpu must be a quantity of at most 64 characters and an exponent of at most 2 digits, is "` + strings.Repeat("9", 64) + `…"`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			done := make(chan error, 1)
			go func() {
				_, err := NewObject([]byte(`{"spec":` + test.spec + `}`))
				done <- err
			}()
			select {
			case err := <-done:
				if err == nil || err.Error() != test.want {
					t.Errorf("got %v, want %q", err, test.want)
				}
			case <-time.After(5 * time.Second):
				t.Error("still reading")
			}
		})
	}
}

func TestNewObjectReadsQuantitiesAsPeopleWriteThem(t *testing.T) {
	for _, quantity := range []string{"2", "200m", "2G", "1.5Gi", "1e3", "12E6", "0.5"} {
		if _, err := NewObject([]byte(`{"spec":{"resources":{"limits":{"memory":"` + quantity + `"}}}}`)); err != nil {
			t.Errorf("%s: %v", quantity, err)
		}
	}
	// The same text elsewhere is not ours to judge.
	if _, err := NewObject([]byte(`{"spec":{"env":[{"name":"A","value":"1e2147483648"}]}}`)); err != nil {
		t.Error(err)
	}
}
