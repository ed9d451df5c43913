package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// mebibyte is the unit of memory.
const mebibyte = 1 << 20

// memory is what a program has of the machine's memory now, in bytes, and what it had at most. Linux tells it.
func (p *program) memory() (now, most int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, 0, fmt.Errorf("reading how much memory %s has: %w", p.command.Path, err)
	}
	return kibibytes(string(text), "VmRSS:") << 10, kibibytes(string(text), "VmHWM:") << 10, nil
}

// kibibytes is the number of a line of a process's status.
func kibibytes(status, name string) int {
	_, after, _ := strings.Cut(status, name)
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	number, err := strconv.Atoi(fields[0])
	if err != nil {
		return 0
	}
	return number
}

// noteMemory adds what a program has and had of the machine's memory, beside a budget for what it has; none when zero.
func (t *table) noteMemory(what string, budget int, p *program) error {
	now, most, err := p.memory()
	if err != nil {
		return err
	}
	if budget == 0 {
		t.note(what, "%d MiB", now/mebibyte)
	} else {
		t.atMost(what, float64(budget), float64(now/mebibyte), " MiB")
	}
	t.note(what+", at most so far", "%d MiB", most/mebibyte)
	return nil
}
