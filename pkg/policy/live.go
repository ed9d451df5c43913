package policy

import "sync/atomic"

// Live holds the engine that decides now. Whoever makes a decision reads it once, so that no decision sees half of one
// engine and half of the next. The zero value holds none.
type Live struct {
	current atomic.Pointer[Engine]
}

// Engine that decides now; nil as long as there is none.
func (l *Live) Engine() *Engine {
	return l.current.Load()
}

// Swap puts another engine in its place. Decisions that have begun end with the one that they began with.
func (l *Live) Swap(next *Engine) {
	l.current.Store(next)
}
