package author

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"sigs.k8s.io/yaml"
)

// parameters are a file of them.
type parameters struct {
	// values by code.
	values map[string]any
	// text is the file, with its comments.
	text string
}

// readParameters reads a file of parameters; there are none where there is no such file.
func readParameters(library fs.FS, file string) (parameters, error) {
	text, err := fs.ReadFile(library, file)
	if errors.Is(err, fs.ErrNotExist) {
		return parameters{values: map[string]any{}}, nil
	}
	if err != nil {
		return parameters{}, err
	}
	out := parameters{values: map[string]any{}, text: string(text)}
	return out, yaml.UnmarshalStrict(text, &out.values, asWritten)
}

// asWritten keeps numbers as they are written, as the engine does.
func asWritten(decoder *json.Decoder) *json.Decoder {
	decoder.UseNumber()
	return decoder
}

// checkParameters wants every parameter to be of a rule: one that is not is a misspelt one, and its author would think
// it holds.
func (s *Set) checkParameters() []Finding {
	codes := map[string]bool{}
	for _, module := range s.modules {
		if isRule(module.folder()) {
			codes[path.Base(module.folder())] = true
		}
	}
	files := map[string]parameters{parametersFile: s.rulesOwn}
	for policy, own := range s.own {
		files[path.Join("own", policy, parametersFile)] = own
	}
	var findings []Finding
	for file, parameters := range files {
		for code := range parameters.values {
			if codes[code] {
				continue
			}
			findings = append(findings, Finding{
				File: path.Join(s.name, file), Line: parameters.line(code), Check: "parameters",
				Message: fmt.Sprintf("must be of a rule, are of %s, which is none", code), Fix: "name them after a rule's folder, or remove them",
			})
		}
	}
	return findings
}

// line is where the parameters of a code begin.
func (p parameters) line(code string) int {
	for i, line := range strings.Split(p.text, "\n") {
		if strings.HasPrefix(strings.TrimLeft(line, `"'`), code) {
			return i + 1
		}
	}
	return 1
}

// section is what the file says of one code, with its comments, as its author wrote it.
func (p parameters) section(code string) string {
	var lines []string
	inside := false
	for line := range strings.SplitSeq(p.text, "\n") {
		if line != "" && !strings.HasPrefix(line, " ") {
			inside = strings.HasPrefix(line, code+":")
		}
		if inside {
			lines = append(lines, line)
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
