package bounded

import (
	"slices"
	"sync"
	"testing"
)

func TestTheOldestIsLostFirst(t *testing.T) {
	q := New[string](10)
	for _, push := range []struct {
		value  string
		weight int64
		lost   int
	}{{"a", 4, 0}, {"b", 4, 0}, {"c", 2, 0}, {"d", 5, 2}, {"too heavy", 11, 1}, {"e", 10, 2}} {
		if lost := q.Push(push.value, push.weight); lost != push.lost {
			t.Errorf("%s: got %d lost, want %d", push.value, lost, push.lost)
		}
	}
	if got := q.Take(100); !slices.Equal(got, []string{"e"}) || q.Len() != 0 {
		t.Errorf("got %v and %d left", got, q.Len())
	}
	if got := q.Take(100); got != nil {
		t.Errorf("got %v of an empty queue", got)
	}
}

func TestTakeTakesWhatFitsAndAtLeastOne(t *testing.T) {
	q := New[int](100)
	for i := range 4 {
		q.Push(i, 10)
	}
	for _, want := range [][]int{{0, 1}, {2}, {3}} {
		<-q.Ready()
		most := int64(20)
		if len(want) == 1 {
			most = 5
		}
		if got := q.Take(most); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	select {
	case <-q.Ready():
		t.Error("an empty queue is ready")
	default:
	}
}

func TestAClosedQueueLosesWhatComesAndKeepsWhatIsThere(t *testing.T) {
	q := New[int](10)
	q.Push(1, 1)
	q.Close()
	if lost := q.Push(2, 1); lost != 1 {
		t.Errorf("got %d lost, want 1", lost)
	}
	if got := q.Take(10); !slices.Equal(got, []int{1}) {
		t.Errorf("got %v", got)
	}
}

func TestNothingIsLostUncountedUnderLoad(t *testing.T) {
	const workers, each = 8, 2000
	q := New[int](100)
	lost, taken := make([]int, workers), 0
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := range each {
				lost[worker] += q.Push(i, 1)
			}
		})
	}
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	for ended := false; !ended; {
		select {
		case <-q.Ready():
			taken += len(q.Take(10))
		case <-done:
			ended = true
		}
	}
	taken += len(q.Take(1000))
	for _, n := range lost {
		taken += n
	}
	if taken != workers*each {
		t.Errorf("got %d taken or lost, want %d", taken, workers*each)
	}
}
