package review_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/review"
)

// submitted is a request to change a gateway.
func submitted(t *testing.T) review.Request {
	t.Helper()
	request := review.Request{
		Operation: admissionv1.Update, Namespace: "istio-system", Name: "edge",
		User: policy.User{Username: "jane", Groups: []string{"a,b"}}, DryRun: true,
	}
	var err error
	if request.Gateway, err = review.NewObject([]byte(`{"metadata": {"name": "edge"}, "spec": {"clusterIds": ["c1"]}}`)); err != nil {
		t.Fatal(err)
	}
	if request.Old, err = review.NewObject([]byte(`{"metadata": {"name": "edge"}, "spec": {"clusterIds": ["c2"]}}`)); err != nil {
		t.Fatal(err)
	}
	return request
}

// decided is a decision on it, after something was filled in.
func decided(request review.Request) review.Decision {
	finding := policy.Finding{Code: "a", Field: "spec.a", Message: "must not, does"}
	return review.Decision{
		Denials:  []policy.Finding{finding},
		Revision: "abc",
		Input: policy.Input{
			Request: policy.Request{Operation: "UPDATE", User: request.User, DryRun: true, Name: "edge", Namespace: "istio-system"},
			Gateway: map[string]any{"metadata": map[string]any{"name": "edge"}, "spec": map[string]any{"clusterIds": []any{"c1"}, "replicaCount": 1}},
			Old:     request.Old.Raw,
			Now:     "2026-11-25T20:00:00Z",
		},
	}
}

// written is a record as it is read back from a log.
func written(t *testing.T, record review.Record) review.Record {
	t.Helper()
	text, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "\n") {
		t.Errorf("%s is more than a line", text)
	}
	var read review.Record
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

func TestARecordHasTheShapeOfOPAsDecisionLog(t *testing.T) {
	request := submitted(t)
	now := time.Date(2026, 11, 25, 21, 0, 0, 0, time.FixedZone("here", 3600))
	record, err := review.NewRecord(request, decided(request), []map[string]any{{"kind": "GatewayCluster"}}, now)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "decision_id")
	want := map[string]any{
		"timestamp": "2026-11-25T20:00:00Z",
		"path":      "main/validate",
		"input": map[string]any{
			"request": map[string]any{
				"operation": "UPDATE", "name": "edge", "namespace": "istio-system", "dryRun": true,
				"user": map[string]any{"username": "jane", "groups": []any{"a,b"}},
			},
			"gateway":  map[string]any{"metadata": map[string]any{"name": "edge"}, "spec": map[string]any{"clusterIds": []any{"c1"}, "replicaCount": 1.0}},
			"old":      map[string]any{"metadata": map[string]any{"name": "edge"}, "spec": map[string]any{"clusterIds": []any{"c2"}}},
			"clusters": map[string]any{},
			"mesh":     map[string]any{},
			"now":      "2026-11-25T20:00:00Z",
		},
		"result": map[string]any{
			"deny": []any{map[string]any{"code": "a", "field": "spec.a", "message": "must not, does", "fix": ""}},
			"warn": []any{}, "audit": []any{},
		},
		"bundles": map[string]any{"portcullis": map[string]any{"revision": "abc"}},
		"custom": map[string]any{
			"gateway": map[string]any{"metadata": map[string]any{"name": "edge"}, "spec": map[string]any{"clusterIds": []any{"c1"}}},
			"with":    []any{map[string]any{"kind": "GatewayCluster"}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

func TestARecordKnowsItsRequest(t *testing.T) {
	request := submitted(t)
	record, err := review.NewRecord(request, decided(request), nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	record = written(t, record)
	got, now, err := record.Request()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, request) {
		t.Errorf("got %+v, want %+v", got, request)
	}
	if !now.Equal(time.Date(2026, 11, 25, 20, 0, 0, 0, time.UTC)) || record.Revision() != "abc" {
		t.Errorf("got %s and revision %s", now, record.Revision())
	}
	// A webhook that validates does not know what was filled in by the one that mutates.
	record.Custom.Gateway = nil
	if got, _, err = record.Request(); err != nil || got.Gateway.Typed.Spec.ReplicaCount == nil {
		t.Errorf("got %+v and %v, want the gateway of the input", got.Gateway, err)
	}
}

func TestARecordOfADeletionHasNoGateway(t *testing.T) {
	request := submitted(t)
	request.Operation, request.Gateway = admissionv1.Delete, nil
	decision := decided(request)
	decision.Input.Request.Operation, decision.Input.Gateway = "DELETE", nil
	record, err := review.NewRecord(request, decision, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := written(t, record).Request(); err != nil || got.Gateway != nil || got.Old == nil {
		t.Errorf("got %+v and %v", got, err)
	}
}

func TestARecordThatIsNoneIsRefused(t *testing.T) {
	for input, says := range map[string]string{
		`[]`:                                   "reading the input: ",
		`{}`:                                   "record must have input.request.operation and input.now",
		`{"request": {"operation": "CREATE"}}`: "record must have input.request.operation and input.now",
		`{"request": {"operation": "CREATE"}, "now": "2026-11-25T20:00:00Z"}`:                                             "must hold the IstioGateway on CREATE, is empty",
		`{"request": {"operation": "UPDATE"}, "gateway": {}, "now": "2026-11-25T20:00:00Z"}`:                              "must hold the IstioGateway on UPDATE, is empty",
		`{"request": {"operation": "CREATE"}, "gateway": {"spec": {"replicaCount": "a"}}, "now": "2026-11-25T20:00:00Z"}`: "replicaCount",
	} {
		_, _, err := review.Record{Input: json.RawMessage(input)}.Request()
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want an error that says %s", input, err, says)
		}
	}
	record := review.Record{}
	if _, _, err := record.Request(); err == nil || record.Revision() != "" {
		t.Errorf("got %v and revision %q of nothing", err, record.Revision())
	}
}
