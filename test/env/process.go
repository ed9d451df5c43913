package env

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// grace is how long a program that was asked to end may take.
const grace = 5 * time.Second

// tether runs a program that ends with the process that started it, however that one ends: the kernel sees
// to it where setpriv can ask it to. Elsewhere a program outlives a parent that is killed.
const tether = `#!/bin/sh
if setpriv --pdeathsig KILL true 2>/dev/null; then
  exec setpriv --pdeathsig KILL '%[1]s' "$@"
fi
exec '%[1]s' "$@"
`

// process is a program that runs until it is stopped.
type process struct {
	name, log string
	command   *exec.Cmd
	// done is closed when it has ended.
	done chan struct{}
}

// tethered writes the tether for a program, and returns its path.
func (c *ControlPlane) tethered(program string) (string, error) {
	path := filepath.Join(c.Dir, "bin", filepath.Base(program))
	script := fmt.Sprintf(tether, strings.ReplaceAll(program, `'`, `'\''`))
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		return "", fmt.Errorf("writing the tether of %s: %w", program, err)
	}
	return path, nil
}

// logFile opens the log of a program.
func (c *ControlPlane) logFile(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(c.Dir, "log", name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
}

// Run starts a program beside the control plane. It writes to log/<its name>.log under Dir and runs until
// Stop, or until this process ends.
func (c *ControlPlane) Run(program string, args ...string) error {
	absolute, err := filepath.Abs(program)
	if err != nil {
		return fmt.Errorf("finding %s: %w", program, err)
	}
	path, err := c.tethered(absolute)
	if err != nil {
		return err
	}
	p := &process{name: filepath.Base(program), command: exec.Command(path, args...), done: make(chan struct{})}
	log, err := c.logFile(p.name)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", p.name, err)
	}
	// The program has it open itself once it runs.
	defer func() { _ = log.Close() }()
	p.log = log.Name()
	p.command.Stdout, p.command.Stderr = log, log
	// A group of its own keeps Ctrl-C from it: we decide when it ends, and in which order.
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.command.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	c.processes = append(c.processes, p)
	go func() {
		defer close(p.done)
		// How it ended stays in command.ProcessState.
		_ = p.command.Wait()
	}()
	return nil
}

// Check says which of the programs that Run started have ended by themselves, and where their logs are.
func (c *ControlPlane) Check() error {
	var errs []error
	for _, p := range c.processes {
		select {
		case <-p.done:
			errs = append(errs, fmt.Errorf("%s ended by itself: %s; see %s", p.name, p.command.ProcessState, p.log))
		default:
		}
	}
	return errors.Join(errs...)
}

// stop asks the program to end, and ends it when it does not.
func (p *process) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(grace):
		_ = p.command.Process.Kill()
		<-p.done
	}
}
