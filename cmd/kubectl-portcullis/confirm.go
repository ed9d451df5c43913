package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// confirmed asks a question. No answer is no, and so is the end of the input.
func confirmed(out io.Writer, answers *bufio.Reader, question string) (bool, error) {
	if _, err := fmt.Fprint(out, question, " [y/N] "); err != nil {
		return false, err
	}
	line, _ := answers.ReadString('\n')
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", nil
}
