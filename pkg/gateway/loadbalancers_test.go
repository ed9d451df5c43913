package gateway

import (
	"strings"
	"testing"
)

func TestLoadBalancers(t *testing.T) {
	const ports = `{ports: [{port: 80}, {port: 443}]}`
	for _, test := range []struct{ name, written, want, fails string }{
		{name: "are none where none is asked for", written: `[]`, want: `[]`},
		{
			name:    "are in the order of their names",
			written: `[{name: second}, {name: first, ports: [443]}]`,
			want:    `[{"name":"first","ports":[443]},{"name":"second"}]`,
		},
		{
			name:    "may be written as JSON",
			written: `[{"name":"private","annotations":{"a/b":"c"},"loadBalancerClass":"d/e","loadBalancerIP":"192.0.2.1","externalTrafficPolicy":"Local"}]`,
			want:    `[{"name":"private","annotations":{"a/b":"c"},"loadBalancerClass":"d/e","loadBalancerIP":"192.0.2.1","externalTrafficPolicy":"Local"}]`,
		},
		{name: "are no object", written: `{name: a}`, fails: "must be a list of load balancers, as YAML or JSON"},
		{name: "are no text", written: `[{name: a]`, fails: "must be a list of load balancers, as YAML or JSON"},
		{name: "have no other key", written: `[{name: a, bogus: b}]`, fails: `unknown field "bogus"`},
		{name: "have no key twice", written: `[{name: a, name: b}]`, fails: `key "name" already set`},
		{name: "have annotations of text", written: `[{name: a, annotations: {b: [1]}}]`, fails: "cannot unmarshal array"},
		{name: "have a name", written: `[{loadBalancerIP: 192.0.2.1}]`, fails: `[0].name must be small letters, digits and hyphens, as it ends the name of a Service, is ""`},
		{name: "have a name that a Service can end in", written: `[{name: A.b}]`, fails: `[0].name must be small letters, digits and hyphens, as it ends the name of a Service, is "A.b"`},
		{name: "have a name each", written: `[{name: a}, {name: a}]`, fails: `[1].name must be another one for each load balancer, is "a" again`},
		{name: "have a known policy", written: `[{name: a, externalTrafficPolicy: local}]`, fails: `[0].externalTrafficPolicy must be Cluster or Local, is "local"`},
		{name: "have ports of the gateway", written: `[{name: a, ports: [80, 81]}]`, fails: `[0].ports[1] must be the number of one of spec.ports, is 81`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := LoadBalancers(map[string]string{AnnotationLoadBalancers: test.written}, specOf(t, ports).Ports)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("got %v, want an error with %s", err, test.fails)
				}
				return
			}
			if err != nil || asJSON(t, got) != test.want {
				t.Errorf("got %s, %v, want %s", asJSON(t, got), err, test.want)
			}
		})
	}
	if got, err := LoadBalancers(nil, nil); got != nil || err != nil {
		t.Errorf("got %v, %v without the annotation, want neither", got, err)
	}
}
