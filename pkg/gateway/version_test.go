package gateway

import "testing"

func TestCompareVersions(t *testing.T) {
	for _, test := range []struct {
		name string
		a, b string
		want int
	}{
		{"takes equal texts for equal", "1.18.0.147", "1.18.0.147", 0},
		{"counts missing numbers as 0", "1.16", "1.16.0.0", 0},
		{"compares numbers, not texts", "1.9.7.107", "1.16", -1},
		{"compares the fourth number", "1.18.0.147", "1.18.0.13", 1},
		{"puts three numbers below the same three and a build", "1.18.0", "1.18.0.147", -1},
		{"compares the major number first", "2.0", "1.99.99.99", 1},
		{"ignores the name of a build", "1.14.3.47-ga31201346f-aliyun", "1.14.3.47", 0},
		{"ignores a leading v", "v1.26.0", "1.26.0", 0},
		{"reads no fifth number", "1.2.3.4.5", "1.2.3.4", 0},
		{"counts what is no number as 0", "1.x.3", "1.0.3", 0},
		{"takes no version for the lowest", "", "0.0.0.1", -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := CompareVersions(test.a, test.b); got != test.want {
				t.Errorf("CompareVersions(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
			}
			if got := CompareVersions(test.b, test.a); got != -test.want {
				t.Errorf("CompareVersions(%q, %q) = %d, want %d", test.b, test.a, got, -test.want)
			}
		})
	}
}

func TestCapabilitiesBeginWithTheirVersion(t *testing.T) {
	for _, capability := range []Capability{PortsOutsidePodTemplate, OverridesHPA} {
		for version, want := range map[string]bool{
			"1.9.7.107":        false,
			"1.15.99":          false,
			"1.16":             true,
			"1.16.0":           true,
			"1.18.0.147":       true,
			DefaultMeshVersion: true,
		} {
			if got := capability.In(version); got != want {
				t.Errorf("capability of %s in %s: got %t, want %t", capability, version, got, want)
			}
		}
	}
}

func FuzzCompareVersions(f *testing.F) {
	f.Add("1.26.0", "1.16")
	f.Add("v1.14.3.47-ga31201346f-aliyun", "..")
	f.Fuzz(func(t *testing.T, a, b string) {
		if CompareVersions(a, b) != -CompareVersions(b, a) {
			t.Errorf("%q and %q compare differently from either side", a, b)
		}
		if CompareVersions(a, a) != 0 {
			t.Errorf("%q differs from itself", a)
		}
	})
}
