package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/policy"
)

// print prints the rules in force the way that was asked for.
func (o *showOptions) print(rules []policy.RuleInForce) error {
	if o.output == "table" {
		return printRules(o.streams.Out, rules)
	}
	text, err := json.MarshalIndent(rules, "", "  ")
	if err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	text = append(text, '\n')
	if o.output == "yaml" {
		if text, err = yaml.JSONToYAML(text); err != nil {
			return fmt.Errorf("printing: %w", err)
		}
	}
	_, err = o.streams.Out.Write(text)
	return err
}

// printRules prints a row for each rule, and one below for each parameter that somebody changed.
func printRules(out io.Writer, rules []policy.RuleInForce) error {
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(table, "RULE\tENFORCEMENT\tFROM\tTITLE")
	for _, rule := range rules {
		enforcement, from := string(rule.Enforcement), rule.From
		if enforcement == "" {
			// It only fills in: there is nothing to enforce.
			enforcement, from = "-", "-"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", rule.Code, enforcement, from, rule.Title)
		for _, parameter := range rule.Parameters {
			if parameter.From != policy.FromDefaults {
				_, _ = fmt.Fprintf(table, "  %s\t\t%s\t%s\n", parameter.Path, parameter.From, inWords(parameter.Value))
			}
		}
	}
	// It gathers everything, and says at the end whether any of it could be written.
	return table.Flush()
}
