package monitoring_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"

	. "github.com/onsi/gomega"
)

// collector takes records of decisions, until it is down.
type collector struct {
	down atomic.Bool
	// config is the guard's file that names it.
	config string
}

// ServeHTTP answers as a collector does.
func (c *collector) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if c.down.Load() {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// collect takes records until the end of the test. The guard has room for very few of them.
func collect(s *stack) *collector {
	s.t.Helper()
	c := &collector{config: filepath.Join(s.t.TempDir(), "collector.yaml")}
	server := httptest.NewServer(c)
	s.t.Cleanup(server.Close)
	s.Expect(os.WriteFile(c.config, []byte(asJSON(s, map[string]any{
		"services": map[string]any{"collector": map[string]any{"url": server.URL}},
		"decision_logs": map[string]any{"service": "collector", "reporting": map[string]any{
			"min_delay_seconds": 1, "max_delay_seconds": 1, "buffer_size_limit_bytes": 12288, "upload_size_limit_bytes": 8192,
		}},
	})), 0o600)).To(Succeed())
	return c
}
