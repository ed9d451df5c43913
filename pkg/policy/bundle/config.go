package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	opabundle "github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/plugins/rest"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/policy/opaconfig"
)

// fileLimit is the largest file in a bundle, unless the configuration has a size_limit_bytes. OPA's own limit, 1 GiB,
// is more than an admission webhook should ever hold.
const fileLimit = 16 << 20

// Config is where the bundle comes from.
type Config struct {
	// name of the bundle.
	name string
	// directory that the bundle is kept in.
	directory string
	// services by name, as they were configured.
	services map[string]rest.Config
	// text is what OPA's plugin manager gets.
	text []byte
}

// document is a configuration in OPA's format, as far as it concerns bundles.
type document struct {
	Services             map[string]map[string]any `json:"services"`
	Bundles              map[string]source         `json:"bundles"`
	Keys                 map[string]any            `json:"keys,omitempty"`
	PersistenceDirectory string                    `json:"persistence_directory"`
}

// source is one bundle.
type source struct {
	Service   string          `json:"service,omitempty"`
	Resource  string          `json:"resource,omitempty"`
	Signing   json.RawMessage `json:"signing,omitempty"`
	Persist   *bool           `json:"persist,omitempty"`
	SizeLimit int64           `json:"size_limit_bytes,omitempty"`
	Trigger   string          `json:"trigger,omitempty"`
	Polling   json.RawMessage `json:"polling,omitempty"`
}

// ReadConfig reads a configuration file in OPA's format and checks it. Of that format services (as an object), bundles,
// keys and persistence_directory are taken; everything else is refused by its name, because whoever wrote it would
// think that it holds. The directory, when it is not empty, stands for persistence_directory.
func ReadConfig(file, directory string) (Config, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return Config{}, err
	}
	out, err := parse(raw, directory)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", file, err)
	}
	return out, nil
}

// parse reads and checks a configuration.
func parse(raw []byte, directory string) (Config, error) {
	if err := opaconfig.CheckKeys(raw, "bundles", "keys", "persistence_directory", "services"); err != nil {
		return Config{}, err
	}
	in := document{}
	if err := yaml.UnmarshalStrict(raw, &in); err != nil {
		return Config{}, err
	}
	out := Config{services: map[string]rest.Config{}}
	if err := out.readBundle(&in, directory); err != nil {
		return Config{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(in.Services)) {
		if err := out.readService(&in, name); err != nil {
			return Config{}, fmt.Errorf("services.%s: %w", name, err)
		}
	}
	var err error
	out.text, err = json.Marshal(in)
	return out, err
}

// readBundle checks the bundle and states what OPA shall do with it.
func (c *Config) readBundle(in *document, directory string) error {
	if in.PersistenceDirectory != "" && directory != "" && in.PersistenceDirectory != directory {
		return fmt.Errorf("persistence_directory must be %s, as the flag, or absent, is %s", directory, in.PersistenceDirectory)
	}
	if in.PersistenceDirectory == "" {
		in.PersistenceDirectory = directory
	}
	if c.directory = in.PersistenceDirectory; c.directory == "" {
		return errors.New("persistence_directory must name a directory, is absent: without it a restart would forget the last good bundle")
	}
	names := slices.Sorted(maps.Keys(in.Bundles))
	if len(names) != 1 {
		// Several could be kept apart by their roots, but the library is one whole: main asks lib, and lib the rest.
		return fmt.Errorf("bundles must have exactly one bundle, which replaces the whole library, has %d: %s", len(names), strings.Join(names, ", "))
	}
	if c.name = names[0]; !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`).MatchString(c.name) {
		return fmt.Errorf("bundles: name must be letters, digits, - and _, is %q", c.name)
	}
	bundle := in.Bundles[c.name]
	if err := bundle.check(in); err != nil {
		return fmt.Errorf("bundles.%s.%w", c.name, err)
	}
	bundle.Persist = new(true)
	if bundle.SizeLimit == 0 {
		bundle.SizeLimit = fileLimit
	}
	in.Bundles[c.name] = bundle
	return nil
}

// check refuses a bundle that would be asked for only once or never, would not be kept or not be verified. Its errors
// begin with the field's name.
func (s source) check(in *document) error {
	switch {
	case strings.HasPrefix(s.Resource, "file:"):
		return fmt.Errorf("resource must be a path on the service, is %s", s.Resource)
	case s.Trigger != "" && s.Trigger != "periodic":
		return fmt.Errorf("trigger must be periodic, is %s", s.Trigger)
	case s.Persist != nil && !*s.Persist:
		return errors.New("persist must be true or absent, is false")
	case s.SizeLimit < 0:
		return fmt.Errorf("size_limit_bytes must be above 0, is %d", s.SizeLimit)
	case !s.isSigned() && len(in.Keys) > 0:
		// OPA would then verify signatures that are there, and take a bundle that has none.
		return errors.New("signing must be set when there are keys, is absent: unsigned bundles would be taken ({} verifies by any of the keys)")
	case !s.isSigned():
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(s.Signing))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&opabundle.VerificationConfig{}); err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	return nil
}

// isSigned says whether the bundle must be signed.
func (s source) isSigned() bool {
	return len(s.Signing) > 0 && string(s.Signing) != "null"
}

// readService checks a service and puts our own transport under it.
func (c *Config) readService(in *document, name string) error {
	text, err := json.Marshal(in.Services[name])
	if err != nil {
		return err
	}
	service := rest.Config{}
	if err := json.Unmarshal(text, &service); err != nil {
		return err
	}
	if _, err := service.AuthPlugin(nil); err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	if !in.Bundles[c.name].isSigned() && (!strings.HasPrefix(service.URL, "https://") || service.AllowInsecureTLS) {
		return fmt.Errorf("url must be https, verified, when the bundle is not signed, is %s: whoever is on the way could change the rules", service.URL)
	}
	c.services[name] = service
	in.Services[name]["credentials"] = map[string]any{"plugin": transportName(name)}
	return nil
}
