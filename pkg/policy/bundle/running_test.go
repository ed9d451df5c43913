package bundle

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"portcullis.dev/portcullis/pkg/policy"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// polling asks as often as OPA can.
const polling = `{min_delay_seconds: 0, max_delay_seconds: 1}`

// signed is a configuration for bundles that are signed with the secret.
func signed(url string) string {
	return `{services: {rules: {url: "` + url + `"}}, keys: {k: {key: secret, algorithm: HS256}},
  bundles: {portcullis: {service: rules, resource: b.tar.gz, signing: {keyid: k}, polling: ` + polling + `}}}`
}

// running is a Runner whose bundles the real engine compiles.
type running struct {
	*Runner
	registry *prometheus.Registry
	stop     func()
	mutex    sync.Mutex
	// engine in force, and how often one was compiled.
	engine   *policy.Engine
	compiled int
	// said are the statuses that were news.
	said []Status
}

// start runs bundles from a configuration and a directory until the test ends or stops it.
func start(t *testing.T, config, directory string, adjust ...func(*Runner)) *running {
	t.Helper()
	checked, err := parse([]byte(config), directory)
	if err != nil {
		t.Fatal(err)
	}
	out := &running{registry: prometheus.NewRegistry()}
	out.Runner, err = New(Options{Config: checked, Metrics: out.registry, Activate: out.compile, Changed: out.hear})
	if err != nil {
		t.Fatal(err)
	}
	for _, adjust := range adjust {
		adjust(out.Runner)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- out.Start(ctx) }()
	out.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("ended with %v", err)
		}
	})
	t.Cleanup(out.stop)
	return out
}

// compile puts rules in force, if the engine takes them.
func (r *running) compile(ctx context.Context, rules fs.FS, _ string) error {
	engine, err := policy.New(ctx, rules, policy.Options{})
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.compiled++
	if err == nil {
		r.engine = engine
	}
	return err
}

// hear keeps a status.
func (r *running) hear(status Status) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.said = append(r.said, status)
}

// news are the statuses so far, in words.
func (r *running) news() []string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	var out []string
	for _, status := range r.said {
		out = append(out, fmt.Sprintf("%s: %v", status.Revision, status.Err))
	}
	return out
}

// refusal is what the rules in force say of a gateway called edge.
func (r *running) refusal(t *testing.T) string {
	t.Helper()
	r.mutex.Lock()
	engine := r.engine
	r.mutex.Unlock()
	if engine == nil {
		return "no rules"
	}
	verdict, err := engine.Validate(t.Context(), policy.Input{
		Request: policy.Request{Operation: "CREATE", Name: "edge", Namespace: "istio-system"},
		Gateway: map[string]any{"metadata": map[string]any{"name": "edge"}},
	})
	if err != nil {
		return err.Error()
	}
	if len(verdict.Denials) != 1 {
		return fmt.Sprint(verdict.Denials)
	}
	return verdict.Denials[0].Message
}

// eventually fails unless something comes true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("it never came true that %s", what)
		case <-tick.C:
		}
	}
}

// expectRevision waits until the rules of a revision decide.
func (r *running) expectRevision(t *testing.T, revision string) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("waiting for %s, it said %q", revision, r.news())
		}
	})
	eventually(t, "revision "+revision+" decides", func() bool {
		return r.Status().Revision == revision && r.refusal(t) == "refused by "+revision
	})
}

// expectFailure waits until the status says what is wrong.
func (r *running) expectFailure(t *testing.T, says string) {
	t.Helper()
	var status Status
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("waiting for %s, it said %q", says, r.news())
		}
	})
	eventually(t, "it says "+says, func() bool {
		status = r.Status()
		return status.Err != nil && strings.Contains(status.Err.Error(), says)
	})
	if status.Failing.IsZero() {
		t.Error("it does not say since when")
	}
}

// metric is the value of a metric with these labels.
func (r *running) metric(t *testing.T, name string) (value float64, labels string) {
	t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		if len(family.GetMetric()) != 1 {
			t.Fatalf("%s: got %d series, want 1", name, len(family.GetMetric()))
		}
		metric := family.GetMetric()[0]
		for _, label := range metric.GetLabel() {
			labels += label.GetName() + "=" + label.GetValue()
		}
		return metric.GetGauge().GetValue() + metric.GetCounter().GetValue(), labels
	}
	t.Fatalf("there is no %s", name)
	return 0, ""
}
