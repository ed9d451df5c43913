package policy_test

import (
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

// TestNewRefusesARuleThatReadsNoFieldOfTheInput adds a rule to the built-in ones: what it refuses by a misspelt field
// would be let in for ever.
func TestNewRefusesARuleThatReadsNoFieldOfTheInput(t *testing.T) {
	for name, test := range map[string]struct{ condition, says string }{
		"of the gateway":          {`input.gatway.spec`, "undefined ref: input.gatway.spec"},
		"of the spec":             {`input.gateway.spec.replicaCounts > 1`, "undefined ref: input.gateway.spec.replicaCounts"},
		"of the change":           {`input.change.effects.Restarts`, "undefined ref: input.change.effects.Restarts"},
		"as what it is not":       {`input.gateway.spec.replicaCount == "1"`, "match error"},
		"of an approval":          {`input.approvals[_].approver == "a"`, "undefined ref: input.approvals"},
		"of the one who asks":     {`input.request.user.name == "a"`, "undefined ref: input.request.user.name"},
		"of the object before it": {`input.old.specs`, "undefined ref: input.old.specs"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.New(t.Context(), extended(t, map[string]string{
				"validate/own/own.rego": described + "package validate.own\n\ndeny contains 1 if " + test.condition + "\n",
			}), policy.Options{})
			expectError(t, err, "compiling the rules", "validate/own/own.rego:7: rego_type_error", test.says)
		})
	}
}

func TestNewRefusesASchemaThatIsNone(t *testing.T) {
	for name, test := range map[string]struct{ schema, says string }{
		"for it is no JSON":   {"{", "reading the schema of the input: schemas/input.json: unexpected end of JSON input"},
		"for it is no schema": {`{"type": "text", "definitions": {"port": {}}}`, "compiling the rules"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.New(t.Context(), with(quiet(), map[string]string{"schemas/input.json": test.schema}), policy.Options{})
			expectError(t, err, test.says)
		})
	}
}

// Somebody who misspells a default would find out when every gateway is refused.
func TestNewRefusesDefaultsThatNoGatewayCouldHave(t *testing.T) {
	of := func(defaults map[string]any) map[string]any { return map[string]any{"defaults": defaults} }
	for name, test := range map[string]struct {
		own  map[string]any
		says string
	}{
		"misspelt":           {of(map[string]any{"all": map[string]any{"replicas": 2}}), "defaults.all.replicas must be absent: no rule reads it"},
		"mistyped":           {of(map[string]any{"ingress": map[string]any{"replicaCount": "2"}}), "defaults.ingress.replicaCount: Invalid type. Expected: integer, given: string"},
		"of no known word":   {of(map[string]any{"egress": map[string]any{"serviceType": "Balancer"}}), "defaults.egress.serviceType: "},
		"misspelt, deeper":   {of(map[string]any{"clusters": map[string]any{"c1": map[string]any{"resources": map[string]any{"limit": map[string]any{}}}}}), "defaults.clusters.c1.resources.limit must be absent: no rule reads it"},
		"mistyped in a part": {of(map[string]any{"within": map[string]any{"compression": map[string]any{"gzip": map[string]any{"window_bits": "12"}}}}), "defaults.within.compression.gzip.window_bits: Invalid type"},
		"taken away":         {of(map[string]any{"all": map[string]any{"gatewayType": nil}}), "defaults.all: gatewayType is required"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.New(t.Context(), policies.FS, policy.Options{Parameters: test.own})
			expectError(t, err, "reading the parameters", test.says)
		})
	}
}
