// Dashboard writes the Grafana dashboard of the chart from the table in package board.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"portcullis.dev/portcullis/tools/dashboard/board"
)

func main() {
	if err := write(os.Stdout, board.Rows()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// write writes the dashboard of some rows.
func write(out io.Writer, rows []board.Row) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	// Expressions are to be read by people.
	encoder.SetEscapeHTML(false)
	return encoder.Encode(newDashboard(rows))
}
