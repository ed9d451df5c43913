package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"

	"portcullis.dev/portcullis/pkg/audit"
	"portcullis.dev/portcullis/pkg/policy"
)

// sarifSchema describes version 2.1.0 of the Static Analysis Results Interchange Format.
const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// The parts of SARIF that an audit has something to say in, named as SARIF names them.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string        `json:"id"`
		ShortDescription sarifText     `json:"shortDescription"`
		FullDescription  sarifText     `json:"fullDescription"`
		Help             sarifMarkdown `json:"help"`
		HelpURI          string        `json:"helpUri,omitempty"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifMarkdown struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool                `json:"executionSuccessful"`
		Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		Name               string `json:"name"`
		FullyQualifiedName string `json:"fullyQualifiedName"`
		Kind               string `json:"kind"`
	}
)

// newSarif is an audit as SARIF: a result for each finding, at the line that its field is written at, and the rules with
// what they say of themselves.
func newSarif(result audited) sarifLog {
	rules, lines := sarifRules(result), fieldLines{}
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "Portcullis", Version: result.Revision, Rules: rules}},
		Invocations: []sarifInvocation{{ExecutionSuccessful: result.Undecided == 0}},
		Results:     []sarifResult{},
	}
	for _, gateway := range result.Results {
		if gateway.Error != "" {
			run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, sarifNotification{
				Level: "error", Message: sarifText{gateway.Error}, Locations: sarifLocations(gateway, gateway.Line),
			})
		}
		for _, finding := range gateway.Findings {
			run.Results = append(run.Results, sarifResultOf(gateway, finding, lines, rules))
		}
	}
	return sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}}
}

// sarifResultOf is one finding.
func sarifResultOf(gateway auditedGateway, finding audit.Finding, lines fieldLines, rules []sarifRule) sarifResult {
	levels := map[policy.Enforcement]string{policy.Deny: "error", policy.Warn: "warning", policy.Audit: "note"}
	// What it is about, not where it stands or how it is worded: so that what was seen is known again.
	sum := sha256.Sum256([]byte(strings.Join([]string{gateway.Namespace, gateway.Name, finding.Code, finding.Field}, "\x00")))
	return sarifResult{
		RuleID:       finding.Code,
		RuleIndex:    slices.IndexFunc(rules, func(rule sarifRule) bool { return rule.ID == finding.Code }),
		Level:        levels[finding.Enforcement],
		Message:      sarifText{finding.String()},
		Locations:    sarifLocations(gateway, lines.of(gateway, finding.Field)),
		Fingerprints: map[string]string{"portcullis/v1": hex.EncodeToString(sum[:])},
	}
}

// sarifLocations is where a gateway is, or something of it: at a line of a file if it came from one, and by its name.
func sarifLocations(of auditedGateway, line int) []sarifLocation {
	out := sarifLocation{Logical: []sarifLogical{{Name: of.Name, FullyQualifiedName: of.Namespace + "/" + of.Name, Kind: "object"}}}
	if of.File != "" {
		out.Physical = &sarifPhysical{sarifArtifact{(&url.URL{Path: of.File}).String()}, sarifRegion{line}}
	}
	return []sarifLocation{out}
}

// sarifRules are the rules that were asked, and whatever else spoke.
func sarifRules(result audited) []sarifRule {
	rules := []sarifRule{}
	for _, rule := range result.engine.Validating() {
		rules = append(rules, sarifRuleOf(rule))
	}
	for _, rule := range []policy.Described{
		{Code: "schema", Title: "Schema", Text: "What the API server refuses by the schema of IstioGateways, before any rule is asked."},
		{Code: "assumed", Title: "Assumed", Text: "What was taken for granted, because no GatewayCluster was given."},
	} {
		if slices.ContainsFunc(result.Rules, func(spoke auditedRule) bool { return spoke.Code == rule.Code }) {
			rules = append(rules, sarifRuleOf(rule))
		}
	}
	return rules
}

// sarifRuleOf is what a rule says of itself.
func sarifRuleOf(rule policy.Described) sarifRule {
	text, markdown := rule.Text, rule.Text
	if rule.Fix != "" {
		text, markdown = text+" What to do: "+rule.Fix+".", markdown+"\n\nWhat to do: "+rule.Fix+"."
	}
	out := sarifRule{ID: rule.Code, ShortDescription: sarifText{rule.Title}, FullDescription: sarifText{rule.Text}}
	for _, link := range rule.Links {
		markdown += "\n\n<" + link + ">"
	}
	if len(rule.Links) > 0 {
		out.HelpURI = rule.Links[0]
	}
	out.Help = sarifMarkdown{Text: text, Markdown: markdown}
	return out
}
