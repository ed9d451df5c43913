package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/review"
)

// policyReplayOptions are the flags of policy replay.
type policyReplayOptions struct {
	streams genericiooptions.IOStreams
	// log is the file with recorded decisions; - is standard input.
	log string
	// format is one of formats.
	format string
}

// newPolicyReplayCommand asks changed rules what they would have decided.
func newPolicyReplayCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := policyReplayOptions{streams: streams}
	command := &cobra.Command{
		Use:   "replay --log FILE [DIR]",
		Short: "Say which recorded decisions other rules would have made otherwise",
		Long: `Makes recorded decisions again, at their own time and with the clusters of that time, by the rules in a folder (those
that this binary carries by default), and says which come out otherwise, and for whom. The log holds one JSON object a
line, as review --record writes them.

Exit status: 0 when all come out as they were, 1 when some do not, 2 when that could not be said.`,
		Example: `  # Keep what is decided today
  kubectl portcullis review -f gateways/ --with clusters.yaml --record decisions.jsonl

  # Change a rule, and see whom it would have met
  kubectl portcullis policy replay --log decisions.jsonl policies`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, folders []string) error {
			if err := checkFormat(o.format); err != nil {
				return err
			}
			if o.log == "" {
				return errors.New("--log must name a file with decisions, is empty")
			}
			return o.run(command.Context(), folders)
		},
	}
	command.Flags().StringVar(&o.log, "log", "", "file with the decisions; - reads standard input")
	addFormat(command, &o.format)
	return command
}

// replayed is what came of all decisions: the contract of --format json.
type replayed struct {
	// Decisions counts those in the log, Different those that come out otherwise.
	Decisions int `json:"decisions"`
	Different int `json:"different"`
	// Revision of the rules that decided now.
	Revision string `json:"revision"`
	// Differences, in the order of the log.
	Differences []difference `json:"differences"`
}

// difference is a decision that comes out otherwise.
type difference struct {
	DecisionID string    `json:"decision_id"`
	Timestamp  time.Time `json:"timestamp"`
	Namespace  string    `json:"namespace"`
	Name       string    `json:"name"`
	User       string    `json:"user"`
	Operation  string    `json:"operation"`
	// Then and Now are admitted, warned, refused or undecided.
	Then string `json:"then"`
	Now  string `json:"now"`
	// Added and Gone are the sentences that are said only now, and only then.
	Added []string `json:"added"`
	Gone  []string `json:"gone"`
}

// run replays the log and prints what is different.
func (o *policyReplayOptions) run(ctx context.Context, folders []string) error {
	library, err := open(folders)
	if err != nil {
		return err
	}
	engine, err := library.engine(ctx)
	if err != nil {
		return err
	}
	records, err := o.records()
	if err != nil {
		return fmt.Errorf("reading %s: %w", o.log, err)
	}
	result := replayed{Decisions: len(records), Revision: engine.Revision(), Differences: []difference{}}
	for i, record := range records {
		found, err := replay(ctx, engine, record)
		if err != nil {
			return fmt.Errorf("replaying decision %d (%s): %w", i+1, record.DecisionID, err)
		}
		if found != nil {
			result.Differences = append(result.Differences, *found)
		}
	}
	result.Different = len(result.Differences)
	if err := o.print(result); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	if result.Different > 0 {
		return errRefused
	}
	return nil
}

// records reads the log.
func (o *policyReplayOptions) records() ([]review.Record, error) {
	in := io.NopCloser(o.streams.In)
	if o.log != "-" {
		file, err := os.Open(o.log)
		if err != nil {
			return nil, err
		}
		in = file
	}
	defer func() { _ = in.Close() }()
	var records []review.Record
	// Lines, and not values, so that what is wrong has a line.
	lines := bufio.NewReader(in)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			record := review.Record{}
			if err := json.Unmarshal(line, &record); err != nil {
				return nil, fmt.Errorf("line %d must be a decision: %w", number, err)
			}
			records = append(records, record)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if len(records) == 0 {
		return nil, errors.New("there must be a decision, is none")
	}
	return records, nil
}

// replay makes a decision again, and says what is different; nil when nothing is.
func replay(ctx context.Context, engine *policy.Engine, record review.Record) (*difference, error) {
	request, now, err := record.Request()
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for _, object := range record.Custom.With {
		objects = append(objects, &unstructured.Unstructured{Object: object})
	}
	known, err := knownIn(objects)
	if err != nil {
		return nil, err
	}
	// The policies are part of the set that is tried: those of then would judge beside those of now.
	if len(known.policies) > 0 {
		return nil, errors.New("custom.with must hold no GatewayPolicies, holds some: replay with the folder of their rules")
	}
	reviewer := &review.Reviewer{
		Engine:    func() *policy.Engine { return engine },
		Clusters:  func(context.Context) ([]v1alpha1.GatewayCluster, error) { return known.clusters, nil },
		Approvals: known.approvalsOf,
		Gateways:  known.allGateways,
		Gateway:   known.gatewayOf,
		Now:       func() time.Time { return now },
	}
	// What cannot be decided is a verdict too: the request would be refused.
	decision, undecided := again(ctx, reviewer, request)
	found := difference{
		DecisionID: record.DecisionID, Timestamp: record.Timestamp,
		Namespace: request.Namespace, Name: request.Name, User: request.User.Username, Operation: string(request.Operation),
	}
	var then []string
	found.Then, then = verdictOf(record)
	found.Now = "undecided"
	later := []string{fmt.Sprint(undecided)}
	if undecided == nil {
		found.Now, later = verdict(review.Result{Deny: decision.Denials, Warn: decision.Warnings, Audit: decision.Audits})
	}
	found.Added, found.Gone = without(later, then), without(then, later)
	if found.Then == found.Now && len(found.Added)+len(found.Gone) == 0 {
		return nil, nil
	}
	return &found, nil
}

// again fills in and judges, as the two webhooks do one after the other.
func again(ctx context.Context, reviewer *review.Reviewer, request review.Request) (review.Decision, error) {
	if request.Gateway != nil {
		filled, err := reviewer.Mutate(ctx, request)
		if err != nil {
			return review.Decision{}, err
		}
		if request.Gateway, err = toObject(filled); err != nil {
			return review.Decision{}, err
		}
	}
	return reviewer.Validate(ctx, request)
}

// verdictOf is the verdict of a record, and its sentences.
func verdictOf(record review.Record) (string, []string) {
	switch {
	case record.Error != nil:
		return "undecided", []string{record.Error.Message}
	case record.Result == nil:
		return "undecided", nil
	default:
		return verdict(*record.Result)
	}
}

// verdict is what was decided in a word, and its sentences.
func verdict(result review.Result) (string, []string) {
	word, sentences := "admitted", []string{}
	for _, audit := range result.Audit {
		sentences = append(sentences, "Audit: "+audit.String())
	}
	for _, warning := range result.Warn {
		word, sentences = "warned", append(sentences, "Warning: "+warning.String())
	}
	for _, denial := range result.Deny {
		word, sentences = "refused", append(sentences, denial.String())
	}
	return word, sentences
}

// without are the texts that are not among others, in order.
func without(texts, others []string) []string {
	left := slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return slices.Contains(others, text) })
	slices.Sort(left)
	return append([]string{}, left...)
}

// print prints the differences the way that was asked for.
func (o *policyReplayOptions) print(result replayed) error {
	if o.format == "json" {
		return printJSON(o.streams.Out, result)
	}
	rows := [][]string{{"GATEWAY", "USER", "OPERATION", "THEN", "NOW"}}
	for _, one := range result.Differences {
		rows = append(rows, []string{one.Namespace + "/" + one.Name, orDash(one.User), one.Operation, one.Then, one.Now})
	}
	lines := table(rows)
	if len(result.Differences) > 0 {
		_, _ = fmt.Fprintln(o.streams.Out, lines[0])
	}
	for i, one := range result.Differences {
		_, _ = fmt.Fprintln(o.streams.Out, lines[i+1])
		for _, sentence := range one.Added {
			_, _ = fmt.Fprintln(o.streams.Out, "  + "+sentence)
		}
		for _, sentence := range one.Gone {
			_, _ = fmt.Fprintln(o.streams.Out, "  - "+sentence)
		}
	}
	_, err := fmt.Fprintf(o.streams.Out, "%d of %d decisions come out otherwise\n", result.Different, result.Decisions)
	return err
}

// orDash shows what is empty.
func orDash(text string) string {
	if strings.TrimSpace(text) == "" {
		return "-"
	}
	return text
}
