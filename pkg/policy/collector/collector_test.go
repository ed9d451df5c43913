package collector

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// receiver is a collector on loopback, which answers as a test wants.
type receiver struct {
	*httptest.Server
	mutex sync.Mutex
	// answer handles a request after its events were read; nil takes them.
	answer func(http.ResponseWriter, *http.Request) (taken bool)
	events []map[string]any
	header http.Header
}

// newReceiver starts one.
func newReceiver(t *testing.T) *receiver {
	t.Helper()
	s := &receiver{}
	s.Server = httptest.NewServer(http.HandlerFunc(s.handle))
	t.Cleanup(s.Close)
	return s
}

// handle reads a chunk as a collector does.
func (s *receiver) handle(w http.ResponseWriter, r *http.Request) {
	unpacked, err := gzip.NewReader(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var events []map[string]any
	if err := json.NewDecoder(unpacked).Decode(&events); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mutex.Lock()
	answer := s.answer
	s.header = r.Header
	s.mutex.Unlock()
	if answer != nil && !answer(w, r) {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, event := range events {
		event["asked at"] = r.URL.Path
		s.events = append(s.events, event)
	}
}

// answers changes how it answers.
func (s *receiver) answers(answer func(http.ResponseWriter, *http.Request) bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.answer = answer
}

// got is what it has taken.
func (s *receiver) got() []map[string]any {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.events
}

// refuses answers 500.
func refuses(w http.ResponseWriter, _ *http.Request) bool {
	w.WriteHeader(http.StatusInternalServerError)
	return false
}

// tally counts what became of decisions.
type tally struct {
	mutex  sync.Mutex
	counts map[string]int
}

// count adds some.
func (c *tally) count(result string, decisions int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[result] += decisions
}

// of is how many had a result.
func (c *tally) of(result string) int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.counts[result]
}

// running is a collector's sender that runs until stop is called or the test ends.
type running struct {
	*Collector
	tally *tally
	stop  func()
}

// run sends to an address, with further settings under reporting.
func run(t *testing.T, url, reporting string) running {
	t.Helper()
	config, err := parse([]byte(fmt.Sprintf(`
services: {collector: {url: %q, response_header_timeout_seconds: 1, headers: {X-Tenant: edge}}}
labels: {environment: test}
decision_logs: {reporting: {min_delay_seconds: 0, max_delay_seconds: 0%s}}
`, url, reporting)))
	if err != nil {
		t.Fatal(err)
	}
	out := running{tally: &tally{}}
	out.Collector = New(Options{Config: config, Count: out.tally.count})
	out.farewell = time.Second
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- out.Start(ctx) }()
	out.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(out.stop)
	return out
}

// event is a decision with a number, and a result of about a size.
func event(number, size int) Event {
	return Event{
		ID: fmt.Sprintf("d%d", number), Time: time.Unix(int64(number), 0).UTC(), Revision: "r1", Path: "validate",
		Result: json.RawMessage(fmt.Sprintf(`{"id":"d%d","rest":%q}`, number, strings.Repeat("x", size))),
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(30 * time.Second)
	for !is() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestDecisionsArriveAsOPAWouldSendThem(t *testing.T) {
	server := newReceiver(t)
	sends := run(t, server.URL, "")
	for i := range 100 {
		sends.Offer(event(i, 10))
	}
	eventually(t, "all decisions", func() bool { return len(server.got()) == 100 && sends.tally.of(Sent) == 100 })
	got := server.got()[42]
	if got["decision_id"] != "d42" || got["timestamp"] != "1970-01-01T00:00:42Z" || got["path"] != "validate" || got["asked at"] != "/logs" {
		t.Errorf("got %v", got)
	}
	if bundles := fmt.Sprint(got["bundles"]); bundles != "map[portcullis:map[revision:r1]]" {
		t.Errorf("got bundles %v", bundles)
	}
	if result := got["result"].(map[string]any); result["id"] != "d42" || result["rest"] != "xxxxxxxxxx" {
		t.Errorf("got result %v", result)
	}
	if labels := got["labels"].(map[string]any); labels["environment"] != "test" || labels["id"] != "portcullis" {
		t.Errorf("got labels %v", labels)
	}
	if server.header.Get("X-Tenant") != "edge" {
		t.Errorf("got headers %v", server.header)
	}
}

func TestWhatARefusingCollectorDidNotTakeArrivesWhenItDoes(t *testing.T) {
	server := newReceiver(t)
	server.answers(refuses)
	sends := run(t, server.URL, "")
	for i := range 10 {
		sends.Offer(event(i, 10))
	}
	eventually(t, "an attempt", func() bool { server.mutex.Lock(); defer server.mutex.Unlock(); return server.header != nil })
	server.answers(nil)
	eventually(t, "all decisions", func() bool { return len(server.got()) == 10 && sends.tally.of(Sent) == 10 })
	if lost := sends.tally.of(Dropped) + sends.tally.of(Failed); lost > 0 {
		t.Errorf("got %d lost", lost)
	}
}

// A collector may be down, refuse, or never answer. Whatever it does, nobody waits, what is kept stays within its bound,
// and every decision that is lost is counted.
func TestABadCollectorHoldsUpNobodyAndLosesNothingUncounted(t *testing.T) {
	silent := make(chan struct{})
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"is down":       nil,
		"refuses":       refuses,
		"never answers": func(_ http.ResponseWriter, r *http.Request) bool { <-silent; <-r.Context().Done(); return false },
		"never ends its answer": func(w http.ResponseWriter, r *http.Request) bool {
			w.WriteHeader(http.StatusInternalServerError)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-silent:
			case <-r.Context().Done():
			}
			return false
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := newReceiver(t)
			server.answers(answer)
			if answer == nil {
				server.Close()
			}
			const decisions, size, bound = 20000, 1000, 1 << 20
			sends := run(t, server.URL, fmt.Sprintf(", buffer_size_limit_bytes: %d", bound))
			before := heap()
			began := time.Now()
			for i := range decisions {
				sends.Offer(event(i, size))
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("offering took %s", took)
			}
			// What was offered is 20 MB; what is kept is the bound, what OPA holds, packed, and what carries both.
			if kept := heap() - before; kept > 10<<20 {
				t.Errorf("%d bytes are kept, want about %d", kept, bound)
			}
			if name == "never answers" {
				t.Cleanup(sync.OnceFunc(func() { close(silent) }))
			}
			waiting := sends.Waiting()
			sends.stop()
			if waiting == 0 || sends.tally.of(Sent) != 0 || sends.tally.of(Dropped) != decisions {
				t.Errorf("got %d sent and %d dropped, want all %d dropped; %d were waiting", sends.tally.of(Sent), sends.tally.of(Dropped), decisions, waiting)
			}
		})
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	stats := runtime.MemStats{}
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func TestWhatIsLeftAtTheEndIsSentOnceMore(t *testing.T) {
	server := newReceiver(t)
	sends := run(t, server.URL, "")
	server.answers(refuses)
	sends.Offer(event(1, 10))
	eventually(t, "an attempt", func() bool { server.mutex.Lock(); defer server.mutex.Unlock(); return server.header != nil })
	server.answers(nil)
	sends.Offer(event(2, 10))
	sends.stop()
	sends.Offer(event(3, 10))
	if len(server.got()) != 2 || sends.tally.of(Sent) != 2 || sends.tally.of(Dropped) != 1 {
		t.Errorf("got %d, %d sent and %d dropped; want two, and the one that came too late", len(server.got()), sends.tally.of(Sent), sends.tally.of(Dropped))
	}
}

func TestWhatIsTooLargeToBeSentIsCounted(t *testing.T) {
	server := newReceiver(t)
	sends := run(t, server.URL, ", upload_size_limit_bytes: 300")
	large := event(1, 0)
	text := make([]string, 300)
	for i := range text {
		text[i] = fmt.Sprintf("%x", i*i*7919)
	}
	large.Result, _ = json.Marshal(text)
	sends.Offer(large)
	eventually(t, "the count", func() bool { return sends.tally.of(Failed) == 1 })
	sends.Offer(event(2, 0))
	eventually(t, "the next one", func() bool { return sends.tally.of(Sent) == 1 })
}

func TestReadConfigRefusesWhatWouldNotHold(t *testing.T) {
	const service = "services: {a: {url: 'https://a.example'}}\n"
	for name, test := range map[string]struct{ text, says string }{
		"no decision logs":          {service, "decision_logs must say what to send where, is absent"},
		"bundles":                   {service + "bundles: {}\ndecision_logs: {service: a}", "key must be one of decision_logs, keys, labels, services, is bundles"},
		"the console":               {service + "decision_logs: {console: true}", `unknown field "console"`},
		"a masking rule":            {service + "decision_logs: {mask_decision: /a}", `unknown field "mask_decision"`},
		"no service":                {"decision_logs: {}", `decision_logs.service must be one of the services (), is ""`},
		"another service":           {service + "decision_logs: {service: b}", `decision_logs.service must be one of the services (a), is "b"`},
		"several services":          {"services: {a: {url: 'https://a'}, b: {url: 'https://b'}}\ndecision_logs: {}", `decision_logs.service must be one of the services (a, b), is ""`},
		"no address":                {"services: {a: {url: a.example}}\ndecision_logs: {}", `services.a.url must begin with https:// or http://, is "a.example"`},
		"two sorts of credentials":  {"services: {a: {url: 'https://a', credentials: {bearer: {token: a}, client_tls: {cert: a}}}}\ndecision_logs: {}", "services.a.credentials: "},
		"one delay":                 {service + "decision_logs: {reporting: {min_delay_seconds: 1}}", "decision_logs.reporting.min_delay_seconds and max_delay_seconds must be set both or neither"},
		"delays the wrong way":      {service + "decision_logs: {reporting: {min_delay_seconds: 2, max_delay_seconds: 1}}", "max_delay_seconds must be at least min_delay_seconds"},
		"a negative buffer":         {service + "decision_logs: {reporting: {buffer_size_limit_bytes: -1}}", "buffer_size_limit_bytes must be above 0, is -1"},
		"a negative upload":         {service + "decision_logs: {reporting: {upload_size_limit_bytes: -1}}", "upload_size_limit_bytes must be above 0, is -1"},
		"another trigger":           {service + "decision_logs: {reporting: {trigger: manual}}", "trigger must be periodic, is manual"},
		"what OPA does not know of": {service + "decision_logs: {servce: a}", "servce"},
		"what is no YAML":           {"a: [", "yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %s", err, test.says)
			}
		})
	}
}

func TestReadConfigNamesTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "logs.yaml")
	if _, err := ReadConfig(file); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(file, []byte("services: {}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadConfig(file); err == nil || !strings.HasPrefix(err.Error(), file+": ") {
		t.Errorf("got %v", err)
	}
}
