package monitoring_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	. "github.com/onsi/gomega"
)

// How much is asked at once, and what a scrape may take: Prometheus' own default.
const (
	scrapers      = 8
	scrapesEach   = 20
	writers       = 4
	writesEach    = 15
	scrapeTimeout = 10 * time.Second
	// longestScrape is how much one scrape may be in the end; no label grows with gateways, users or requests.
	longestScrape = 1 << 20
)

// scrapeUnderLoad scrapes both binaries, much more often than anybody does, while gateways are written: every scrape
// comes back in time, and no request fails.
func (s *stack) scrapeUnderLoad() {
	s.t.Helper()
	var all sync.WaitGroup
	failures := make(chan error, scrapers*scrapesEach*2+writers*writesEach)
	for i := range scrapers {
		address := []string{s.webhookMetrics, s.controllerMetrics}[i%2]
		all.Go(func() {
			for range scrapesEach {
				failures <- scrape(s.t.Context(), address)
			}
		})
	}
	for i := range writers {
		all.Go(func() {
			for j := range writesEach {
				_, err := s.kubectl(s.ann, gateway(fmt.Sprint("load-", i, "-", j), "[home]"), "apply", "--dry-run=server", "-f", "-")
				failures <- err
			}
		})
	}
	all.Wait()
	close(failures)
	for failure := range failures {
		s.Expect(failure).NotTo(HaveOccurred())
	}
}

// scrape reads the metrics as Prometheus does.
func scrape(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil && (response.StatusCode != http.StatusOK || len(text) > longestScrape) {
		err = fmt.Errorf("scrape of %s: status %d, %d bytes", address, response.StatusCode, len(text))
	}
	return err
}
