package bundle

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func TestANewBundleReplacesTheOldOne(t *testing.T) {
	server := serve(t)
	server.publish(good(t, "A"))
	run := start(t, signed(server.URL), t.TempDir())
	run.expectRevision(t, "A")
	<-run.Active()
	if loaded, _ := run.metric(t, "portcullis_bundle_loaded_timestamp_seconds"); time.Since(time.Unix(int64(loaded), 0)) > patience {
		t.Errorf("got loaded at %v, want now", loaded)
	}
	server.publish(good(t, "B"))
	run.expectRevision(t, "B")
	if value, labels := run.metric(t, "portcullis_bundle_info"); value != 1 || labels != "revision=B" {
		t.Errorf("got %v for %s, want 1 for B alone", value, labels)
	}
	if failures, _ := run.metric(t, "portcullis_bundle_failures_total"); failures != 0 {
		t.Errorf("got %v failures, want none", failures)
	}
	if got := strings.Join(run.news(), "\n"); got != "A: <nil>\nB: <nil>" {
		t.Errorf("got news\n%s", got)
	}
}

func TestAnUnchangedBundleIsNotDownloadedAgain(t *testing.T) {
	server := serve(t)
	server.publish(good(t, "A"))
	run := start(t, signed(server.URL), t.TempDir())
	eventually(t, "the server says unchanged three times", func() bool {
		_, unchanged := server.counts()
		return unchanged >= 3
	})
	if fresh, _ := server.counts(); fresh != 1 || run.compiled != 1 {
		t.Errorf("got %d downloads and %d compilations, want one each", fresh, run.compiled)
	}
	if run.Status().Checked.Before(run.Status().Since) {
		t.Errorf("got checked %v, want after %v", run.Status().Checked, run.Status().Since)
	}
}

// A server without ETags sends everything each time.
func TestTheSameBundleIsNotCompiledAgain(t *testing.T) {
	server, bundle, asked := serve(t), good(t, "A"), make(chan struct{}, 100)
	server.answerWith(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		_, _ = w.Write(bundle)
	})
	run := start(t, signed(server.URL), t.TempDir())
	for range 3 {
		<-asked
	}
	run.expectRevision(t, "A")
	run.stop()
	if run.compiled != 1 {
		t.Errorf("got %d compilations, want 1", run.compiled)
	}
}

// What OPA refuses, what we refuse, and what the engine refuses are one to whoever published it.
func TestABadBundleLeavesTheLastGoodOne(t *testing.T) {
	withRule := func(module string) func(*testing.T) []byte {
		return func(t *testing.T) []byte {
			from := rules("refused by bad")
			from["validate/name/name.rego"].Data = []byte("# METADATA\n# title: Name\n# description: Refuses a name.\n" + module)
			return built(t, from, BuildOptions{Revision: "bad", SigningKey: "secret", Algorithm: "HS256"})
		}
	}
	resigned := func(change func(files map[string]string)) func(*testing.T) []byte {
		return func(t *testing.T) []byte {
			files := unpacked(t, good(t, "bad"))
			change(files)
			delete(files, "/.signatures.json")
			return sign(t, files)
		}
	}
	tests := map[string]struct {
		bad  func(*testing.T) []byte
		says string
	}{
		"that does not parse":       {resigned(func(f map[string]string) { f["/main/main.rego"] = "package main\n\nvalidate :=" }), "main/main.rego"},
		"that does not compile":     {resigned(func(f map[string]string) { f["/main/main.rego"] = "package main\n\nvalidate := nobody\n" }), "var nobody is unsafe"},
		"without a main":            {resigned(func(f map[string]string) { delete(f, "/main/main.rego") }), "must define data.main"},
		"without rules":             {resigned(func(f map[string]string) { delete(f, "/validate/name/name.rego") }), "there must be a rule in mutate/ or validate/, is none"},
		"that reaches outside":      {withRule("package validate.name\n\ndeny contains 1 if http.send({\"method\": \"get\", \"url\": \"http://x\"})\n"), "undefined function http.send"},
		"in another package":        {withRule("package validate.other\n\ndeny contains 1 if false\n"), "package must be validate.name, as its folder, is validate.other"},
		"without a revision":        {resigned(func(f map[string]string) { f["/.manifest"] = `{"revision": ""}` }), `.manifest: revision must be 1 to 100 letters`},
		"with a revision of prose":  {resigned(func(f map[string]string) { f["/.manifest"] = `{"revision": "last\nnight"}` }), `.manifest: revision must be 1 to 100 letters`},
		"without a manifest":        {resigned(func(f map[string]string) { delete(f, "/.manifest") }), `.manifest: revision must be`},
		"without parameters":        {resigned(func(f map[string]string) { f["/data.json"] = `{}` }), "data.parameters must be an object"},
		"with a list of parameters": {resigned(func(f map[string]string) { f["/data.json"] = `{"parameters": []}` }), "data.parameters must be an object"},
		"with data that nobody reads": {
			resigned(func(f map[string]string) { f["/data.json"] = `{"parameters": {}, "parameter": {}}` }), "data must be parameters and schemas alone, has parameter",
		},
		"that lies outside its roots": {
			resigned(func(f map[string]string) { f["/.manifest"] = `{"revision": "bad", "roots": ["main"]}` }), "roots",
		},
		"that is a change of another": {
			func(t *testing.T) []byte {
				return packed(t, map[string]string{"/patch.json": `{"data": [{"op": "upsert", "path": "/parameters/name/refused", "value": ""}]}`})
			}, "delta",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, directory := serve(t), t.TempDir()
			server.publish(good(t, "A"))
			run := start(t, signed(server.URL), directory)
			run.expectRevision(t, "A")
			server.publish(test.bad(t))
			run.expectFailure(t, test.says)
			run.expectRevision(t, "A")
			if failures, _ := run.metric(t, "portcullis_bundle_failures_total"); failures < 1 {
				t.Errorf("got %v failures, want some", failures)
			}
			if _, labels := run.metric(t, "portcullis_bundle_info"); labels != "revision=A" {
				t.Errorf("got %s, want A still", labels)
			}
			server.publish(good(t, "C"))
			run.expectRevision(t, "C")
			eventually(t, "nothing is wrong any more", func() bool { return run.Status().Err == nil && run.Status().Failing.IsZero() })
		})
	}
}

func TestAServerThatFailsLeavesTheLastGoodBundle(t *testing.T) {
	whole := good(t, "B")
	tests := map[string]struct {
		answer http.HandlerFunc
		says   string
	}{
		"by having none":          {http.NotFound, "server replied with Not Found"},
		"by breaking":             {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) }, "server replied with Internal Server Error"},
		"by answering in words":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>hello</html>")) }, "gzip: invalid header"},
		"by sending half":         {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(whole[:len(whole)/2]) }, "unexpected EOF"},
		"by sending nothing":      {func(http.ResponseWriter, *http.Request) {}, "EOF"},
		"by hanging up":           {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"}, //nolint:forbidigo // how net/http has a handler hang up
		"by hanging up half-way":  {hangUp(whole), "reading the answer: unexpected EOF"},
		"by sending for ever":     {trickle, "answer must come within 300ms, has not"},
		"by sending far too much": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 100_000)) }, "answer must be at most 50000 bytes, is more"},
		"by sending a bomb":       {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bomb(t)) }, "answer must unpack to at most 200000 bytes, does to more"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t)
			server.publish(good(t, "A"))
			run := start(t, signed(server.URL), t.TempDir(), func(r *Runner) {
				r.limits = limits{packed: 50_000, unpacked: 200_000, body: 300 * time.Millisecond}
			})
			run.expectRevision(t, "A")
			server.answerWith(test.answer)
			run.expectFailure(t, test.says)
			run.expectRevision(t, "A")
			server.publish(good(t, "C"))
			run.expectRevision(t, "C")
		})
	}
}

// hangUp sends half of what it announces.
func hangUp(whole []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		_, _ = w.Write(whole)
	}
}

// trickle sends a byte and then nothing until it is let go.
func trickle(w http.ResponseWriter, r *http.Request) {
	_, _ = w.Write([]byte{0x1f})
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

// bomb is a bundle that is small only as long as it is packed.
func bomb(t *testing.T) []byte {
	t.Helper()
	return packed(t, map[string]string{"/a.rego": strings.Repeat(" ", 300_000)})
}

func TestAFailureIsNewsOnce(t *testing.T) {
	server := serve(t)
	run := start(t, signed(server.URL), t.TempDir())
	eventually(t, "it failed three times", func() bool {
		failures, _ := run.metric(t, "portcullis_bundle_failures_total")
		return failures >= 3
	})
	if got := run.news(); len(got) != 1 || got[0] != ": server replied with Not Found" {
		t.Errorf("got %q, want it said once", got)
	}
	select {
	case <-run.Active():
		t.Error("it is ready without rules")
	default:
	}
}

func TestARestartWithoutTheServerDecidesByTheLastGoodBundle(t *testing.T) {
	server, directory := serve(t), t.TempDir()
	server.publish(good(t, "A"))
	first := start(t, signed(server.URL), directory)
	first.expectRevision(t, "A")
	eventually(t, "the bundle is kept", func() bool { _, err := os.Stat(keptIn(directory)); return err == nil })
	server.publish(changed(t, good(t, "B"), "/main/main.rego", "package main"))
	first.expectFailure(t, "main/main.rego")
	first.stop()
	server.Close()

	second := start(t, signed(server.URL), directory)
	select {
	case <-second.Active():
	case <-time.After(patience):
		t.Fatal("it is not ready without the server")
	}
	second.expectRevision(t, "A")
	second.expectFailure(t, "connection refused")
	second.expectRevision(t, "A")
}

func TestAKeptBundleIsNotTrusted(t *testing.T) {
	whole := good(t, "A")
	tests := map[string]struct {
		kept []byte
		says string
	}{
		"that was cut short":          {whole[:len(whole)-20], "unexpected EOF"},
		"that was filled with zeroes": {make([]byte, len(whole)), "gzip: invalid header"},
		"that is empty":               {nil, "EOF"},
		"that somebody changed":       {changed(t, whole, "/main/main.rego", "package main\n\nvalidate := {\"deny\": set(), \"warn\": set()}\n"), "main/main.rego: digest mismatch"},
		"that somebody unsigned":      {changed(t, whole, "/.signatures.json", ""), "bundle missing .signatures.json file"},
		"that the engine refuses":     {sign(t, map[string]string{"/.manifest": `{"revision": "bad"}`, "/data.json": `{"parameters": {}}`}), "revision bad: checking the rules: there must be a rule"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, directory := serve(t), t.TempDir()
			written(t, keptIn(directory), test.kept)
			run := start(t, signed(server.URL), directory)
			eventually(t, "it says that the kept bundle is bad", func() bool {
				said := strings.Join(run.news(), "\n")
				return strings.Contains(said, "reading the bundle kept in "+keptIn(directory)+": ") && strings.Contains(said, test.says)
			})
			select {
			case <-run.Active():
				t.Fatal("it is in force")
			default:
			}
			server.publish(good(t, "C"))
			run.expectRevision(t, "C")
		})
	}
}

func TestStartRefusesADirectoryThatItCannotWriteIn(t *testing.T) {
	directory := t.TempDir()
	written(t, directory+"/bundles", []byte("a file"))
	checked, err := parse([]byte(signed("https://localhost")), directory)
	if err != nil {
		t.Fatal(err)
	}
	run := &Runner{config: checked, limits: defaultLimits()}
	if err := run.Start(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "preparing the directory for bundles: ") {
		t.Errorf("got %v", err)
	}
}
