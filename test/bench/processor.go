package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit in which Linux tells processor time.
const tick = 10 * time.Millisecond

// processorTime is what all that runs on a control plane has had of the processors: its own programs, ours, and this one. On
// a machine that others use too, it says more than time does.
func (s *stage) processorTime() (time.Duration, error) {
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, fmt.Errorf("listing processes: %w", err)
	}
	own, total := strconv.Itoa(os.Getpid()), time.Duration(0)
	for _, process := range processes {
		command, err := os.ReadFile(filepath.Join(process, "cmdline"))
		if err != nil || filepath.Base(process) != own && !strings.Contains(string(command), s.plane.Dir) {
			// Gone meanwhile, or somebody else's.
			continue
		}
		total += processorTimeOf(process)
	}
	return total, nil
}

// processorTimeOf is what one process has had; nothing when it is gone.
func processorTimeOf(process string) time.Duration {
	text, err := os.ReadFile(filepath.Join(process, "stat"))
	if err != nil {
		return 0
	}
	// The name is in parentheses, and may hold anything.
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick
}
