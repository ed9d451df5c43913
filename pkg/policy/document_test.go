package policy_test

import (
	"encoding/json"
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
)

// effective is a part of the input that a caller has as a type of its own.
type effective struct {
	Replicas *int     `json:"replicas,omitempty"`
	Names    []string `json:"names"`
}

func TestInputIsWrittenAsTheRulesReadIt(t *testing.T) {
	in := creating(map[string]any{"spec": map[string]any{"a": int64(4294967295)}})
	in.Clusters = map[string]policy.Cluster{"c1": {Registered: true, Effective: effective{Replicas: new(2), Names: []string{"a"}}}}
	in.Mesh = policy.Mesh{Version: "1.26"}
	in.Change = struct {
		Digest string `json:"digest"`
	}{"d"}
	in.Now = "2026-11-25T20:00:00Z"
	expectJSON(t, in, `{
		"request": {"operation": "CREATE", "name": "", "namespace": "", "dryRun": false, "user": {"username": "", "groups": []}},
		"gateway": {"spec": {"a": 4294967295}},
		"clusters": {"c1": {"registered": true, "reachable": false, "managed": false, "mesh": {}, "effective": {"replicas": 2, "names": ["a"]}}},
		"mesh": {"version": "1.26"},
		"change": {"digest": "d"},
		"now": "2026-11-25T20:00:00Z"
	}`)
}

func TestInputThatRulesCouldNotReadIsNotWritten(t *testing.T) {
	in := creating(map[string]any{})
	in.Clusters = map[string]policy.Cluster{"c1": {Facts: "text"}}
	_, err := json.Marshal(in)
	expectError(t, err, "clusters[c1]: facts must be an object, is string")
}
