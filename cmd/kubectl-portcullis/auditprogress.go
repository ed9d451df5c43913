package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// progress shows on a terminal, and only there, how far a long work is.
type progress struct {
	// out is the terminal; nil where there is none.
	out         io.Writer
	done, total int
}

// newProgress shows a work of so many steps.
func newProgress(out io.Writer, total int) *progress {
	shown := &progress{total: total}
	if isTerminal(out) {
		shown.out = out
	}
	return shown
}

// isTerminal says whether somebody may look at what is written.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// progressWidth is how many characters the bar has.
const progressWidth = 30

// step shows that one more step is done, if that can be seen.
func (p *progress) step() {
	p.done++
	if p.out == nil || p.done*100/p.total == (p.done-1)*100/p.total {
		return
	}
	filled := p.done * progressWidth / p.total
	_, _ = fmt.Fprintf(p.out, "\r[%s%s] %d of %d gateways", strings.Repeat("=", filled), strings.Repeat(" ", progressWidth-filled), p.done, p.total)
}

// end takes the bar away: what follows is the result.
func (p *progress) end() {
	if p.out != nil && p.done > 0 {
		_, _ = fmt.Fprint(p.out, "\r\x1b[K")
	}
}
