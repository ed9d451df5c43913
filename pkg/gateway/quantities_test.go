package gateway

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestQuantitiesHaveOneSpelling(t *testing.T) {
	for _, test := range []struct {
		name      string
		spellings []string
		want      string
	}{
		{"cores", []string{"2", "2000m", "2.0", "2e0", "+2"}, "2"},
		{"parts of a core", []string{"200m", "0.2", "200000u", ".2"}, "200m"},
		{"cores and a part", []string{"1500m", "1.5"}, "1500m"},
		{"binary memory", []string{"1Gi", "1024Mi", "1073741824", "1073741824000m"}, "1Gi"},
		{"more binary memory", []string{"256Mi", "268435456", "262144Ki"}, "256Mi"},
		{"decimal memory", []string{"2G", "2000M", "2000000000", "2e9", "1953125Ki"}, "2G"},
		{"memory with a part", []string{"1.5Gi", "1536Mi"}, "1536Mi"},
		{"as short either way", []string{"1000", "1k"}, "1k"},
		{"nothing", []string{"0", "0m", "0Gi"}, "0"},
		{"a part of a binary unit", []string{"1024.5", "1024500m"}, "1024500m"},
		{"more than fits 64 bits", []string{"100E", "100000P"}, "100E"},
		{"more than there is a binary suffix for", []string{"1180591620717411303424"}, "1180591620717411303424"},
		{"below nothing", []string{"-1Gi", "-1024Mi"}, "-1Gi"},
	} {
		for _, spelling := range test.spellings {
			t.Run(test.name+" as "+spelling, func(t *testing.T) {
				spec := `{resources: {limits: {memory: "` + spelling + `"}, requests: {cpu: "` + spelling + `"}},
					env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: "` + spelling + `"}}}]}`
				got := effectiveIn(t, "", spec)
				expectSpelling(t, got.Resources.Limits[corev1.ResourceMemory], test.want)
				expectSpelling(t, got.Resources.Requests[corev1.ResourceCPU], test.want)
				expectSpelling(t, got.EnvVars[0].ValueFrom.ResourceFieldRef.Divisor, test.want)
			})
		}
	}
}

func TestQuantitiesBeyondAnyMachineAreLeftAlone(t *testing.T) {
	// Spelled out, some of these take minutes.
	for _, spelling := range []string{
		"1e1000000000", "0e1000000000", "-1e1000000000", "1e21", strings.Repeat("9", 60), "1000000000000000000000",
	} {
		quantity := resource.MustParse(spelling)
		if got := canonical(quantity); got.String() != quantity.String() {
			t.Errorf("%s became %s", spelling, got.String())
		}
	}
}

// expectSpelling checks how a quantity is written, and that it still has its value.
func expectSpelling(t *testing.T, got resource.Quantity, want string) {
	t.Helper()
	if got.String() != want {
		t.Errorf("got %s, want %s", got.String(), want)
	}
	if got.Cmp(resource.MustParse(want)) != 0 {
		t.Errorf("got %s, which is not %s", got.String(), want)
	}
}

func FuzzQuantitiesKeepTheirValue(f *testing.F) {
	for _, seed := range []string{"2", "2000m", "1Gi", "1.5Gi", "2G", "1e3", "12345678901234567890", "0.001n", "-3Ki", "1000000000000000000000"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		// Reading a large power of ten can take minutes, and is not ours.
		if len(text) > 32 || len(text) > 6 && strings.ContainsAny(text, "eE") {
			return
		}
		quantity, err := resource.ParseQuantity(text)
		if err != nil {
			return
		}
		got := canonical(quantity)
		if got.Cmp(quantity) != 0 {
			t.Errorf("%s became %s", text, got.String())
		}
		if again := canonical(got); again.String() != got.String() {
			t.Errorf("%s became %s, and that %s", text, got.String(), again.String())
		}
	})
}
