package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestFlagsHaveTheirDocumentedDefaults(t *testing.T) {
	want := map[string]string{
		"health-probe-bind-address": ":8081",
		"metrics-bind-address":      ":8080",
		"leader-elect":              "false",
		"leader-election-namespace": "",
		"workers":                   "16",
		"kubeconfig":                "",
		"approval-retention":        "2160h0m0s",
		"fence":                     "true",
		"cloud-controller":          "[]",
		"emergency-group":           "",
		"remote-secret-namespace":   "istio-system",
		"audit-interval":            "10m0s",
		"config":                    "",
		"bundle-config":             "",
		"bundle-persist-dir":        "",
	}
	flags := newCommand().Flags()
	for name, value := range want {
		flag := flags.Lookup(name)
		if flag == nil {
			t.Errorf("--%s: there is no such flag", name)
			continue
		}
		if flag.DefValue != value {
			t.Errorf("--%s: got default %q, want %q", name, flag.DefValue, value)
		}
		if flag.Usage == "" {
			t.Errorf("--%s: says nothing in the help", name)
		}
	}
	flags.VisitAll(func(flag *pflag.Flag) {
		if _, listed := want[flag.Name]; !listed && !strings.HasPrefix(flag.Name, "zap-") {
			t.Errorf("--%s: is not in this list of flags", flag.Name)
		}
	})
}

func TestCommandLineRefusesToStart(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"without workers":                 {[]string{"--workers", "0"}, "--workers must be at least 1, is 0"},
		"with less than no workers":       {[]string{"--workers=-1"}, "--workers must be at least 1, is -1"},
		"with workers that are no number": {[]string{"--workers", "many"}, `invalid argument "many" for "--workers" flag: strconv.ParseInt: parsing "many": invalid syntax`},
		"with a switch that is neither":   {[]string{"--leader-elect=maybe"}, `invalid argument "maybe" for "--leader-elect" flag: strconv.ParseBool: parsing "maybe": invalid syntax`},
		"with an audit without a pause":   {[]string{"--audit-interval", "10ms"}, "--audit-interval must be 0 or at least 1s, is 10ms"},
		"with an audit before the last":   {[]string{"--audit-interval=-1m"}, "--audit-interval must be 0 or at least 1s, is -1m0s"},
		"with a place for no bundle":      {[]string{"--bundle-persist-dir", "/tmp"}, "--bundle-persist-dir must come with --bundle-config, which says what to keep there"},
		"with an argument":                {[]string{"start"}, `unknown command "start" for "controller"`},
		"with an unknown flag":            {[]string{"--worker", "1"}, "unknown flag: --worker"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			command := newCommand()
			command.SetArgs(test.args)
			err := command.ExecuteContext(t.Context())
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
