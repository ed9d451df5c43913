// Package bounded keeps what somebody slower will take, within a bound, and never makes anybody wait for it.
package bounded

import "sync"

// Queue keeps items in their order, up to a sum of their weights. What comes when it is full takes the place of the
// oldest: who looks for what happened in an outage looks for its end. Make it with New.
type Queue[T any] struct {
	limit int64
	ready chan struct{}

	mutex  sync.Mutex
	items  []item[T]
	weight int64
	closed bool
}

// item is one item and its weight.
type item[T any] struct {
	value  T
	weight int64
}

// New makes a queue for items of a weight in all.
func New[T any](limit int64) *Queue[T] {
	return &Queue[T]{limit: limit, ready: make(chan struct{}, 1)}
}

// Push adds an item, and says how many were lost for it: older ones, or itself where it is too heavy for any queue or
// where nobody takes it any more.
func (q *Queue[T]) Push(value T, weight int64) (lost int) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.closed || weight > q.limit {
		return 1
	}
	for q.weight+weight > q.limit {
		q.weight -= q.items[0].weight
		// What is lost must not be kept by the array that the rest lies in.
		q.items[0] = item[T]{}
		q.items = q.items[1:]
		lost++
	}
	q.items, q.weight = append(q.items, item[T]{value, weight}), q.weight+weight
	q.wake()
	return lost
}

// Take takes the oldest items, up to a sum of their weights, but at least one if there is one.
func (q *Queue[T]) Take(most int64) []T {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	var out []T
	taken := int64(0)
	for len(q.items) > 0 && (len(out) == 0 || taken+q.items[0].weight <= most) {
		out, taken = append(out, q.items[0].value), taken+q.items[0].weight
		q.items[0] = item[T]{}
		q.items = q.items[1:]
	}
	q.weight -= taken
	if len(q.items) == 0 {
		// The array goes with what it held.
		q.items = nil
		return out
	}
	q.wake()
	return out
}

// Ready has something when there may be items to take.
func (q *Queue[T]) Ready() <-chan struct{} {
	return q.ready
}

// Len is how many items are waiting.
func (q *Queue[T]) Len() int {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return len(q.items)
}

// Close takes no more items. Those that are waiting can still be taken.
func (q *Queue[T]) Close() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.closed = true
}

// wake says that there is something to take.
func (q *Queue[T]) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}
