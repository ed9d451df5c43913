package decision

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// masked stands for what must not be told.
const masked = "***"

// Masking says which values of a gateway must not be told: not in what a change replaces, and not in what rules say
// about it either.
type Masking struct {
	// Env masks the value of every environment variable.
	Env bool
	// Annotations are the names of those whose values are masked, on the gateway and on what is made of it.
	Annotations []string
}

// Mask is a record without what must not be told. The rest of it is shared with the record, which stays as it is.
func (m Masking) Mask(record Record) Record {
	secrets := m.secretsOf(record)
	record.object, record.old = nil, nil
	if len(secrets) == 0 {
		return record
	}
	hide := func(text string) string { return hidden(text, secrets) }
	record.Message = hide(record.Message)
	record.Findings = slices.Clone(record.Findings)
	for i := range record.Findings {
		finding := &record.Findings[i]
		finding.Field, finding.Message, finding.Fix = hide(finding.Field), hide(finding.Message), hide(finding.Fix)
	}
	if record.Change == nil {
		return record
	}
	changed := *record.Change
	changed.Changes = slices.Clone(changed.Changes)
	for i := range changed.Changes {
		field := &changed.Changes[i]
		keys := keysOf(field.Path)
		field.Before, field.After = m.cover(keys, field.Before, secrets), m.cover(keys, field.After, secrets)
	}
	record.Change = &changed
	return record
}

// secretsOf are the values of a record that must not be told, the longest first: one may hold another.
func (m Masking) secretsOf(record Record) []string {
	var found []string
	note := func(value any) { found = append(found, spellings(value)...) }
	for _, raw := range [][]byte{record.object, record.old} {
		var object any
		// Reading takes longer than all the rest, and most gateways have nothing to mask. What is no JSON holds nothing
		// that anybody could have told.
		if m.concerns(raw) && json.Unmarshal(raw, &object) == nil {
			m.visit(nil, object, note)
		}
	}
	if record.Change != nil {
		// What is held until an approval comes is no longer in the object.
		for _, field := range record.Change.Changes {
			m.visit(keysOf(field.Path), field.Before, note)
			m.visit(keysOf(field.Path), field.After, note)
		}
	}
	slices.SortFunc(found, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(found)
}

// concerns says whether an object may hold something to mask.
func (m Masking) concerns(raw []byte) bool {
	if m.Env && bytes.Contains(raw, []byte(`"env"`)) {
		return true
	}
	return slices.ContainsFunc(m.Annotations, func(name string) bool { return bytes.Contains(raw, []byte(name)) })
}

// visit calls a function with every value that must not be told, of a value that lies under some keys.
func (m Masking) visit(keys []string, value any, note func(any)) {
	if m.covers(keys) {
		note(value)
		return
	}
	switch of := value.(type) {
	case map[string]any:
		for key, item := range of {
			m.visit(append(slices.Clip(keys), key), item, note)
		}
	case []any:
		for _, item := range of {
			m.visit(append(slices.Clip(keys), "[]"), item, note)
		}
	}
}

// cover is a value that lies under some keys without what must not be told. It changes nothing in place.
func (m Masking) cover(keys []string, value any, secrets []string) any {
	if m.covers(keys) && value != nil {
		return masked
	}
	switch of := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(of))
		for key, item := range of {
			out[key] = m.cover(append(slices.Clip(keys), key), item, secrets)
		}
		return out
	case []any:
		out := make([]any, len(of))
		for i, item := range of {
			out[i] = m.cover(append(slices.Clip(keys), "[]"), item, secrets)
		}
		return out
	case string:
		return hidden(of, secrets)
	default:
		return value
	}
}

// covers says whether what lies under some keys must not be told.
func (m Masking) covers(keys []string) bool {
	last := len(keys) - 1
	if last < 1 {
		return false
	}
	if m.Env && keys[last] == "value" && last >= 2 && keys[last-2] == "env" {
		return true
	}
	return strings.HasSuffix(strings.ToLower(keys[last-1]), "annotations") && slices.Contains(m.Annotations, keys[last])
}

// keysOf parts the path of a changed field. The name of an annotation has dots of its own, and is the last key.
func keysOf(path string) []string {
	lower := strings.ToLower(path)
	if at := strings.Index(lower, "annotations."); at >= 0 {
		at += len("annotations")
		return append(strings.Split(path[:at], "."), strings.Trim(path[at+1:], `[]"`))
	}
	return strings.Split(path, ".")
}

// spellings are the ways in which a value may stand in a text: as it is, in JSON and in Go's quotes.
func spellings(value any) []string {
	text, isText := value.(string)
	if !isText {
		raw, err := json.Marshal(value)
		if err != nil || value == nil {
			return nil
		}
		text = string(raw)
	}
	out := []string{text}
	escaped := &bytes.Buffer{}
	encoder := json.NewEncoder(escaped)
	for _, html := range []bool{true, false} {
		escaped.Reset()
		encoder.SetEscapeHTML(html)
		if encoder.Encode(text) == nil {
			written := strings.TrimSuffix(escaped.String(), "\n")
			out = append(out, written[1:len(written)-1])
		}
	}
	quoted := fmt.Sprintf("%q", text)
	out = append(out, quoted[1:len(quoted)-1])
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(spelling string) bool { return spelling == "" })
}
