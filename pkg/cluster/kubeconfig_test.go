package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kubeconfigOf is a kubeconfig with one server and one user, each in YAML.
func kubeconfigOf(server, user string) []byte {
	return []byte(`
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: ` + server + `}]
users: [{name: u, user: ` + user + `}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`)
}

const goodServer, goodUser = `{server: "https://10.0.0.1:6443"}`, `{token: secret}`

func TestRESTConfigTakesWhatRemoteSecretsHold(t *testing.T) {
	config, err := RESTConfig(kubeconfigOf(`{server: "https://10.0.0.1:6443", certificate-authority-data: Q0E=, tls-server-name: api}`, `{token: secret}`))
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != "https://10.0.0.1:6443" || config.BearerToken != "secret" || string(config.CAData) != "CA" || config.ServerName != "api" {
		t.Errorf("got %+v", config)
	}
	if config.QPS != requestsPerSecond || config.Burst != requestsAtOnce {
		t.Errorf("got %v requests a second and %d at once, want %d and %d", config.QPS, config.Burst, requestsPerSecond, requestsAtOnce)
	}
	config, err = RESTConfig(kubeconfigOf(goodServer, `{client-certificate-data: Q0VSVA==, client-key-data: S0VZ}`))
	if err != nil {
		t.Fatal(err)
	}
	if string(config.CertData) != "CERT" || string(config.KeyData) != "KEY" {
		t.Errorf("got %+v", config)
	}
}

func TestRESTConfigRefusesWhatRunsCodeOrReadsFiles(t *testing.T) {
	tests := map[string]struct {
		server, user, want string
	}{
		"a command":                  {goodServer, `{token: t, exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, interactiveMode: Never}}`, "users[u].exec must be absent"},
		"a login plugin":             {goodServer, `{token: t, auth-provider: {name: oidc}}`, "users[u].auth-provider must be absent"},
		"the file of a certificate":  {goodServer, `{client-certificate: /etc/passwd, token: t}`, "users[u].client-certificate must be absent"},
		"the file of a key":          {goodServer, `{client-key: /etc/passwd, token: t}`, "users[u].client-key must be absent"},
		"the file of a token":        {goodServer, `{tokenFile: /var/run/secrets/token}`, "users[u].tokenFile must be absent"},
		"a password":                 {goodServer, `{username: a, password: b, token: t}`, "users[u].username must be absent"},
		"somebody else's name":       {goodServer, `{as: "system:admin", token: t}`, "users[u].as must be absent"},
		"no credentials":             {goodServer, `{}`, "users[u].token must be set"},
		"the file of a CA":           {`{server: "https://a", certificate-authority: /etc/ssl/ca.pem}`, goodUser, "clusters[c].certificate-authority must be absent"},
		"a server that anybody is":   {`{server: "https://a", insecure-skip-tls-verify: true}`, goodUser, "clusters[c].insecure-skip-tls-verify must be absent"},
		"a server in the clear":      {`{server: "http://a"}`, goodUser, "clusters[c].server must be an https:// address"},
		"no server":                  {`{}`, goodUser, "clusters[c].server must be an https:// address"},
		"two of these, both of them": {`{server: "http://a"}`, `{tokenFile: /t}`, "clusters[c].server must be an https:// address\nusers[u].tokenFile must be absent"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			config, err := RESTConfig(kubeconfigOf(test.server, test.user))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v, want an error that says %q", config, err, test.want)
			}
		})
	}
}

func TestRESTConfigRefusesWhatLeadsNowhere(t *testing.T) {
	whole := string(kubeconfigOf(goodServer, goodUser))
	tests := map[string]struct{ kubeconfig, want string }{
		"nothing":            {"", `current-context must be one of the kubeconfig's contexts (none), is ""`},
		"no YAML":            {"{", "reading the kubeconfig: "},
		"another context":    {strings.Replace(whole, "current-context: x", "current-context: other", 1), `current-context must be one of the kubeconfig's contexts (x), is "other"`},
		"a cluster not told": {strings.Replace(whole, "cluster: c,", "cluster: d,", 1), `contexts[x].cluster must be one of the kubeconfig's clusters (c), is "d"`},
		"a user not told":    {strings.Replace(whole, "user: u}", "user: v}", 1), `contexts[x].user must be one of the kubeconfig's users (u), is "v"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := RESTConfig([]byte(test.kubeconfig)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that says %q", err, test.want)
			}
		})
	}
}

// A kubeconfig of somebody's own machine, in the environment or at home, must not fill in what a Secret leaves out.
func TestRESTConfigReadsNothingButTheSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, kubeconfigOf(`{server: "https://elsewhere"}`, `{token: other}`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", file)
	config, err := RESTConfig(kubeconfigOf(goodServer, goodUser))
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != "https://10.0.0.1:6443" || config.BearerToken != "secret" {
		t.Errorf("got %s with token %s", config.Host, config.BearerToken)
	}
}
