package main

import (
	"strings"
	"testing"
)

func TestFieldsAreFoundWhereTheyAreWritten(t *testing.T) {
	const one = `# what it is for
apiVersion: istio.alibabacloud.com/v1beta1
kind: IstioGateway
metadata:
  name: edge
  annotations:
    portcullis.dev/paused: "true"
    portcullis.dev: b
spec:
  clusterIds: [c1,
    c2]
  ports:
    - name: http
      port: 80
    - &shared
      name: https
      port: 443
  overrides:
    c1: {replicaCount: 2}
    c1.b: {serviceType: NodePort}
`
	aliased := strings.Replace(one, "  overrides:", "    - *shared\n  overrides:", 1)
	listed := "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.Replace(strings.TrimSpace(one), "# what it is for\n", "", 1), "\n", "\n  ") + "\n"
	first := strings.Replace(one, "name: edge", "name: other", 1)
	for name, test := range map[string]struct {
		text  string
		line  int
		field string
		want  int
	}{
		"a field":                             {one, 2, "spec.clusterIds", 10},
		"an item that is on a line":           {one, 2, "spec.clusterIds[1]", 11},
		"a field of an item":                  {one, 2, "spec.ports[1].port", 17},
		"a key with dots and slashes":         {one, 2, "metadata.annotations.portcullis.dev/paused", 7},
		"a key in brackets":                   {one, 2, "metadata.annotations[portcullis.dev/paused]", 7},
		"the longest key that fits":           {one, 2, "spec.overrides.c1.b.serviceType", 20},
		"a field in braces":                   {one, 2, "spec.overrides.c1.replicaCount", 19},
		"what an absent one would be part of": {one, 2, "spec.ports[0].targetPort", 13},
		"the list of an item that is not":     {one, 2, "spec.ports[7].port", 12},
		"the spec of what is not in it":       {one, 2, "spec.kernel.parameters.vm.swappiness", 9},
		"the gateway of what is nowhere":      {one, 2, "status.conditions", 2},
		"where an alias says it":              {aliased, 2, "spec.ports[2].port", 17},
		"an item of a list":                   {listed, 7, "spec.ports[1].port", 19},
		"the second document":                 {first + "---\n" + one, 23, "spec.clusterIds", 31},
		"the second of one name":              {one + "---\n" + one, 23, "spec.clusterIds", 31},
		"after one that cannot be read":       {"a: [\n---\n" + one, 4, "spec.clusterIds", 12},
		"lines of two letters":                {strings.ReplaceAll(one, "\n", "\r\n"), 2, "spec.clusterIds", 10},
	} {
		t.Run(name, func(t *testing.T) {
			of := auditedGateway{Name: "edge", File: file(t, test.text), Line: test.line}
			if got := (fieldLines{}).of(of, test.field); got != test.want {
				t.Errorf("got line %d, want %d", got, test.want)
			}
		})
	}
}

func TestFieldsOfNoFileAreWhereTheirGatewayIs(t *testing.T) {
	for _, file := range []string{"", "https://example.com/gateways.yaml"} {
		if got := (fieldLines{}).of(auditedGateway{Name: "edge", File: file, Line: 3}, "spec.ports"); got != 3 {
			t.Errorf("%q: got line %d, want 3", file, got)
		}
	}
}
