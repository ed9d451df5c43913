package author_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/policy/author"
	"portcullis.dev/portcullis/policies"
)

func TestAScaffoldPassesEverythingAsItIs(t *testing.T) {
	for name, test := range map[string]struct {
		scaffold author.Scaffold
		files    []string
	}{
		"a rule that refuses":  {author.Scaffold{Name: "owner"}, []string{"validate/owner/owner.rego", "validate/owner/owner_test.rego"}},
		"a rule that fills in": {author.Scaffold{Name: "owner_2", Mutate: true}, []string{"mutate/owner_2/owner_2.rego", "mutate/owner_2/owner_2_test.rego"}},
		"a rule of a policy": {
			author.Scaffold{Name: "owner", Policy: "team-a"},
			[]string{"own/team_a/validate/owner/owner.rego", "own/team_a/validate/owner/owner_test.rego"},
		},
		"a rule of a policy that fills in": {
			author.Scaffold{Name: "o", Policy: "acme", Mutate: true},
			[]string{"own/acme/mutate/o/o.rego", "own/acme/mutate/o/o_test.rego"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "new")
			written, err := test.scaffold.Write(folder)
			if err != nil {
				t.Fatal(err)
			}
			for i, file := range test.files {
				test.files[i] = filepath.Join(folder, file)
			}
			expectLines(t, written, test.files...)
			set, err := author.Load(author.Source{Rules: os.DirFS(folder), Name: folder, Library: policies.FS, Capabilities: policy.Capabilities()})
			if err != nil {
				t.Fatal(err)
			}
			expectLines(t, set.Lint())
			report, err := set.Test(t.Context())
			if err != nil || report.Failed > 0 || report.Skipped > 0 || report.Passed < 2 || report.Coverage() < 100 {
				t.Errorf("got %+v and %v, want all passed and covered", report, err)
			}
		})
	}
}

func TestAScaffoldNeverOverwrites(t *testing.T) {
	folder := t.TempDir()
	target := filepath.Join(folder, "validate", "owner")
	if err := os.MkdirAll(target, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := author.Scaffold{Name: "owner"}.Write(folder)
	expectError(t, err, target+" must not be there yet, is")
	if entries, err := os.ReadDir(target); err != nil || len(entries) > 0 {
		t.Errorf("got %v and %v, want nothing written", entries, err)
	}
	if err := os.Symlink("nowhere", filepath.Join(folder, "validate", "link")); err != nil {
		t.Fatal(err)
	}
	_, err = author.Scaffold{Name: "link"}.Write(folder)
	expectError(t, err, "must not be there yet, is")
}

func TestAScaffoldRefusesNamesThatCannotBe(t *testing.T) {
	for _, name := range []string{"", "Owner", "owner-team", "2owner", "_owner", "../owner", "owner/team", "owner_test", "import", "with", "ö"} {
		_, err := author.Scaffold{Name: name}.Write(t.TempDir())
		expectError(t, err, "name of a rule must be lower-case letters, digits and underscores", `is "`+name+`"`)
	}
	for _, name := range []string{"Acme", "acme_team", "-acme", "acme-", "2acme", "a.b", "..", "import"} {
		_, err := author.Scaffold{Name: "owner", Policy: name}.Write(t.TempDir())
		expectError(t, err, "name of a policy must be lower-case letters, digits and hyphens", `is "`+name+`"`)
	}
}

func TestAScaffoldLeavesNothingWhereItCannotWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := author.Scaffold{Name: "owner"}.Write(file)
	expectError(t, err, "file")
}

func TestAPolicyAndItsPackageNameEachOther(t *testing.T) {
	for _, name := range []string{"acme", "team-a", "a-b-c1"} {
		if got := author.PolicyOf(author.PackageOf(name)); got != name {
			t.Errorf("got %s, want %s", got, name)
		}
	}
	if got := author.PackageOf("team-a"); got != "team_a" || strings.Contains(got, "-") {
		t.Errorf("got %s, want team_a", got)
	}
}

// What a scaffold fills in is what the engine takes.
func TestAScaffoldOfALibraryIsAsked(t *testing.T) {
	folder := t.TempDir()
	for _, scaffold := range []author.Scaffold{{Name: "owner"}, {Name: "tier", Mutate: true}} {
		if _, err := scaffold.Write(folder); err != nil {
			t.Fatal(err)
		}
	}
	set, err := author.Load(author.Source{Rules: os.DirFS(folder), Library: policies.FS, Capabilities: policy.Capabilities()})
	if err != nil {
		t.Fatal(err)
	}
	var rules fs.FS
	if rules, err = set.FS(); err != nil {
		t.Fatal(err)
	}
	engine, err := policy.New(t.Context(), rules, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := policy.Input{Request: policy.Request{Operation: "CREATE"}, Gateway: map[string]any{"metadata": map[string]any{"name": "a"}}}
	mutation, err := engine.Mutate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	filled, err := mutation.Apply(in.Gateway.(map[string]any))
	if err != nil {
		t.Fatal(err)
	}
	if labels := filled["metadata"].(map[string]any)["labels"]; labels.(map[string]any)["tier"] != "unknown" {
		t.Errorf("got labels %v, want tier filled in", labels)
	}
	verdict, err := engine.Validate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(verdict.Denials[0].String()+verdict.Denials[1].String()+verdict.Denials[2].String(), "owner: metadata.labels.owner: must say something") {
		t.Errorf("got %v, want owner among them", verdict.Denials)
	}
}
