package main

import (
	"cmp"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
)

// parsed are the options of a command line.
func parsed(t *testing.T, args ...string) options {
	t.Helper()
	var o options
	command := &cobra.Command{}
	o.addFlags(command)
	if err := command.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestFlagsHaveTheirDocumentedDefaults(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "portcullis-system")
	t.Setenv("POD_NAME", "webhook-1")
	want := map[string]string{
		"bind-address":                  "",
		"port":                          "9443",
		"health-probe-bind-address":     ":8081",
		"metrics-bind-address":          ":8080",
		"tls-cert-file":                 "",
		"tls-private-key-file":          "",
		"ca-secret-namespace":           "portcullis-system",
		"ca-secret-name":                "portcullis-webhook-ca",
		"dns-names":                     "[]",
		"certificate-duration":          "168h0m0s",
		"ca-duration":                   "8760h0m0s",
		"webhook-configuration-name":    "portcullis",
		"evaluation-deadline":           "1s",
		"bundle-config":                 "",
		"bundle-persist-dir":            "",
		"config":                        "",
		"namespace":                     "portcullis-system",
		"replica":                       "webhook-1",
		"kubeconfig":                    "",
		"decision-log":                  "stdout",
		"decision-log-config":           "",
		"decision-log-mask-env":         "true",
		"decision-log-mask-annotations": "[kubectl.kubernetes.io/last-applied-configuration]",
		"page-bind-address":             "",
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

func TestFlagsReachTheOptions(t *testing.T) {
	got := parsed(t,
		"--bind-address", "127.0.0.1", "--port", "1", "--health-probe-bind-address", ":2", "--metrics-bind-address", "0",
		"--tls-cert-file", "c", "--tls-private-key-file", "k", "--ca-secret-namespace", "n", "--ca-secret-name", "s",
		"--dns-names", "a,b", "--dns-names", "c", "--certificate-duration", "1h", "--ca-duration", "4h", "--webhook-configuration-name", "w",
		"--evaluation-deadline", "3s", "--config", "p", "--namespace", "m", "--replica", "r",
		"--bundle-config", "b", "--bundle-persist-dir", "d",
		"--decision-log", "none", "--decision-log-config", "l", "--decision-log-mask-env=false", "--decision-log-mask-annotations", "x,y")
	want := options{
		bindAddress: "127.0.0.1", port: 1, healthAddress: ":2", metricsAddress: "0",
		certFile: "c", keyFile: "k", caNamespace: "n", caName: "s",
		dnsNames: []string{"a", "b", "c"}, certificateDuration: time.Hour, caDuration: 4 * time.Hour, configuration: "w",
		deadline: 3 * time.Second, config: "p", namespace: "m", replica: "r",
		bundleConfig: "b", bundleDirectory: "d",
		decisionLog: "none", decisionLogConfig: "l", maskAnnotations: []string{"x", "y"},
	}
	want.logging = got.logging
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestValidateRefusesFlagsThatContradictEachOther(t *testing.T) {
	tests := map[string]struct {
		options options
		want    string
	}{
		"takes a certificate from files": {options{certFile: "c", keyFile: "k", namespace: "n"}, ""},
		"refuses to run nowhere":         {options{certFile: "c", keyFile: "k"}, "--namespace must name the namespace that the webhook runs in, is empty"},
		"refuses a name that no pod has": {
			options{certFile: "c", keyFile: "k", namespace: "n", replica: "a/b"},
			`--replica must be the name of a pod, is "a/b": ` + strings.Join(validation.IsDNS1123Subdomain("a/b"), ", "),
		},
		"makes a certificate of its own": {options{caNamespace: "istio-system", dnsNames: []string{"localhost"}, certificateDuration: 30 * time.Second, caDuration: 90 * time.Second}, ""},
		"refuses a certificate that ends before it can be replaced": {
			options{caNamespace: "istio-system", dnsNames: []string{"localhost"}, certificateDuration: 29 * time.Second, caDuration: time.Hour},
			"--certificate-duration must be at least 30s, is 29s",
		},
		"refuses a CA that ends too soon for its certificates": {
			options{caNamespace: "istio-system", dnsNames: []string{"localhost"}, certificateDuration: time.Hour, caDuration: 2 * time.Hour},
			"--ca-duration must be at least three times --certificate-duration (1h0m0s), is 2h0m0s",
		},
		"ignores the names of a certificate that it does not make": {
			options{certFile: "c", keyFile: "k", caNamespace: "istio-system", dnsNames: []string{"localhost"}}, "",
		},
		"refuses a directory for bundles without bundles": {
			options{certFile: "c", keyFile: "k", namespace: "n", bundleDirectory: "d"},
			"--bundle-persist-dir must come with --bundle-config, which says what to keep there",
		},
		"refuses a decision log that goes nowhere it knows": {
			options{certFile: "c", keyFile: "k", namespace: "n", decisionLog: "stderr"},
			`--decision-log must be stdout or none, is "stderr"`,
		},
		"refuses a certificate without its key": {
			options{certFile: "c", caNamespace: "istio-system", dnsNames: []string{"localhost"}},
			"--tls-cert-file and --tls-private-key-file must be set both or neither",
		},
		"refuses a key without its certificate": {
			options{keyFile: "k", caNamespace: "istio-system", dnsNames: []string{"localhost"}},
			"--tls-cert-file and --tls-private-key-file must be set both or neither",
		},
		"refuses a certificate of its own that has nowhere to lie": {
			options{namespace: "n", dnsNames: []string{"localhost"}},
			"--ca-secret-namespace must name a namespace when no certificate is given, is empty",
		},
		"refuses a certificate of its own for nobody": {
			options{caNamespace: "istio-system"},
			"--dns-names must name the hosts that the API server calls when no certificate is given, is empty",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := ""
			test.options.replica = cmp.Or(test.options.replica, "r")
			test.options.decisionLog = cmp.Or(test.options.decisionLog, logNone)
			if err := test.options.validate(); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestCommandLineRefusesToStart(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "")
	tests := map[string]struct {
		args []string
		want string
	}{
		"without anything":            {nil, "--namespace must name the namespace that the webhook runs in, is empty"},
		"with half of a certificate":  {[]string{"--tls-cert-file", "c"}, "--tls-cert-file and --tls-private-key-file must be set both or neither"},
		"with an argument":            {[]string{"serve"}, `unknown command "serve" for "webhook"`},
		"with an unknown flag":        {[]string{"--prot", "1"}, "unknown flag: --prot"},
		"with a deadline of no unit":  {[]string{"--evaluation-deadline", "1"}, `invalid argument "1" for "--evaluation-deadline" flag: time: missing unit in duration "1"`},
		"with a port that is no port": {[]string{"--port", "https"}, `invalid argument "https" for "--port" flag: strconv.ParseInt: parsing "https": invalid syntax`},
		"with a configuration that is nowhere": {
			[]string{"--namespace", "n", "--tls-cert-file", "c", "--tls-private-key-file", "k", "--config", "nowhere.yaml"},
			"compiling the rules: reading the configuration: open nowhere.yaml: no such file or directory",
		},
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
