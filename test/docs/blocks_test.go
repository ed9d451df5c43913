// Package docs follows pages of the documentation literally: what they tell their readers to run is run, and must print
// what they say.
package docs

import (
	"fmt"
	"regexp"
	"strings"
)

// block is a piece of a page to be run.
type block struct {
	// line of the page that it begins at.
	line int
	// language is sh, for commands whose output nobody shows, or console, for commands that begin with $ and what
	// they print.
	language string
	// where it is to be run: in the reader's folder when empty, in the repository, or beside a cluster.
	where string
	text  string
}

// command is a command and what it prints.
type command struct {
	run, prints string
	// silent says that the page does not show what it prints.
	silent bool
}

// fence opens or closes a block.
var fence = regexp.MustCompile("^```([a-z]*) ?([a-z]*)$")

// blocks are all blocks of a page. One that nobody could run is an error, for its author may think that it is run.
func blocks(page string) ([]block, error) {
	var found []block
	var open *block
	for i, line := range strings.Split(page, "\n") {
		parts := fence.FindStringSubmatch(line)
		switch {
		case parts == nil && open != nil:
			open.text += line + "\n"
		case parts == nil:
			continue
		case open != nil:
			found = append(found, *open)
			open = nil
		case parts[1] != "sh" && parts[1] != "console":
			return nil, fmt.Errorf("line %d: block must be sh or console, is %q", i+1, parts[1])
		default:
			open = &block{line: i + 1, language: parts[1], where: parts[2]}
		}
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: block must end, does not", open.line)
	}
	return found, nil
}

// commands are those of a block.
func (b block) commands() ([]command, error) {
	if b.language == "sh" {
		return []command{{run: b.text, silent: true}}, nil
	}
	var found []command
	for line := range strings.Lines(b.text) {
		run, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case isCommand:
			found = append(found, command{run: strings.TrimSpace(run)})
		case len(found) == 0:
			return nil, fmt.Errorf("line %d: console must begin with a command, begins with %q", b.line, line)
		default:
			found[len(found)-1].prints += line
		}
	}
	return found, nil
}

// matches says whether an output is what a page shows. There … stands for anything in a line, and for any number of
// lines where it stands alone.
func (c command) matches(output string) bool {
	pattern := regexp.QuoteMeta(strings.TrimSpace(c.prints))
	pattern = strings.ReplaceAll(pattern, "\n…\n", "\n(.*\n)*?")
	pattern = strings.ReplaceAll(pattern, "…", ".*")
	return regexp.MustCompile("^" + pattern + "$").MatchString(strings.TrimSpace(output))
}
