package change

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

func TestBlameNamesWhatIsGuiltyAloneAndTogether(t *testing.T) {
	// sets are those that have the effect: a set of fields has it if it holds one of them.
	tests := map[string]struct {
		fields int
		sets   [][]int
		want   []int
	}{
		"one of three alone":               {3, [][]int{{1}}, []int{1}},
		"two, each alone":                  {3, [][]int{{0}, {2}}, []int{0, 2}},
		"two together":                     {4, [][]int{{1, 3}}, []int{1, 3}},
		"all together":                     {3, [][]int{{0, 1, 2}}, []int{0, 1, 2}},
		"one alone and two together":       {4, [][]int{{0}, {1, 3}}, []int{0, 1, 3}},
		"two pairs":                        {5, [][]int{{0, 1}, {2, 4}}, []int{0, 1, 2, 4}},
		"two pairs that share a field":     {3, [][]int{{0, 1}, {1, 2}}, []int{1, 2}},
		"one alone, and in a pair as well": {3, [][]int{{0}, {0, 1}}, []int{0}},
		"none":                             {3, nil, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			causes := func(fields []int) (bool, error) {
				return slices.ContainsFunc(test.sets, func(set []int) bool {
					return !slices.ContainsFunc(set, func(i int) bool { return !slices.Contains(fields, i) })
				}), nil
			}
			var all []int
			for i := range test.fields {
				all = append(all, i)
			}
			got, err := guilty(all, causes)
			slices.Sort(got)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
			left, err := causes(without(all, got...))
			if err != nil || left {
				t.Errorf("what is not blamed has the effect all the same, %v", err)
			}
		})
	}
}

func TestBlameIsAnErrorWhenItCannotBeFound(t *testing.T) {
	boom := errors.New("boom")
	for calls := range 5 {
		count := 0
		_, err := guilty([]int{0, 1}, func(fields []int) (bool, error) {
			if count++; count > calls {
				return false, boom
			}
			return len(fields) == 2, nil
		})
		if !errors.Is(err, boom) {
			t.Errorf("after %d answers: got %v, want %v", calls, err, boom)
		}
	}
}

func TestAPairIsBlamedBesideWhatIsGuiltyAlone(t *testing.T) {
	got, err := Between(gatewayOf(t, `{spec: {clusterIds: [c1]}}`),
		gatewayOf(t, `{spec: {clusterIds: [c1], replicaCount: 2, runAsRoot: true, kernel: {enabled: true, parameters: {net.ipv4.tcp_fin_timeout: "30"}}}}`), clustersOf(nil))
	want := []string{"spec.kernel.enabled", "spec.kernel.parameters[net.ipv4.tcp_fin_timeout]", "spec.runAsRoot"}
	if err != nil || !equal(blamedIn(got), want) {
		t.Errorf("got %v, %v, want %v", blamedIn(got), err, want)
	}
}

// many are clusters with and without settings of their own.
func many(count int, override func(i int) string) (spec string, registered []v1alpha1.GatewayCluster) {
	ids, overrides := "", ""
	for i := range count {
		cluster := v1alpha1.GatewayCluster{}
		cluster.Name = fmt.Sprintf("c%03d", i)
		registered = append(registered, cluster)
		ids += cluster.Name + ", "
		if text := override(i); text != "" {
			overrides += cluster.Name + ": " + text + ", "
		}
	}
	return "clusterIds: [" + ids + "], overrides: {" + overrides + "}", registered
}

func TestClustersThatAreAlikeAreJudgedOnce(t *testing.T) {
	tests := map[string]struct {
		old, new func(i int) string
		want     int
	}{
		"all alike":               {func(int) string { return "" }, func(int) string { return "" }, 1},
		"each of its own size":    {func(i int) string { return fmt.Sprintf("{replicaCount: %d}", i) }, func(i int) string { return fmt.Sprintf("{replicaCount: %d}", i) }, 1},
		"one that becomes larger": {func(int) string { return "{replicaCount: 1}" }, func(i int) string { return fmt.Sprintf("{replicaCount: %d}", 1+i/49) }, 2},
		"two kinds":               {func(i int) string { return fmt.Sprintf("{podAnnotations: {a: %q}}", fmt.Sprint(i%2)) }, func(i int) string { return fmt.Sprintf("{podAnnotations: {a: %q}}", fmt.Sprint(i%2)) }, 2},
		"no two alike":            {func(i int) string { return fmt.Sprintf("{podAnnotations: {a: %q}}", fmt.Sprint(i)) }, func(int) string { return "" }, 50},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before, registered := many(50, test.old)
			after, _ := many(50, test.new)
			c, err := compare(gatewayOf(t, `{spec: {`+before+`}}`), gatewayOf(t, `{spec: {`+after+`}}`), registered)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(c.groups()); got != test.want {
				t.Errorf("got %d groups, want %d", got, test.want)
			}
		})
	}
}

func TestEachClusterIsBlamedOnItsOwnOverrides(t *testing.T) {
	before, registered := many(3, func(int) string { return `{podAnnotations: {a: "1"}}` })
	after, _ := many(3, func(i int) string { return `{podAnnotations: {a: "` + []string{"2", "2", "1"}[i] + `"}}` })
	got, err := Between(gatewayOf(t, `{spec: {`+before+`}}`), gatewayOf(t, `{spec: {`+after+`}}`), registered)
	if err != nil || !equal(got.Effects[Restart], []string{"c000", "c001"}) || len(got.Changes) != 2 {
		t.Fatalf("got %v by %v, %v", got.Effects, got.Changes, err)
	}
	for i, id := range []string{"c000", "c001"} {
		field := got.Changes[i]
		if field.Path != "spec.overrides."+id+".podAnnotations.a" || !equal(field.Clusters, []string{id}) || len(field.Effects) != 1 {
			t.Errorf("%s is blamed for %v in %v", field.Path, field.Effects, field.Clusters)
		}
	}
}
