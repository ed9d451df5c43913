// Command valuesdoc writes the table of a chart's values into its README, from the comments in values.yaml: what a value
// is for is said once, beside it.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
)

// begin and end are where the table stands in the README.
const (
	begin = "<!-- values: written by make generate from the comments in values.yaml -->\n"
	end   = "<!-- end of values -->\n"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: valuesdoc VALUES README")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "valuesdoc:", err)
		os.Exit(1)
	}
}

// run writes the table of a values file into a README.
func run(values, readme string) error {
	text, err := os.ReadFile(values)
	if err != nil {
		return err
	}
	entries, err := parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", values, err)
	}
	page, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	written, err := replace(page, table(entries))
	if err != nil {
		return fmt.Errorf("%s: %w", readme, err)
	}
	return os.WriteFile(readme, written, 0o644)
}

// replace puts a table where the README has one.
func replace(page []byte, table string) ([]byte, error) {
	before, rest, ok := bytes.Cut(page, []byte(begin))
	_, after, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		return nil, errors.New("must have the lines between which the table stands, " + strings.TrimSpace(begin) + " and " + strings.TrimSpace(end))
	}
	return bytes.Join([][]byte{before, []byte(begin + table + end), after}, nil), nil
}

// table is what stands between the lines. Values that only hold others have no default of their own.
func table(entries []entry) string {
	out := strings.Builder{}
	out.WriteString("| value | for | default |\n| --- | --- | --- |\n")
	for _, e := range entries {
		if e.comment == "" {
			continue
		}
		standard := ""
		if e.value != "" {
			standard = "`" + e.value + "`"
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s |\n", e.path, cell(e.comment), cell(standard))
	}
	return out.String()
}

// cell is a text that may stand in a table.
func cell(text string) string {
	return strings.ReplaceAll(text, "|", `\|`)
}
