package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// outputs are the ways to print results.
func outputs() []string {
	return []string{"table", "json", "yaml"}
}

// print prints the results the way that was asked for: one object for one gateway, a list for several.
func (o *reviewOptions) print(results []result) error {
	if o.output == "table" {
		return printTable(o.streams.Out, results)
	}
	var value any = results
	if len(results) == 1 {
		value = results[0]
	}
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if o.output == "yaml" {
		if text, err = yaml.JSONToYAML(text); err != nil {
			return err
		}
	}
	_, err = o.streams.Out.Write(text)
	return err
}

// printTable prints for each gateway the verdict, what the change does, a line for each finding in the words that kubectl
// apply would print, and what holds in the clusters where something is overridden.
func printTable(out io.Writer, results []result) error {
	for _, result := range results {
		overridden, err := effectiveLines(result.Effective)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, strings.Join(append(lines(result), overridden...), "\n  ")); err != nil {
			return err
		}
	}
	return nil
}

// lines are what there is to say of one gateway, the verdict first.
func lines(result result) []string {
	verdict := "would be admitted"
	if !result.Allowed {
		verdict = "would be refused"
	}
	out := []string{fmt.Sprintf("istiogateway %s: %s", key(&unstructured.Unstructured{Object: result.Gateway}), verdict)}
	for _, denial := range result.Denials {
		out = append(out, denial.String())
	}
	for _, warning := range result.Warnings {
		out = append(out, "Warning: "+warning.String())
	}
	for _, audit := range result.Audits {
		out = append(out, "Audit: "+audit.String())
	}
	for _, field := range result.Changes {
		for _, effect := range field.Effects {
			out = append(out, fmt.Sprintf("%s in %s: %s: %s -> %s", effect, strings.Join(field.Clusters, ", "), field.Path, inWords(field.Before), inWords(field.After)))
		}
	}
	return out
}

// inWords is a field's value as a line shows it.
func inWords(value any) string {
	if value == nil {
		return "(not set)"
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
