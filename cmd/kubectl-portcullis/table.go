package main

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"
)

// table lines up rows, the first of them the headings, as kubectl does: a line for each.
func table(rows [][]string) []string {
	var text bytes.Buffer
	writer := tabwriter.NewWriter(&text, 0, 8, 3, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintln(writer, strings.Join(row, "\t"))
	}
	_ = writer.Flush()
	lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return lines
}
