package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// place is where a gateway is written: a file and the line that its document begins at, or, in a list, that its name
// stands in. The zero value stands for nowhere.
type place struct {
	file string
	line int
}

// readPlaced reads the gateways of some files, each with its place.
func readPlaced(in io.Reader, files []string) ([]subject, error) {
	infos, err := infosOf(in, files)
	if err != nil {
		return nil, err
	}
	lines := map[string]map[string][]int{}
	var out []subject
	for _, info := range infos {
		object, _ := info.Object.(*unstructured.Unstructured)
		if object == nil || len(gatewaysIn([]*unstructured.Unstructured{object})) == 0 {
			continue
		}
		if lines[info.Source] == nil {
			lines[info.Source] = linesIn(info.Source)
		}
		of := subject{Unstructured: object}
		// Twice the same name in one file: the first of them comes first.
		if at := lines[info.Source][object.GetName()]; len(at) > 0 {
			of.place = place{file: filepath.ToSlash(info.Source), line: at[0]}
			lines[info.Source][object.GetName()] = at[1:]
		}
		out = append(out, of)
	}
	return out, nil
}

// linesIn are the lines of the gateways in a file, by their names; none when it is no file that can be read again.
func linesIn(file string) map[string][]int {
	out := map[string][]int{}
	for _, part := range partsOf(file) {
		addLines(out, part.lines, part.before)
	}
	return out
}

// part is one document of a file, after so many lines of others.
type part struct {
	before int
	lines  []string
}

// partsOf are the documents of a file; none when it cannot be read.
func partsOf(file string) []part {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var out []part
	first, lines := 0, strings.Split(string(text), "\n")
	for i := range lines {
		if !strings.HasPrefix(lines[i], "---") {
			continue
		}
		out = append(out, part{first, lines[first:i]})
		first = i + 1
	}
	return append(out, part{first, lines[first:]})
}

// written is as much of an object as tells what it is.
type written struct {
	APIVersion, Kind string
	Metadata         struct{ Name string }
}

// isGateway says whether it is one of ours to judge.
func (w written) isGateway() bool {
	return w.Kind == "IstioGateway" && strings.HasPrefix(w.APIVersion, v1beta1.GroupVersion.Group+"/")
}

// addLines adds the gateways of one document, of which so many lines come before.
func addLines(to map[string][]int, document []string, before int) {
	var read struct {
		written
		Items []written
	}
	if err := yaml.Unmarshal([]byte(strings.Join(document, "\n")), &read); err != nil {
		return
	}
	if read.isGateway() {
		to[read.Metadata.Name] = append(to[read.Metadata.Name], before+begins(document))
	}
	next := 0
	for _, item := range read.Items {
		next += naming(document[next:], item.Metadata.Name)
		if item.isGateway() {
			to[item.Metadata.Name] = append(to[item.Metadata.Name], before+max(next, 1))
		}
	}
}

// begins is the line, from 1, at which a document says something.
func begins(document []string) int {
	for i, line := range document {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return i + 1
		}
	}
	return 1
}

// naming is the line, from 1, that gives a name; 0 when none does.
func naming(lines []string, name string) int {
	gives := regexp.MustCompile(`\bname["']?\s*:\s*["']?` + regexp.QuoteMeta(name) + `["']?\s*([,}#].*)?$`)
	for i, line := range lines {
		if gives.MatchString(strings.TrimRight(line, "\r")) {
			return i + 1
		}
	}
	return 0
}
