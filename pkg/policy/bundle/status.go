package bundle

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Status is what a person wants to know of the bundle.
type Status struct {
	// Revision in force; empty before the first bundle.
	Revision string
	// Since is when that revision came into force in this process.
	Since time.Time
	// Checked is when the server last had nothing else than what is in force; zero when it never answered so.
	Checked time.Time
	// Err is what is wrong with the newest bundle, or with getting it; nil when nothing is. Whatever it is, what was
	// in force stays.
	Err error
	// Failing is since when something has been wrong.
	Failing time.Time
}

// record holds the status and counts what led to it.
type record struct {
	mutex  sync.Mutex
	status Status
	// changed is told of every status that says something new.
	changed func(Status)
	// active is closed when the first bundle is in force.
	active chan struct{}

	loaded, checked prometheus.Gauge
	failures        prometheus.Counter
	info            *prometheus.GaugeVec
}

// newRecord registers the metrics.
func newRecord(registry prometheus.Registerer, changed func(Status)) (*record, error) {
	r := &record{
		changed: changed,
		active:  make(chan struct{}),
		loaded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "portcullis_bundle_loaded_timestamp_seconds",
			Help: "When the bundle that is in force came into force.",
		}),
		checked: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "portcullis_bundle_checked_timestamp_seconds",
			Help: "When the server last had no other bundle than the one that is in force.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "portcullis_bundle_failures_total",
			Help: "How often a bundle could not be had, or was refused.",
		}),
		info: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "portcullis_bundle_info",
			Help: "The revision of the bundle that is in force; always 1.",
		}, []string{"revision"}),
	}
	for _, metric := range []prometheus.Collector{r.loaded, r.checked, r.failures, r.info} {
		if err := registry.Register(metric); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// get returns the status.
func (r *record) get() Status {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.status
}

// activated notes that a revision came into force.
func (r *record) activated(revision string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.status.Since.IsZero() {
		close(r.active)
	}
	r.status.Revision, r.status.Since = revision, time.Now()
	r.status.Err, r.status.Failing = nil, time.Time{}
	r.loaded.SetToCurrentTime()
	// One revision at a time, so that a thousand bundles leave one series.
	r.info.Reset()
	r.info.WithLabelValues(revision).Set(1)
	r.changed(r.status)
}

// current notes that the server has what is in force.
func (r *record) current() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.status.Checked = time.Now()
	r.checked.SetToCurrentTime()
	if r.status.Err == nil {
		return
	}
	r.status.Err, r.status.Failing = nil, time.Time{}
	r.changed(r.status)
}

// failed notes that a bundle could not be had or was refused, and says whether that is news. Saying it once is enough:
// servers stay away for hours.
func (r *record) failed(err error) (news bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.failures.Inc()
	news = r.status.Err == nil || r.status.Err.Error() != err.Error()
	if r.status.Failing.IsZero() {
		r.status.Failing = time.Now()
	}
	r.status.Err = err
	if news {
		r.changed(r.status)
	}
	return news
}
