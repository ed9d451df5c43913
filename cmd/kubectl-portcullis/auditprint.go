package main

import (
	"fmt"
	"io"
	"strconv"

	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/audit"
	"portcullis.dev/portcullis/pkg/policy"
)

// print prints an audit the way that was asked for.
func (o *auditOptions) print(result audited) error {
	switch o.output {
	case "json":
		return printJSON(o.streams.Out, result)
	case "yaml":
		text, err := yaml.Marshal(result)
		if err != nil {
			return err
		}
		_, err = o.streams.Out.Write(text)
		return err
	case "sarif":
		return printJSON(o.streams.Out, newSarif(result))
	case "junit":
		return printJUnit(o.streams.Out, result)
	default:
		return printAudit(o.streams.Out, result)
	}
}

// printAudit prints what is to be said of each gateway in the words that kubectl apply would print, then how often each
// rule spoke, then the sum.
func printAudit(out io.Writer, result audited) error {
	var lines []string
	for _, gateway := range result.Results {
		lines = append(lines, auditLines(gateway)...)
	}
	if len(lines) > 0 {
		lines = append(lines, "")
	}
	rows := [][]string{{"RULE", "REFUSES", "WARNS", "RECORDS", "GATEWAYS"}}
	for _, rule := range result.Rules {
		rows = append(rows, []string{rule.Code, strconv.Itoa(rule.Denials), strconv.Itoa(rule.Warnings), strconv.Itoa(rule.Audits), strconv.Itoa(rule.Gateways)})
	}
	if len(rows) > 1 {
		lines = append(append(lines, table(rows)...), "")
	}
	gateways := "gateways"
	if result.Gateways == 1 {
		gateways = "gateway"
	}
	lines = append(lines, fmt.Sprintf("%d %s audited, %d would be refused, %d could not be decided; rules %s",
		result.Gateways, gateways, result.Refused, result.Undecided, result.Revision))
	for _, line := range lines {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

// auditLines are what is to be said of one gateway; nothing when it is in order.
func auditLines(of auditedGateway) []string {
	if len(of.Findings) == 0 && of.Error == "" {
		return nil
	}
	verdicts := map[string]string{"refused": "would be refused", "undecided": "could not be decided: " + of.Error}
	verdict, there := verdicts[of.Verdict]
	if !there {
		verdict = "would be admitted"
	}
	lines := []string{fmt.Sprintf("istiogateway %s/%s: %s", of.Namespace, of.Name, verdict)}
	for _, finding := range of.Findings {
		lines = append(lines, "  "+auditSentence(finding))
	}
	return lines
}

// auditSentence is a finding as review prints it.
func auditSentence(of audit.Finding) string {
	prefixes := map[policy.Enforcement]string{policy.Warn: "Warning: ", policy.Audit: "Audit: "}
	return prefixes[of.Enforcement] + of.String()
}
