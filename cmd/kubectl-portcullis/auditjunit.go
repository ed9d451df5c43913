package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"portcullis.dev/portcullis/pkg/audit"
	"portcullis.dev/portcullis/pkg/policy"
)

// junitReport is an audit as CI systems show tests: a suite is a gateway, and a case is a rule in force for it. A rule
// that only warns passes, with its words as output.
type junitReport struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

// junitSuite is one gateway.
type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

// junitCase is one rule asked about one gateway.
type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Line    int           `xml:"line,attr,omitempty"`
	Failure *junitProblem `xml:"failure,omitempty"`
	Error   *junitProblem `xml:"error,omitempty"`
	Output  string        `xml:"system-out,omitempty"`
}

// junitProblem is why a case did not pass.
type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// printJUnit prints an audit as JUnit's XML.
func printJUnit(out io.Writer, result audited) error {
	report := junitReport{Name: "kubectl portcullis audit"}
	for _, gateway := range result.Results {
		suite := junitSuiteOf(gateway, result.engine)
		report.Tests, report.Failures, report.Errors = report.Tests+suite.Tests, report.Failures+suite.Failures, report.Errors+suite.Errors
		report.Suites = append(report.Suites, suite)
	}
	text, err := xml.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s%s\n", xml.Header, text)
	return err
}

// junitSuiteOf is one gateway, with a case for each rule in force and for whatever else spoke.
func junitSuiteOf(of auditedGateway, engine *policy.Engine) junitSuite {
	suite := junitSuite{Name: of.Namespace + "/" + of.Name}
	if of.Error != "" {
		suite.Tests, suite.Errors = 1, 1
		suite.Cases = []junitCase{{
			Class: suite.Name, Name: "decision", File: of.File, Line: of.Line,
			Error: &junitProblem{Message: of.Error, Type: "undecided"},
		}}
		return suite
	}
	for _, code := range junitCodes(of, engine) {
		one := junitCaseOf(of, code)
		if one.Failure != nil {
			suite.Failures++
		}
		suite.Cases = append(suite.Cases, one)
	}
	suite.Tests = len(suite.Cases)
	return suite
}

// junitCodes are the codes of the rules in force for a gateway, and of whatever else spoke: its schema, for example.
func junitCodes(of auditedGateway, engine *policy.Engine) []string {
	var codes []string
	known := map[string]bool{}
	for _, rule := range engine.InForce(of.Namespace, of.labels) {
		if rule.Enforcement != "" {
			known[rule.Code] = true
			codes = append(codes, rule.Code)
		}
	}
	for _, finding := range of.Findings {
		if !known[finding.Code] {
			known[finding.Code] = true
			codes = append(codes, finding.Code)
		}
	}
	return codes
}

// junitCaseOf is what one rule said of a gateway.
func junitCaseOf(of auditedGateway, code string) junitCase {
	out := junitCase{Class: of.Namespace + "/" + of.Name, Name: code, File: of.File, Line: of.Line}
	var refusals []audit.Finding
	var refused, said []string
	for _, finding := range of.Findings {
		switch {
		case finding.Code != code:
		case finding.Enforcement == policy.Deny:
			refusals, refused = append(refusals, finding), append(refused, finding.String())
		default:
			said = append(said, auditSentence(finding))
		}
	}
	out.Output = strings.Join(said, "\n")
	if len(refusals) > 0 {
		out.Failure = &junitProblem{Message: refusals[0].Field + ": " + refusals[0].Message, Type: string(policy.Deny), Text: strings.Join(refused, "\n")}
	}
	return out
}
