package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// kubeconfig makes the controller find an API server at an address where none is.
func kubeconfig(t *testing.T, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", path)
}

// kubeconfigFor names an API server.
func kubeconfigFor(address string) string {
	return `{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
  clusters: [{name: c, cluster: {server: "` + address + `"}}], users: [{name: u, user: {}}]}`
}

// apiServer says which kinds there are but for those that are missing, and nothing else.
func apiServer(t *testing.T, missing ...string) string {
	t.Helper()
	groups := &metav1.APIGroupList{}
	answers := map[string]any{"/api": &metav1.APIVersions{Versions: []string{"v1"}}, "/apis": groups}
	for version, kinds := range map[string]string{
		"v1":                              "ConfigMap Secret Service ServiceAccount Pod Event",
		"apps/v1":                         "Deployment",
		"autoscaling/v2":                  "HorizontalPodAutoscaler",
		"discovery.k8s.io/v1":             "EndpointSlice",
		"policy/v1":                       "PodDisruptionBudget",
		"rbac.authorization.k8s.io/v1":    "Role RoleBinding",
		"istio.alibabacloud.com/v1beta1":  "IstioGateway",
		"admissionregistration.k8s.io/v1": "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding",
		"portcullis.dev/v1alpha1":         "GatewayCluster ChangeApproval",
	} {
		resources := &metav1.APIResourceList{GroupVersion: version}
		for _, kind := range strings.Fields(kinds) {
			if slices.Contains(missing, kind) {
				continue
			}
			resources.APIResources = append(resources.APIResources, metav1.APIResource{Name: strings.ToLower(kind) + "s", Kind: kind, Namespaced: kind != "GatewayCluster"})
		}
		group, _, named := strings.Cut(version, "/")
		if !named {
			answers["/api/"+version] = resources
			continue
		}
		answers["/apis/"+version] = resources
		found := metav1.GroupVersionForDiscovery{GroupVersion: version, Version: strings.TrimPrefix(version, group+"/")}
		groups.Groups = append(groups.Groups, metav1.APIGroup{Name: group, Versions: []metav1.GroupVersionForDiscovery{found}, PreferredVersion: found})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Errorf("answering %s: %v", r.URL, err)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// managerOf puts a manager together and does not start it.
func managerOf(t *testing.T, o options) (manager.Manager, error) {
	t.Helper()
	kubeconfig(t, kubeconfigFor(apiServer(t)))
	if o.healthAddress == "" {
		o.healthAddress = "0"
	}
	o.metricsAddress = "0"
	return newManager(o, nil)
}

func TestManagerKnowsTheTypesThatItWorksOn(t *testing.T) {
	mgr, err := managerOf(t, options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []schema.GroupVersionKind{
		v1beta1.GroupVersion.WithKind("IstioGateway"),
		v1beta1.GroupVersion.WithKind("IstioGatewayList"),
		v1alpha1.GroupVersion.WithKind("GatewayCluster"),
		v1alpha1.GroupVersion.WithKind("GatewayClusterList"),
		{Group: "apps", Version: "v1", Kind: "Deployment"},
		{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"},
		{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "Role"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "RoleBinding"},
		{Version: "v1", Kind: "Service"},
		{Version: "v1", Kind: "ServiceAccount"},
	} {
		if !mgr.GetScheme().Recognizes(kind) {
			t.Errorf("does not know %s", kind)
		}
	}
}

// Two controllers at work would undo each other's status: an election that has nowhere to be held must stop
// the controller, not be skipped.
func TestManagerHoldsAnElectionWhenAsked(t *testing.T) {
	tests := map[string]struct {
		options options
		want    string
	}{
		"none unless asked":                {options{}, ""},
		"one in the namespace of the flag": {options{leaderElect: true, leaderElectionNamespace: "istio-system"}, ""},
		"none outside of a cluster, where no namespace is its own": {
			options{leaderElect: true},
			"unable to find leader election namespace: not running in-cluster, please specify LeaderElectionNamespace",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := ""
			if _, err := managerOf(t, test.options); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestManagerSaysThatAnAddressCannotBeServed(t *testing.T) {
	_, err := managerOf(t, options{healthAddress: "127.0.0.1:-1"})
	if err == nil || !strings.Contains(err.Error(), "address -1: invalid port") {
		t.Errorf("got %v, want the address of the health checks", err)
	}
}

func TestRunSaysWhatKeepsItFromStarting(t *testing.T) {
	tests := map[string]struct{ kubeconfig, want string }{
		"a kubeconfig that is none":          {"{", "creating the manager: finding the API server: "},
		"an API server that does not answer": {kubeconfigFor("http://127.0.0.1:1"), "creating the manager: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			kubeconfig(t, test.kubeconfig)
			err := run(t.Context(), options{workers: 1, healthAddress: "0", metricsAddress: "0"})
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want it to begin with %q", err, test.want)
			}
		})
	}
}

// On a cluster that lacks a kind the controller would wait for ever for what it cannot watch.
func TestManagerSaysWhichKindTheAPIServerLacks(t *testing.T) {
	for _, kind := range []string{"Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "EndpointSlice", "Role", "RoleBinding", "ServiceAccount"} {
		t.Run(kind, func(t *testing.T) {
			kubeconfig(t, kubeconfigFor(apiServer(t, kind)))
			_, err := newManager(options{healthAddress: "0", metricsAddress: "0"}, nil)
			if err == nil || !strings.Contains(err.Error(), kind) {
				t.Errorf("got %v, want it to name %s", err, kind)
			}
		})
	}
}

func TestHelpSaysWhatTheControllerIsFor(t *testing.T) {
	var out strings.Builder
	command := newCommand()
	command.SetOut(&out)
	command.SetArgs([]string{"--help"})
	if err := command.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Makes accepted IstioGateways real", "--workers int", "--leader-elect ", "--zap-log-level"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}
