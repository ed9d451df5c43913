package monitoring_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// expected is one of a query's Shows.
type expected struct {
	labels  map[string]string
	compare string
	to      float64
}

// readShown reads {label="value"} > 1.
func readShown(text string) (expected, error) {
	parts := regexp.MustCompile(`^\{(.*)\} (>|<|>=|==) (\S+)$`).FindStringSubmatch(text)
	if parts == nil {
		return expected{}, fmt.Errorf(`must be {label="value"} and a comparison, is %s`, text)
	}
	out := expected{labels: map[string]string{}, compare: parts[2]}
	for _, label := range strings.FieldsFunc(parts[1], func(r rune) bool { return r == ',' }) {
		name, value, ok := strings.Cut(label, "=")
		if !ok {
			return expected{}, fmt.Errorf(`label must be name="value", is %s`, label)
		}
		out.labels[name] = strings.Trim(value, `"`)
	}
	var err error
	out.to, err = strconv.ParseFloat(parts[3], 64)
	return out, err
}

// in says whether a sample is what is expected.
func (e expected) in(labels map[string]string, value float64) bool {
	for name, want := range e.labels {
		if labels[name] != want {
			return false
		}
	}
	switch e.compare {
	case ">":
		return value > e.to
	case "<":
		return value < e.to
	case ">=":
		return value >= e.to
	}
	return value == e.to
}
