package bundle

import (
	"errors"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// recorded is a record that keeps what was news.
func recorded(t *testing.T) (*record, *[]string) {
	t.Helper()
	news := &[]string{}
	record, err := newRecord(prometheus.NewRegistry(), func(status Status) {
		*news = append(*news, fmt.Sprintf("%s %v", status.Revision, status.Err))
	})
	if err != nil {
		t.Fatal(err)
	}
	return record, news
}

func TestOnlyWhatIsNewIsNews(t *testing.T) {
	record, news := recorded(t)
	one, other := errors.New("one"), errors.New("other")
	record.activated("A")
	record.current()
	record.current()
	for _, err := range []error{one, one, errors.New("one"), other, one} {
		record.failed(err)
	}
	record.current()
	record.current()
	record.failed(one)
	record.activated("B")
	want := []string{"A <nil>", "A one", "A other", "A one", "A <nil>", "A one", "B <nil>"}
	if got := fmt.Sprint(*news); got != fmt.Sprint(want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFailingSinceTheFirstFailure(t *testing.T) {
	record, _ := recorded(t)
	record.failed(errors.New("one"))
	first := record.get().Failing
	record.failed(errors.New("other"))
	if got := record.get(); first.IsZero() || !got.Failing.Equal(first) || got.Err.Error() != "other" {
		t.Errorf("got %+v, want it to fail since %v", got, first)
	}
	record.activated("A")
	if got := record.get(); !got.Failing.IsZero() || got.Err != nil || got.Since.IsZero() || !got.Checked.IsZero() {
		t.Errorf("got %+v, want nothing wrong, and nothing asked", got)
	}
}

func TestActiveOnceAndForAll(t *testing.T) {
	record, _ := recorded(t)
	select {
	case <-record.active:
		t.Error("it is active before anything is")
	default:
	}
	record.activated("A")
	record.activated("B")
	<-record.active
}

func TestMetricsAreRegisteredOnce(t *testing.T) {
	registry := prometheus.NewRegistry()
	for i, want := range []bool{true, false} {
		_, err := New(Options{Metrics: registry})
		if (err == nil) != want {
			t.Errorf("%d: got %v", i, err)
		}
	}
}
