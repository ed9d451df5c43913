package author_test

import (
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/policy/author"
	"portcullis.dev/portcullis/policies"
)

// fixed says what every finding of a check tells its reader to do.
var fixed = map[string]string{
	"format":     " (run kubectl portcullis policy lint --fix)",
	"syntax":     " (write what Rego can read)",
	"compile":    " (write what compiles strictly)",
	"package":    " (rename the package, or move the file)",
	"files":      " (a rule and its test are named after their folder)",
	"builtins":   " (use what is in the input; the time is input.now)",
	"codes":      " (build the finding with result.finding(rego.metadata.chain(), {…}))",
	"answers":    " (name the rule so that it is asked)",
	"parameters": " (name them after a rule's folder, or remove them)",
}

// expectFindings fails unless the linter says some things of some files, each with what to do.
func expectFindings(t *testing.T, files map[string]string, want ...string) {
	t.Helper()
	for i, line := range want {
		for check, fix := range fixed {
			if strings.Contains(line, ": "+check+": ") && !strings.HasSuffix(line, ")") {
				want[i] += fix
			}
		}
	}
	expectLines(t, load(t, files).Lint(), want...)
}

func TestLintFindsNothingInASoundRule(t *testing.T) {
	expectFindings(t, sound())
}

func TestLintFindsNothingInTheLibraryOfTheProject(t *testing.T) {
	set, err := author.Load(author.Source{Rules: policies.FS, Capabilities: policy.Capabilities()})
	if err != nil {
		t.Fatal(err)
	}
	expectLines(t, set.Lint())
}

func TestLintWantsTheFormatOfOPA(t *testing.T) {
	expectFindings(t, but(sound(), "validate/a/a_test.rego", test+"\n\ntest_b if   true\n"),
		"rules/validate/a/a_test.rego:9:1: format: must be as opa fmt writes it, is not")
	expectFindings(t, but(sound(), "validate/a/a_test.rego", strings.TrimSuffix(test, "\n")),
		"rules/validate/a/a_test.rego:7:1: format: must be as opa fmt writes it, is not")
}

func TestLintWantsWhatRegoCanRead(t *testing.T) {
	expectFindings(t, but(sound(), "validate/a/more.rego", "package validate.a\n\nb := [1,\n"),
		"rules/validate/a/more.rego:4:1: syntax: must compile, does not: unexpected eof token",
		"rules/validate/a/more.rego:4:1: syntax: must compile, does not: unexpected eof token: expected rule value term (e.g., b := <VALUE> { ... }) (write what Rego can read)")
	expectFindings(t, but(sound(), "validate/a/more.rego", ""))
}

func TestLintWantsWhatCompilesStrictly(t *testing.T) {
	for text, want := range map[string]string{
		"import data.lib.words":      "3:1: compile: must compile, does not: import data.lib.words unused",
		"b := c":                     "3:6: compile: must compile, does not: var c is unsafe",
		"b := count(1)":              "3:6: compile: must compile, does not: count: invalid argument(s)",
		"b := data.lib.words.all(1)": "3:6: compile: must compile, does not: undefined function data.lib.words.all",
	} {
		findings := load(t, but(sound(), "validate/a/more.rego", "package validate.a\n\n"+text+"\n")).Lint()
		if len(findings) != 1 || !strings.HasPrefix(findings[0].String(), "rules/validate/a/more.rego:"+want) {
			t.Errorf("%s: got %v, want %s", text, findings, want)
		}
	}
}

func TestLintWantsRulesToCompileWithoutTheirTests(t *testing.T) {
	expectFindings(t, but(sound(),
		"validate/a/more.rego", "package validate.a\n\nb := data.validate.a_test.helper(1)\n",
		"validate/a/a_test.rego", test+"\nhelper(n) := n\n\ntest_b if a.b == 1\n"),
		"rules/validate/a/more.rego:3:6: compile: must compile, does not: undefined function data.validate.a_test.helper")
}

func TestLintWantsThePackageOfTheFolder(t *testing.T) {
	expectFindings(t, but(sound(), "validate/a/a_test.rego", strings.Replace(test, "package validate.a_test", "package validate.a", 1)),
		"rules/validate/a/a_test.rego:1:1: package: must be validate.a_test, as its folder, is validate.a")
	expectFindings(t, but(sound(), "lib/b/b.rego", "package b\n"),
		"rules/lib/b/b.rego:1:1: package: must be lib.b, as its folder, is b")
	expectFindings(t, but(sound(), "own/acme/lib/b/b.rego", "package own.other.lib.b\n"),
		"rules/own/acme/lib/b/b.rego:1:1: package: must be own.acme.lib.b, as its folder, is own.other.lib.b")
}

func TestLintWantsARuleAndItsTest(t *testing.T) {
	expectFindings(t, but(sound(), "validate/a/a_test.rego", ""),
		"rules/validate/a/a_test.rego:1:1: files: must be there, is not")
	expectFindings(t, but(sound(), "validate/a/a.rego", "", "validate/a/b.rego", rule),
		"rules/validate/a/a.rego:1:1: files: must be there, is not")
	expectFindings(t, but(sound(), "validate/a/a_test.rego", "", "validate/a/b_test.rego", test),
		"rules/validate/a/a_test.rego:1:1: files: must be there, is not")
}

func TestLintWantsMetadata(t *testing.T) {
	const at = "rules/validate/a/a.rego:1:1: metadata: "
	for name, test := range map[string]struct{ old, new, want string }{
		"at all": {
			metadata, "",
			"must have METADATA of the package, has none (write it above the package: title, description, related_resources)",
		},
		"with a title": {
			"# title: A rule\n", "",
			`must have a title and a description, has "" and "Why it is." (say what the rule is and why it is)`,
		},
		"with a description": {
			"# description: Why it is.\n", "",
			`must have a title and a description, has "A rule" and "" (say what the rule is and why it is)`,
		},
		"with a source": {
			"# related_resources:\n#   - ref: https://example.com/a\n#     description: What is read there\n", "",
			"must say where its facts come from, does not (name a page in related_resources, or what else it is in custom.sources)",
		},
		"with a public source": {
			"https://", "http://",
			"must name https pages and what is read there, names http://example.com/a (write ref and description)",
		},
		"with a source that says what is read there": {
			"#     description: What is read there\n", "",
			"must name https pages and what is read there, names https://example.com/a (write ref and description)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			expectFindings(t, but(sound(), "validate/a/a.rego", strings.Replace(rule, test.old, test.new, 1)), at+test.want)
		})
	}
}

func TestLintTakesASourceThatIsNoPage(t *testing.T) {
	expectFindings(t, but(sound(), "validate/a/a.rego", strings.Replace(rule,
		"# related_resources:\n#   - ref: https://example.com/a\n#     description: What is read there\n",
		"# custom:\n#   sources:\n#     - A book\n", 1)))
}

// METADATA of the first rule is none of the package, however much it looks like it.
func TestLintWantsMetadataOfThePackage(t *testing.T) {
	moved := strings.Replace(strings.TrimPrefix(rule, metadata), "deny contains", metadata+"deny contains", 1)
	expectFindings(t, but(sound(), "validate/a/a.rego", moved),
		"rules/validate/a/a.rego:1:1: metadata: must have METADATA of the package, has none (write it above the package: title, description, related_resources)")
}

func TestLintWantsAnswersToWhatIsAsked(t *testing.T) {
	renamed := strings.NewReplacer("deny contains", "denies contains").Replace(rule)
	expectFindings(t, but(sound(), "validate/a/a.rego", renamed, "validate/a/a_test.rego", strings.ReplaceAll(test, "a.deny", "a.denies")),
		"rules/validate/a/a.rego:7:1: answers: must define deny or warn, defines neither")
	filling := strings.Replace(metadata, "A rule", "Fills", 1) + "package mutate.b\n\nabsent := {0}\n"
	expectFindings(t, but(sound(), "mutate/b/b.rego", filling, "mutate/b/b_test.rego", "package mutate.b_test\n"),
		"rules/mutate/b/b.rego:7:1: answers: must define fill or ensure, defines neither")
	expectFindings(t, but(sound(), "mutate/b/b.rego", filling+"\nfill[\"/a\"] := 1\n", "mutate/b/b_test.rego", "package mutate.b_test\n"))
}

func TestLintRefusesBuiltInsThatReachOutside(t *testing.T) {
	for call, want := range map[string]string{
		`b := time.now_ns()`: "3:6: builtins: must give the same answer to the same question, calls time.now_ns",
		`b if http.send({"method": "get", "url": "http://a"})`:                "3:6: builtins: must give the same answer to the same question, calls http.send",
		`b := {c | some c in [opa.runtime().env]}`:                            "3:22: builtins: must give the same answer to the same question, calls opa.runtime",
		`b := io.jwt.decode_verify("a", {"secret": "b"})`:                     "3:6: builtins: must give the same answer to the same question, calls io.jwt.decode_verify",
		`b := rand.intn("a", 2)`:                                              "3:6: builtins: must give the same answer to the same question, calls rand.intn",
		`b := net.lookup_ip_addr("example.com")`:                              "3:6: builtins: must give the same answer to the same question, calls net.lookup_ip_addr",
		`b := time.parse_rfc3339_ns("2026-11-25T00:00:00Z")`:                  "none",
		`b := regex.match("a", "b")`:                                          "none",
		`b := crypto.x509.parse_and_verify_certificates("a")`:                 "3:6: builtins: must give the same answer to the same question, calls crypto.x509.parse_and_verify_certificates",
		"b := uuid.rfc4122(\"a\")":                                            "3:6: builtins: must give the same answer to the same question, calls uuid.rfc4122",
		"b if {\n\tsome c in [1, 2]\n\tc == time.now_ns()\n}":                 "5:7: builtins: must give the same answer to the same question, calls time.now_ns",
		"b(c) := d if {\n\td := [e | some f in c; e := f + time.now_ns()]\n}": "4:34: builtins: must give the same answer to the same question, calls time.now_ns",
	} {
		var wanted []string
		if want != "none" {
			wanted = []string{"rules/validate/a/more.rego:" + want}
		}
		expectFindings(t, but(sound(), "validate/a/more.rego", "package validate.a\n\n"+call+"\n"), wanted...)
	}
}

func TestLintRefusesCodesThatAreWrittenByHand(t *testing.T) {
	const handmade = "package validate.a\n\nwarn contains {\"code\": \"a\", \"field\": \"f\", \"message\": \"m\"} if input.b\n"
	expectFindings(t, but(sound(), "validate/a/more.rego", handmade),
		"rules/validate/a/more.rego:3:15: codes: must not write a code, writes one")
	own := strings.ReplaceAll(rule, "validate.a", "own.acme.validate.a") + "\nb := {\"code\": 1}\n"
	expectFindings(t, map[string]string{"own/acme/validate/a/a.rego": own, "own/acme/validate/a/a_test.rego": strings.ReplaceAll(test, "validate.a", "own.acme.validate.a")},
		"rules/own/acme/validate/a/a.rego:19:6: codes: must not write a code, writes one")
	// A test says which code it wants, and a mutating rule may fill in a field of that name.
	expectFindings(t, but(sound(), "validate/a/a_test.rego", test+"\ntest_code if {\"code\": \"a\"} == {\"code\": \"a\"}\n",
		"lib/b/b.rego", "package lib.b\n\nb := {\"code\": 1}\n"))
}

func TestLintWantsParametersOfRules(t *testing.T) {
	expectFindings(t, but(sound(),
		"parameters.yaml", "a:\n  b: 1\n# of nobody\nab: {}\n\"c\": {}\nports: {}\n",
		"own/acme/parameters.yaml", "\nresult:\n  a: 1\n"),
		"rules/own/acme/parameters.yaml:2:1: parameters: must be of a rule, are of result, which is none",
		"rules/parameters.yaml:4:1: parameters: must be of a rule, are of ab, which is none",
		"rules/parameters.yaml:5:1: parameters: must be of a rule, are of c, which is none")
	expectFindings(t, but(sound(), "parameters.yaml", "{d: {}}"),
		"rules/parameters.yaml:1:1: parameters: must be of a rule, are of d, which is none")
}

func TestLintSaysEverythingAtOnceInOrder(t *testing.T) {
	expectFindings(t, but(sound(),
		"validate/b/b.rego", "package validate.c\n\nb := 1  \n",
		"validate/a/a_test.rego", ""),
		"rules/validate/a/a_test.rego:1:1: files: must be there, is not",
		"rules/validate/b/b.rego:1:1: answers: must define deny or warn, defines neither",
		"rules/validate/b/b.rego:1:1: metadata: must have METADATA of the package, has none (write it above the package: title, description, related_resources)",
		"rules/validate/b/b.rego:1:1: package: must be validate.b, as its folder, is validate.c",
		"rules/validate/b/b.rego:3:1: format: must be as opa fmt writes it, is not",
		"rules/validate/b/b_test.rego:1:1: files: must be there, is not")
}

func TestLintJudgesOnlyWhatIsAskedAbout(t *testing.T) {
	files := but(sound(), "validate/b/b.rego", "package validate.b\n\nb   := 1\n")
	expectLines(t, load(t, files, "validate/a").Lint())
	if len(load(t, files, "validate/b").Lint()) == 0 {
		t.Error("found nothing in validate/b")
	}
}

func TestFormattedIsAsOPAWrites(t *testing.T) {
	got := load(t, but(sound(),
		"validate/a/b.rego", "package validate.a\n\nb   := 1\n",
		"validate/a/c.rego", "package")).Formatted()
	if len(got) != 1 || string(got["validate/a/b.rego"]) != "package validate.a\n\nb := 1\n" {
		t.Errorf("got %q, want b.rego formatted and nothing else", got)
	}
}
