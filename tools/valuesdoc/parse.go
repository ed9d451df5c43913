package main

import (
	"fmt"
	"regexp"
	"strings"
)

// entry is a value: its path, what is said of it, and its default. One that only holds others has no default.
type entry struct {
	path, comment, value string
}

// key is a line that gives a value, or begins one.
var key = regexp.MustCompile(`^( *)([A-Za-z]+):(?: (.+))?$`)

// node is a value with those below it.
type node struct {
	entry
	line     int
	depth    int
	children []*node
}

// parse reads a values file: comments, and below each the key that it is about. It knows no more of YAML than such a file
// needs, for a parser would lose the comments.
func parse(text string) ([]entry, error) {
	root := &node{depth: -1}
	open, comment := []*node{root}, ""
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		if remark, ok := strings.CutPrefix(trimmed, "#"); ok {
			comment = strings.TrimSpace(comment + " " + strings.TrimSpace(remark))
			continue
		}
		if trimmed == "" {
			comment = ""
			continue
		}
		parts := key.FindStringSubmatch(line)
		if parts == nil {
			return nil, fmt.Errorf("line %d: must be a comment or a key with its value, is %q", i+1, line)
		}
		at := &node{line: i + 1, depth: len(parts[1]), entry: entry{comment: comment, value: parts[3]}}
		for open[len(open)-1].depth >= at.depth {
			open = open[:len(open)-1]
		}
		parent := open[len(open)-1]
		at.path = strings.TrimPrefix(parent.path+"."+parts[2], ".")
		parent.children, open, comment = append(parent.children, at), append(open, at), ""
	}
	return root.entries()
}

// entries are the values below a node.
func (n *node) entries() ([]entry, error) {
	var out []entry
	for _, child := range n.children {
		if child.whole() {
			child.value, child.children = child.flow(), nil
		}
		if child.comment == "" && len(child.children) == 0 {
			return nil, fmt.Errorf("line %d: %s must have a comment that says what it is for, has none", child.line, child.path)
		}
		below, err := child.entries()
		if err != nil {
			return nil, err
		}
		out = append(append(out, child.entry), below...)
	}
	return out, nil
}

// whole says whether a value is one thing though it is written in several lines: something is said of it, and nothing of
// its parts.
func (n *node) whole() bool {
	if n.comment == "" || len(n.children) == 0 {
		return false
	}
	for _, child := range n.children {
		if child.comment != "" || len(child.children) > 0 {
			return false
		}
	}
	return true
}

// flow is a value in one line.
func (n *node) flow() string {
	parts := make([]string, 0, len(n.children))
	for _, child := range n.children {
		parts = append(parts, child.path[strings.LastIndex(child.path, ".")+1:]+": "+child.value)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
