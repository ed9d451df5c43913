package main

import (
	"regexp"
	"strconv"
	"strings"

	// Its nodes know their lines; sigs.k8s.io/yaml itself, which all else is read with, knows none.
	yaml "sigs.k8s.io/yaml/goyaml.v3"
)

// fieldLines finds the lines of fields in the files that gateways come from. Each file is read once.
type fieldLines map[string][]document

// document is one of a file, after so many lines of others.
type document struct {
	before int
	root   *yaml.Node
}

// of is the line that a field of a gateway is written at. One that is absent is what it would be a part of, and where nothing
// of it is found it is the gateway.
func (f fieldLines) of(gateway auditedGateway, field string) int {
	if _, read := f[gateway.File]; !read {
		f[gateway.File] = documentsIn(gateway.File)
	}
	for _, document := range f[gateway.File] {
		object := gatewayAt(document.root, gateway.Name, gateway.Line-document.before)
		if line := lineIn(object, step.ReplaceAllString(field, ".$1")); line > 0 {
			return document.before + line
		}
	}
	return gateway.Line
}

// step is one from a list, or a map, as paths of fields write it in brackets: ports[2].
var step = regexp.MustCompile(`\[([^\]]*)\]`)

// documentsIn are the documents of a file that can be read.
func documentsIn(file string) []document {
	var out []document
	for _, part := range partsOf(file) {
		root := yaml.Node{}
		if yaml.Unmarshal([]byte(strings.Join(part.lines, "\n")), &root) == nil && len(root.Content) > 0 {
			out = append(out, document{part.before, root.Content[0]})
		}
	}
	return out
}

// gatewayAt is the gateway of a name in a document that is said to be at a line of it; nil when there is none.
func gatewayAt(root *yaml.Node, name string, line int) *yaml.Node {
	objects := []*yaml.Node{root}
	if items := valueOf(root, "items"); items != nil {
		objects = items.Content
	}
	for _, object := range objects {
		named := valueOf(valueOf(object, "metadata"), "name")
		// A document begins at its first line, an item of a list is where its name is.
		if named != nil && named.Value == name && (line == named.Line || line == root.Line && object == root) {
			return object
		}
	}
	return nil
}

// valueOf is what a map holds at a key, nil when it holds nothing there.
func valueOf(node *yaml.Node, key string) *yaml.Node {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

// lineIn is the line of as much of a dotted path as there is; 0 when there is nothing of it. Cluster IDs and keys of
// annotations may hold dots, so at each step the longest key that fits is taken.
func lineIn(node *yaml.Node, path string) int {
	line := 0
	for node != nil && path != "" {
		if node.Kind == yaml.AliasNode {
			node = node.Alias
		}
		at, inside, rest := inNode(node, path)
		if inside == nil {
			break
		}
		line, node, path = at, inside, rest
	}
	return line
}

// inNode goes one step of a path: to what lies there, from which line on, and what is left of the path.
func inNode(node *yaml.Node, path string) (line int, inside *yaml.Node, rest string) {
	switch node.Kind {
	case yaml.MappingNode:
		longest := -1
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if len(key.Value) > longest && strings.HasPrefix(path+".", key.Value+".") {
				longest, line, inside = len(key.Value), key.Line, node.Content[i+1]
			}
		}
		return line, inside, strings.TrimPrefix(path[max(longest, 0):], ".")
	case yaml.SequenceNode:
		head, rest, _ := strings.Cut(path, ".")
		if i, err := strconv.Atoi(head); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i].Line, node.Content[i], rest
		}
	}
	return 0, nil, path
}
