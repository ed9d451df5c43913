package collector

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/plugins/rest"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/policy/opaconfig"
)

// Defaults of what the configuration leaves out. OPA's own wait five to ten minutes between uploads, in which whoever
// looks for a decision does not find it, and keep as much as there is memory.
const (
	defaultMinDelay = 1
	defaultMaxDelay = 5
	defaultBuffer   = 8 << 20
	defaultUpload   = 1 << 20
)

// Config is where decisions are sent.
type Config struct {
	// logs are the settings of the plugin.
	logs decisionLogs
	// text is what OPA's plugin manager gets, and plugin what its plugin gets.
	text, plugin []byte
}

// document is a configuration in OPA's format, as far as it concerns decision logs.
type document struct {
	Services     map[string]map[string]any `json:"services"`
	Keys         map[string]any            `json:"keys,omitempty"`
	Labels       map[string]string         `json:"labels,omitempty"`
	DecisionLogs *decisionLogs             `json:"decision_logs"`
}

// decisionLogs is the part about them.
type decisionLogs struct {
	Service       string    `json:"service,omitempty"`
	Resource      string    `json:"resource,omitempty"`
	PartitionName string    `json:"partition_name,omitempty"`
	Reporting     reporting `json:"reporting"`
}

// reporting is when and how much is sent, and how much is kept until then.
type reporting struct {
	MinDelay *int64 `json:"min_delay_seconds,omitempty"`
	MaxDelay *int64 `json:"max_delay_seconds,omitempty"`
	Upload   int64  `json:"upload_size_limit_bytes,omitempty"`
	Buffer   int64  `json:"buffer_size_limit_bytes,omitempty"`
	// Trigger is ours alone.
	Trigger string `json:"trigger,omitempty"`
}

// ReadConfig reads a configuration file in OPA's format and checks it. Of that format services (as an object), keys,
// labels and decision_logs are taken, and of the last one service, resource, partition_name and reporting; everything
// else is refused by its name, because whoever wrote it would think that it holds.
func ReadConfig(file string) (Config, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return Config{}, err
	}
	out, err := parse(raw)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", file, err)
	}
	return out, nil
}

// parse reads and checks a configuration.
func parse(raw []byte) (Config, error) {
	in := document{}
	if err := opaconfig.CheckKeys(raw, "decision_logs", "keys", "labels", "services"); err != nil {
		return Config{}, err
	}
	if err := yaml.UnmarshalStrict(raw, &in); err != nil {
		return Config{}, err
	}
	if in.DecisionLogs == nil {
		return Config{}, errors.New("decision_logs must say what to send where, is absent")
	}
	if err := in.checkServices(); err != nil {
		return Config{}, err
	}
	if err := in.DecisionLogs.Reporting.complete(); err != nil {
		return Config{}, fmt.Errorf("decision_logs.reporting.%w", err)
	}
	out := Config{logs: *in.DecisionLogs}
	var err error
	if out.text, err = json.Marshal(in); err != nil {
		return Config{}, err
	}
	// We say when to send, and bound what is kept: so what is lost can be counted by records.
	in.DecisionLogs.Reporting.Trigger, in.DecisionLogs.Reporting.Buffer = "manual", 0
	out.plugin, err = json.Marshal(in.DecisionLogs)
	return out, err
}

// checkServices finds the service that decisions go to, and checks all.
func (d *document) checkServices() error {
	names := slices.Sorted(maps.Keys(d.Services))
	if d.DecisionLogs.Service == "" && len(names) == 1 {
		d.DecisionLogs.Service = names[0]
	}
	if !slices.Contains(names, d.DecisionLogs.Service) {
		return fmt.Errorf("decision_logs.service must be one of the services (%s), is %q", strings.Join(names, ", "), d.DecisionLogs.Service)
	}
	for _, name := range names {
		text, err := json.Marshal(d.Services[name])
		if err != nil {
			return fmt.Errorf("services.%s: %w", name, err)
		}
		service := rest.Config{}
		if err := json.Unmarshal(text, &service); err != nil {
			return fmt.Errorf("services.%s: %w", name, err)
		}
		if !strings.HasPrefix(service.URL, "https://") && !strings.HasPrefix(service.URL, "http://") {
			return fmt.Errorf("services.%s.url must begin with https:// or http://, is %q", name, service.URL)
		}
		if _, err := service.AuthPlugin(nil); err != nil {
			return fmt.Errorf("services.%s.credentials: %w", name, err)
		}
	}
	return nil
}

// complete fills in what is absent, and refuses what cannot be. Its errors begin with the field's name.
func (r *reporting) complete() error {
	if err := r.check(); err != nil {
		return err
	}
	if r.MinDelay == nil && r.MaxDelay == nil {
		r.MinDelay, r.MaxDelay = new(int64(defaultMinDelay)), new(int64(defaultMaxDelay))
	}
	if r.Upload == 0 {
		r.Upload = defaultUpload
	}
	if r.Buffer == 0 {
		r.Buffer = defaultBuffer
	}
	return nil
}

// check refuses what cannot be.
func (r *reporting) check() error {
	switch {
	case (r.MinDelay == nil) != (r.MaxDelay == nil):
		return errors.New("min_delay_seconds and max_delay_seconds must be set both or neither")
	case r.MinDelay != nil && (*r.MinDelay < 0 || *r.MaxDelay < *r.MinDelay):
		return fmt.Errorf("max_delay_seconds must be at least min_delay_seconds, and neither below 0, are %d and %d", *r.MaxDelay, *r.MinDelay)
	case r.Upload < 0:
		return fmt.Errorf("upload_size_limit_bytes must be above 0, is %d", r.Upload)
	case r.Buffer < 0:
		return fmt.Errorf("buffer_size_limit_bytes must be above 0, is %d", r.Buffer)
	case r.Trigger != "" && r.Trigger != "periodic":
		return fmt.Errorf("trigger must be periodic, is %s", r.Trigger)
	}
	return nil
}
