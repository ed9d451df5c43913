package reconcile

import (
	"fmt"
	"slices"
	"time"
)

// Somebody else may put an object right by other rights than ours, as fast as we do, for ever. After so many corrections
// of it within a minute it is let be for a while, which doubles up to the longest pause; whoever it is has then time to
// be found.
const (
	mostCorrections = 6
	contestedFor    = time.Minute
)

// dispute is how often an object was put right lately, and until when it is let be.
type dispute struct {
	corrected []time.Time
	pause     time.Duration
	until     time.Time
	with      string
}

// contested is the error of an object that somebody else changes as often as it is put right.
type contested struct {
	key   objectKey
	with  string
	until time.Time
}

// Error says who it is, and until when the object is let be.
func (c *contested) Error() string {
	return fmt.Sprintf("applying %s %s: %s changes it as often as it is put right; it is let be until %s: find out who that is, and keep them from it",
		c.key.Kind, c.key.ObjectKey, c.with, c.until.UTC().Format(time.RFC3339))
}

// letBe says whether an object is let be for now; nil when it is not.
func (c *cluster) letBe(key objectKey) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.disputes[key]; known != nil && c.now().Before(known.until) {
		return &contested{key: key, with: known.with, until: known.until}
	}
	return nil
}

// disputed notes that an object was put right which somebody had changed. It says for how long it is let be from now on;
// zero when it is not.
func (c *cluster) disputed(key objectKey, with string) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, known := c.now(), c.disputes[key]
	if known == nil {
		known = &dispute{}
		c.disputes[key] = known
	}
	known.corrected = slices.DeleteFunc(known.corrected, func(at time.Time) bool { return now.Sub(at) >= time.Minute })
	if known.corrected = append(known.corrected, now); len(known.corrected) < mostCorrections {
		return 0
	}
	if now.Sub(known.until) > longestPause {
		known.pause = 0
	}
	known.pause = min(max(2*known.pause, contestedFor), longestPause)
	known.corrected, known.with, known.until = nil, with, now.Add(known.pause)
	return known.pause
}
