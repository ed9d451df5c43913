package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

// written writes a file and returns its path.
func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// decided names what a webhook with some options decides by.
func decided(t *testing.T, o options) string {
	t.Helper()
	opts, _, err := compile(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := policy.New(t.Context(), policies.FS, opts)
	if err != nil {
		t.Fatal(err)
	}
	return engine.Revision()
}

func TestCompileTakesTheConfiguration(t *testing.T) {
	builtIn := decided(t, options{deadline: time.Second})
	for name, test := range map[string]struct {
		text string
		same bool
	}{
		"with other parameters":      {text: "parameters: {namespace: {allowed: [gateways]}}\n"},
		"with another enforcement":   {text: "enforcement: {namespace: Warn}\n"},
		"that is an empty file":      {text: "", same: true},
		"with the parameters anyway": {text: "parameters: {namespace: {allowed: [istio-system]}}\n", same: true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := decided(t, options{config: written(t, "c.yaml", test.text)}); (got == builtIn) != test.same {
				t.Errorf("got revision %s, the built-in rules have %s", got, builtIn)
			}
		})
	}
}

// What is silently left out would let in what a platform team forbade.
func TestCompileRefusesAConfigurationThatItDoesNotUnderstand(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"with parameters of no rule":         {"parameters: {namspace: {allowed: [gateways]}}\n", "namspace"},
		"with parameters of no such name":    {"parameters: {namespace: {forbidden: [gateways]}}\n", "forbidden"},
		"with an enforcement of no rule":     {"enforcement: {namspace: Warn}\n", "namspace must be a validating rule"},
		"with an enforcement that is none":   {"enforcement: {namespace: Allow}\n", `namespace must be one of Deny, Warn, Audit, is "Allow"`},
		"with a field that there is not":     {"parameter: {}\n", "parameter"},
		"with parameters where rules belong": {"namespace: {allowed: [gateways]}\n", "namespace"},
		"written twice":                      {"parameters: {}\nparameters: {}\n", `key "parameters" already set`},
		"that is no YAML":                    {"parameters: [", "did not find expected node content"},
		"that is a list":                     {"[namespace]\n", "cannot unmarshal array"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := compile(t.Context(), options{config: written(t, "c.yaml", test.text)})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestRunRefusesToStartWithoutRules(t *testing.T) {
	path := written(t, "c.yaml", "parameters: {no-such-rule: {}}\n")
	err := run(t.Context(), options{config: path})
	if err == nil || !strings.HasPrefix(err.Error(), "compiling the rules: ") {
		t.Errorf("got %v, want it to refuse the rules before anything else", err)
	}
}

func TestRunSaysThatThereIsNoAPIServer(t *testing.T) {
	t.Setenv("KUBECONFIG", written(t, "kubeconfig", "{"))
	err := run(t.Context(), options{certFile: "c", keyFile: "k"})
	if err == nil || !strings.HasPrefix(err.Error(), "creating the manager: finding the API server: ") {
		t.Errorf("got %v", err)
	}
}

// A request that meets an empty cache would be decided wrongly, so an unfinished list must be an error.
func TestClustersListsWhatIsRegistered(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	one, other := &v1alpha1.GatewayCluster{}, &v1alpha1.GatewayCluster{}
	one.Name, other.Name = "c1", "c2"
	got, err := clusters(fake.NewClientBuilder().WithScheme(scheme).WithObjects(one, other).Build())(t.Context())
	if err != nil || len(got) != 2 || got[0].Name != "c1" || got[1].Name != "c2" {
		t.Errorf("got %v, %v", got, err)
	}
	broken := fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
			return errors.New("the cache is not started")
		},
	}).Build()
	if _, err := clusters(broken)(t.Context()); err == nil || err.Error() != "the cache is not started" {
		t.Errorf("got %v, want the lister's error", err)
	}
}

// A request that nobody can decide should rather find nobody.
func TestServerStartsAfterTheRules(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	runnable := afterCaches{server{started: errors.New("started")}, make(chan struct{}), make(chan struct{})}
	if err := runnable.Start(ctx); err != nil {
		t.Errorf("got %v, want it to end without having started", err)
	}
}

// The parameters are then those of the bundle's rules, which nobody knows yet.
func TestCompileLeavesTheRulesOfABundleForLater(t *testing.T) {
	config := written(t, "c.yaml", "parameters: {of_a_bundle: {x: 1}}\n")
	opts, _, err := compile(t.Context(), options{config: config, bundleConfig: "b"})
	if err != nil || opts.Parameters["of_a_bundle"] == nil {
		t.Errorf("got %v, %v", opts.Parameters, err)
	}
}

// server is a webhook server that only says that it was started.
type server struct {
	webhook.Server
	started error
}

func (s server) Start(context.Context) error {
	return s.started
}

func TestServerStartsAfterTheCachesOnEveryReplica(t *testing.T) {
	closed := make(chan struct{})
	close(closed)
	var runnable manager.Runnable = afterCaches{server{started: errors.New("started")}, closed, make(chan struct{})}
	if leader, ok := runnable.(manager.LeaderElectionRunnable); !ok || leader.NeedLeaderElection() {
		t.Error("the server waits to be the leader: other replicas would not answer")
	}
	if _, ok := runnable.(webhook.Server); ok {
		t.Error("the manager takes it for a webhook server, and would start it before the caches")
	}
	if err := runnable.Start(t.Context()); err == nil || err.Error() != "started" {
		t.Errorf("got %v, want the server's own answer", err)
	}
}

// unstarted is a manager that has an address of an API server and never calls it.
func unstarted(t *testing.T) manager.Manager {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, admissionregistrationv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	mgr, err := manager.New(&rest.Config{Host: "http://127.0.0.1:1"}, manager.Options{
		Scheme:  scheme,
		Metrics: metricsserver.Options{BindAddress: "0"},
		// A process has one writer of the CA, a test that is repeated has several.
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return mgr
}

func TestServerRefusesOldTLS(t *testing.T) {
	for name, o := range map[string]options{
		"with a certificate from files": {certFile: "c", keyFile: "k"},
		"with one of its own":           {caNamespace: "istio-system", caName: "ca", dnsNames: []string{"localhost"}, configuration: "portcullis"},
	} {
		t.Run(name, func(t *testing.T) {
			setup, err := certificates(unstarted(t), o, prometheus.NewRegistry())
			if err != nil {
				t.Fatal(err)
			}
			served := &tls.Config{}
			for _, set := range setup {
				set(served)
			}
			if served.MinVersion != tls.VersionTLS12 || served.GetCertificate == nil {
				t.Errorf("got minimum %x, certificate %v; want TLS 1.2 and a source", served.MinVersion, served.GetCertificate != nil)
			}
		})
	}
}

func TestCacheKeepsNoSecretsButTheCA(t *testing.T) {
	got := caSecretOnly(options{caNamespace: "istio-system", caName: "ca", configuration: "portcullis"}).ByObject
	if len(got) != 3 {
		t.Errorf("got %d kinds, want Secrets and the two webhook configurations", len(got))
	}
	for object, by := range got {
		switch object.(type) {
		case *corev1.Secret:
			if _, ok := by.Namespaces["istio-system"]; !ok || len(by.Namespaces) != 1 || by.Field.String() != "metadata.name=ca" {
				t.Errorf("Secrets: got %v of %s, want ca of istio-system", by.Namespaces, by.Field)
			}
		case *admissionregistrationv1.MutatingWebhookConfiguration, *admissionregistrationv1.ValidatingWebhookConfiguration:
			if by.Field.String() != "metadata.name=portcullis" {
				t.Errorf("%T: got %s, want portcullis alone", object, by.Field)
			}
		default:
			t.Errorf("got %T, want nothing else held back", object)
		}
	}
}

func TestReadinessSpeaksToWhoeverAsks(t *testing.T) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if err := (&caBundle{}).check(request); err == nil || err.Error() != "the webhook configurations do not hold the CA yet" {
		t.Errorf("got %v", err)
	}
}
