package bundle

import (
	"os"
	"strings"
	"testing"
)

func TestParseTakesOPAsFormat(t *testing.T) {
	tests := map[string]string{
		"with bundles that are not signed, over HTTPS": `
services: {rules: {url: https://rules.example}}
bundles: {portcullis: {service: rules, resource: b.tar.gz}}`,
		"with everything that it knows": `
services:
  rules:
    url: http://rules.example
    headers: {a: b}
    allow_insecure_tls: true
    response_header_timeout_seconds: 5
    tls: {ca_cert: ca.pem}
    credentials: {bearer: {token_path: token}}
bundles:
  portcullis:
    service: rules
    resource: bundles/b.tar.gz
    persist: true
    size_limit_bytes: 1000
    trigger: periodic
    polling: {min_delay_seconds: 1, max_delay_seconds: 2, long_polling_timeout_seconds: 3}
    signing: {keyid: k, scope: write, exclude_files: [a]}
keys: {k: {key: secret, algorithm: HS256, scope: write}}
persistence_directory: /kept`,
		"with bundles from a registry": `
services: {rules: {type: oci, url: https://registry.example, credentials: {bearer: {scheme: Basic, token: "a:b"}}}}
bundles: {portcullis: {service: rules, resource: "registry.example/rules:latest"}}`,
		"with any of the keys": `
services: {rules: {url: http://rules.example}}
bundles: {portcullis: {service: rules, resource: b, signing: {}}}
keys: {k: {key: secret, algorithm: HS256}}`,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			config, err := parse([]byte(text), "/kept")
			if err != nil {
				t.Fatal(err)
			}
			if config.directory != "/kept" || config.name != "portcullis" {
				t.Errorf("got %s in %s", config.name, config.directory)
			}
			if !strings.Contains(string(config.text), `"persist":true`) || !strings.Contains(string(config.text), `"plugin":"bounded/rules"`) {
				t.Errorf("got %s, want it kept and bounded", config.text)
			}
			run := &Runner{config: config, limits: defaultLimits()}
			manager, err := run.manager(t.Context(), newLogger(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			manager.Stop(t.Context())
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const service, one = `services: {rules: {url: https://rules.example}}`, `bundles: {portcullis: {service: rules, resource: b}}`
	https := func(more string) string { return service + "\n" + more }
	tests := map[string]struct{ text, directory, want string }{
		"decision logs":     {https(one + "\ndecision_logs: {console: true}"), "/kept", "key must be one of bundles, keys, persistence_directory, services, is decision_logs"},
		"status reports":    {https(one + "\nstatus: {console: true}"), "/kept", "key must be one of bundles, keys, persistence_directory, services, is status"},
		"discovery":         {https(one + "\ndiscovery: {}"), "/kept", "key must be one of bundles, keys, persistence_directory, services, is discovery"},
		"plugins":           {https(one + "\nplugins: {}"), "/kept", "key must be one of bundles, keys, persistence_directory, services, is plugins"},
		"the old format":    {https("bundle: {name: x, service: rules}"), "/kept", "key must be one of bundles, keys, persistence_directory, services, is bundle"},
		"a misspelt option": {https("bundles: {portcullis: {service: rules, resource: b, sining: {}}}"), "/kept", `unknown configuration option "bundles.portcullis.sining" encountered`},
		"a misspelt service": {
			"services: {rules: {url: https://rules.example, ulr: x}}\n" + one, "/kept", `unknown configuration option "services.rules.ulr" encountered`,
		},
		"a misspelt key": {
			https("bundles: {portcullis: {service: rules, resource: b, signing: {keyid: k}}}\nkeys: {k: {key: x, algo: HS256}}"), "/kept",
			`unknown configuration option "keys.k.algo" encountered`,
		},
		"a misspelt signing": {
			https("bundles: {portcullis: {service: rules, resource: b, signing: {keyID: k, scop: s}}}\nkeys: {k: {key: x, algorithm: HS256}}"), "/kept",
			`bundles.portcullis.signing: json: unknown field "scop"`,
		},
		"an option written twice": {https(one + "\n" + one), "/kept", `key "bundles" already set`},
		"no YAML":                 {"bundles: [", "/kept", "did not find expected node content"},
		"no directory":            {https(one), "", "persistence_directory must name a directory, is absent: without it a restart would forget the last good bundle"},
		"two directories":         {https(one + "\npersistence_directory: /other"), "/kept", "persistence_directory must be /kept, as the flag, or absent, is /other"},
		"no bundle":               {service, "/kept", "bundles must have exactly one bundle, which replaces the whole library, has 0: "},
		"two bundles": {
			https("bundles: {a: {service: rules, resource: a}, b: {service: rules, resource: b}}"), "/kept",
			"bundles must have exactly one bundle, which replaces the whole library, has 2: a, b",
		},
		"a name with a way out": {https("bundles: {../a: {service: rules, resource: a}}"), "/kept", `bundles: name must be letters, digits, - and _, is "../a"`},
		"a file": {
			https("bundles: {portcullis: {resource: file:///rules.tar.gz}}"), "/kept",
			"bundles.portcullis.resource must be a path on the service, is file:///rules.tar.gz",
		},
		"a bundle that nothing asks for": {
			https("bundles: {portcullis: {service: rules, resource: b, trigger: manual}}"), "/kept", "bundles.portcullis.trigger must be periodic, is manual",
		},
		"a bundle that is not kept": {
			https("bundles: {portcullis: {service: rules, resource: b, persist: false}}"), "/kept", "bundles.portcullis.persist must be true or absent, is false",
		},
		"a size below nothing": {
			https("bundles: {portcullis: {service: rules, resource: b, size_limit_bytes: -1}}"), "/kept", "bundles.portcullis.size_limit_bytes must be above 0, is -1",
		},
		"keys that nothing must be signed with": {
			https(one + "\nkeys: {k: {key: x, algorithm: HS256}}"), "/kept",
			"bundles.portcullis.signing must be set when there are keys, is absent: unsigned bundles would be taken ({} verifies by any of the keys)",
		},
		"bundles that are not signed, over HTTP": {
			"services: {rules: {url: http://rules.example}}\n" + one, "/kept",
			"services.rules: url must be https, verified, when the bundle is not signed, is http://rules.example: whoever is on the way could change the rules",
		},
		"bundles that are not signed, over HTTPS that is not verified": {
			"services: {rules: {url: https://rules.example, allow_insecure_tls: true}}\n" + one, "/kept",
			"services.rules: url must be https, verified, when the bundle is not signed, is https://rules.example: whoever is on the way could change the rules",
		},
		"two ways to log in": {
			"services: {rules: {url: https://rules.example, credentials: {bearer: {token: a}, client_tls: {cert: a}}}}\n" + one, "/kept",
			"services.rules: credentials: a maximum one credential method must be specified",
		},
		"a way to log in that only OPA's own server knows": {
			"services: {rules: {url: https://rules.example, credentials: {plugin: mine}}}\n" + one, "/kept",
			"services.rules: credentials: missing auth plugin lookup function",
		},
		"services in a list": {"services: [{name: rules, url: https://rules.example}]\n" + one, "/kept", "cannot unmarshal array into Go struct field document.services"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := parse([]byte(test.text), test.directory)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// What only OPA can tell is refused when it is asked, which is before the webhook is ready.
func TestStartRefuses(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"a service that is not there": {
			"services: {rules: {url: https://rules.example}}\nbundles: {portcullis: {service: rule, resource: b}}", `service name "rule" not found`,
		},
		"a key that is not there": {
			"services: {rules: {url: https://rules.example}}\nbundles: {portcullis: {service: rules, resource: b, signing: {keyid: x}}}\nkeys: {k: {key: x, algorithm: HS256}}",
			"key id x not found",
		},
		"an algorithm that is none": {
			"services: {rules: {url: https://rules.example}}\nbundles: {portcullis: {service: rules, resource: b, signing: {keyid: k}}}\nkeys: {k: {key: x, algorithm: none}}",
			"unsupported algorithm 'none'",
		},
		"a poll that is longer at least than at most": {
			"services: {rules: {url: https://rules.example}}\nbundles: {portcullis: {service: rules, resource: b, polling: {min_delay_seconds: 2, max_delay_seconds: 1}}}",
			"max polling delay must be >= min polling delay",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			config, err := parse([]byte(test.text), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			err = (&Runner{config: config, limits: defaultLimits()}).Start(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), "configuring OPA's plugins: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestReadConfigNamesItsFile(t *testing.T) {
	if _, err := ReadConfig("nowhere.yaml", "/kept"); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
	file := t.TempDir() + "/bundles.yaml"
	written(t, file, []byte("labels: {}\n"))
	if _, err := ReadConfig(file, "/kept"); err == nil || !strings.HasPrefix(err.Error(), file+": key must be one of ") {
		t.Errorf("got %v", err)
	}
}
