package decision

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/policy"
)

// secrets are values that must not be told, as they break naive masks: quotes, what HTML and Go escape, letters of other
// scripts, several lines, one within another, short ones, a number.
func secrets() []string {
	return []string{
		"hunter2-hunter2", `say "please" & <go>`, "пароль-密码-🔑", "-----BEGIN KEY-----\nabc/def+ghi==\n-----END KEY-----",
		"hunter2-hunter2-and-more", `C:\temp\new`, "on", "7", strings.Repeat("long-secret-", 40),
	}
}

// gatewayWith is a gateway with a value in its environment and in an annotation, as JSON.
func gatewayWith(t *testing.T, env, annotation any) []byte {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{"example.com/token": annotation, "example.com/team": "web"}},
		"spec": map[string]any{
			"env":            []any{map[string]any{"name": "PASSWORD", "value": env}, map[string]any{"name": "FROM", "valueFrom": map[string]any{"fieldRef": map[string]any{"fieldPath": "metadata.name"}}}},
			"podAnnotations": map[string]any{"example.com/token": annotation},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// masking masks what the tests hide.
var masking = Masking{Env: true, Annotations: []string{"example.com/token"}}

// telling is a record that tells a value wherever it can: in what a change replaces, and in all that rules write, as it
// is, in JSON and in quotes, and cut off as the rules cut off what is long.
func telling(t *testing.T, secret string) Record {
	t.Helper()
	list := []any{map[string]any{"name": "PASSWORD", "value": secret}}
	asJSON, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	cut := []rune(string(asJSON))
	if len(cut) > 60 {
		cut = append(cut[:59:59], '…')
	}
	return Record{
		ID: "3f2a", Verdict: Refused, Message: fmt.Sprintf("spec.env[0].value must be shorter, is %q", secret),
		Findings: []Finding{{policy.Finding{
			Code: "env", Field: "spec.env[0]",
			Message: fmt.Sprintf("must be approved, as (not set) -> %s is %q, that is '%s'; or %s", asJSON, secret, secret, string(cut)),
			Fix:     "kubectl set " + secret,
		}, policy.Deny}},
		Change: &change.Change{Changes: []change.Field{
			{Path: "spec.env", Before: list, After: []any{map[string]any{"name": "PASSWORD", "value": "x" + secret}}},
			{Path: "metadata.annotations.example.com/token", Before: secret, After: nil},
			{Path: "spec.podAnnotations", Before: map[string]any{"example.com/token": secret, "example.com/team": "web"}},
			{Path: `spec.podAnnotations.example.com/token`, After: secret},
			{Path: "spec.replicaCount", Before: 2.0, After: 3.0},
		}},
	}
}

// leaks says where a value is still to be read: as it is, escaped as JSON does, or as Go does.
func leaks(t *testing.T, record Record, secret string) []string {
	t.Helper()
	text, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	var decoded any
	if err := json.Unmarshal(text, &decoded); err != nil {
		t.Fatal(err)
	}
	haystack := []string{string(text), fmt.Sprint(decoded)}
	var found []string
	for _, needle := range spellings(secret) {
		for _, hay := range haystack {
			isThere := strings.Contains(hay, needle)
			if len(secret) < shortest {
				isThere = word(hay, needle) >= 0
			}
			if isThere {
				found = append(found, needle+" in "+hay)
			}
		}
	}
	return found
}

func TestNothingOfAMaskedValueIsLeftInTheWholeRecord(t *testing.T) {
	for _, secret := range secrets() {
		for name, sent := range map[string]func(*Record){
			"new":           func(r *Record) { r.object = gatewayWith(t, secret, secret) },
			"old":           func(r *Record) { r.old = gatewayWith(t, secret, secret) },
			"only changing": func(*Record) {},
		} {
			record := telling(t, secret)
			sent(&record)
			before := fmt.Sprint(record.Findings, record.Change, record.Message)
			got := masking.Mask(record)
			if found := leaks(t, got, secret); len(found) > 0 {
				t.Errorf("%q, %s: %v", secret, name, found)
			}
			if fmt.Sprint(record.Findings, record.Change, record.Message) != before {
				t.Errorf("%q, %s: the record itself was changed", secret, name)
			}
			if got.object != nil || got.old != nil {
				t.Errorf("%q, %s: what was sent is kept", secret, name)
			}
		}
	}
}

func TestWhatIsCutOffIsMaskedToo(t *testing.T) {
	secret := strings.Repeat("long-secret-", 40)
	record := telling(t, secret)
	record.object = gatewayWith(t, secret, "")
	got := masking.Mask(record).Findings[0].Message
	if strings.Contains(got, "long") || !strings.HasSuffix(got, `"value":"***…`) {
		t.Errorf("got %s", got)
	}
}

func TestMaskingLeavesTheRestReadable(t *testing.T) {
	record := telling(t, "7")
	record.object = gatewayWith(t, "7", "on")
	record.Findings[0].Message = "must be 17 or 70, only 7 is on; see spec.ports[7]"
	got := masking.Mask(record)
	if want := "must be 17 or 70, only *** is ***; see spec.ports[***]"; got.Findings[0].Message != want {
		t.Errorf("got %q, want %q", got.Findings[0].Message, want)
	}
	if got.Change.Changes[4].Before != 2.0 || got.Change.Changes[4].After != 3.0 || got.Change.Changes[0].Path != "spec.env" {
		t.Errorf("got %+v", got.Change.Changes)
	}
	if name := got.Change.Changes[0].Before.([]any)[0].(map[string]any)["name"]; name != "PASSWORD" {
		t.Errorf("got name %v", name)
	}
	if team := got.Change.Changes[2].Before.(map[string]any)["example.com/team"]; team != "web" {
		t.Errorf("got annotation %v, want the one that is not named left alone", team)
	}
}

func TestMaskingIsByParameter(t *testing.T) {
	record := telling(t, "hunter2-hunter2")
	record.object = gatewayWith(t, "hunter2-hunter2", "other-secret")
	if got := (Masking{}).Mask(record); !strings.Contains(got.Message, "hunter2") || got.Change.Changes[1].Before != "hunter2-hunter2" {
		t.Errorf("got %+v", got)
	}
	record.Message = "hunter2-hunter2 and other-secret"
	if got := (Masking{Env: true}).Mask(record).Message; got != "*** and other-secret" {
		t.Errorf("got %q", got)
	}
	if got := (Masking{Annotations: []string{"example.com/token"}}).Mask(Record{Message: record.Message, object: record.object}).Message; got != "hunter2-hunter2 and ***" {
		t.Errorf("got %q", got)
	}
}

func TestAGatewayThatNobodyCouldReadIsMaskedToo(t *testing.T) {
	record := Record{Message: "spec.env[0].value must be of type string, is 8675309", object: gatewayWith(t, 8675309, nil)}
	if got := masking.Mask(record).Message; got != "spec.env[0].value must be of type string, is ***" {
		t.Errorf("got %q", got)
	}
	record.object = []byte(`{"env": [`)
	if got := masking.Mask(record).Message; got != record.Message {
		t.Errorf("got %q", got)
	}
}
