package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// filled shows what mutation made of the gateway in a sample: the lines of its spec that are not the
// author's. It fails when there is none, or when mutation took a line of the author's away that is not
// among those that it is to replace.
func filled(sample, gateway string, replaces ...string) func(context.Context, *audience) error {
	return func(ctx context.Context, a *audience) error {
		written, err := os.ReadFile(sample)
		if err != nil {
			return err
		}
		stored, err := a.shell(ctx, "kubectl get igw "+gateway+" -o json")
		if err != nil {
			return fmt.Errorf("reading gateway %s: %w", gateway, err)
		}
		before, after, err := specs(written, []byte(stored))
		if err != nil {
			return err
		}
		fmt.Printf("\n# What the guard filled in, of %s against the cluster:\n", sample)
		removed, added := difference(before, after), difference(after, before)
		for _, line := range removed {
			fmt.Println("-", line)
		}
		for _, line := range added {
			fmt.Println("+", line)
		}
		if len(added) == 0 {
			return errors.New("must fill something in, filled in nothing")
		}
		if !slices.Equal(removed, replaces) {
			return fmt.Errorf("must replace %q of what the author wrote, replaced %q", replaces, removed)
		}
		return nil
	}
}

// specs are the lines of a written and of a stored gateway's spec.
func specs(written, stored []byte) (before, after []string, err error) {
	var first, second struct {
		Spec any `json:"spec"`
	}
	if err := yaml.Unmarshal(written, &first); err != nil {
		return nil, nil, fmt.Errorf("reading the written gateway: %w", err)
	}
	if err := json.Unmarshal(stored, &second); err != nil {
		return nil, nil, fmt.Errorf("reading the stored gateway: %w", err)
	}
	return lines("spec", first.Spec), lines("spec", second.Spec), nil
}

// lines writes each value on a line of its own, behind its path.
func lines(path string, value any) []string {
	var out []string
	switch value := value.(type) {
	case map[string]any:
		for key, part := range value {
			out = append(out, lines(path+"."+key, part)...)
		}
	case []any:
		for i, part := range value {
			out = append(out, lines(fmt.Sprintf("%s[%d]", path, i), part)...)
		}
	default:
		return []string{fmt.Sprintf("%s: %v", path, value)}
	}
	slices.SortFunc(out, strings.Compare)
	return out
}

// difference are the lines of one that are not in the other.
func difference(one, other []string) []string {
	return slices.DeleteFunc(slices.Clone(one), func(line string) bool { return slices.Contains(other, line) })
}
