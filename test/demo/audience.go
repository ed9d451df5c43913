package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// chapter is a part of the story.
type chapter struct {
	title string
	steps []step
}

// step is a command and what must come of it.
type step struct {
	// say is what the audience should look at.
	say string
	// run is the command, as a user types it.
	run string
	// refused says that the command must fail; otherwise it must not.
	refused bool
	// shows and hides are texts that must, and must not, be in what comes back.
	shows, hides []string
	// eventually repeats the command until it is as it must be: it reads what others bring about.
	eventually bool
	// then looks at what no command shows.
	then func(ctx context.Context, a *audience) error
}

// audience sees what happens on the stage, and believes nothing.
type audience struct {
	stage *stage
	// commands, refusals and checks count what was seen.
	commands, refusals, checks int
}

// watch goes through the chapters, up to the first thing that is not as it must be.
func (a *audience) watch(ctx context.Context, chapters []chapter) error {
	for i, chapter := range chapters {
		fmt.Printf("\n── %d. %s %s\n", i+1, chapter.title, strings.Repeat("─", max(0, 90-len(chapter.title))))
		for _, step := range chapter.steps {
			if err := a.see(ctx, step); err != nil {
				return fmt.Errorf("chapter %d, %s: %w", i+1, chapter.title, err)
			}
		}
	}
	return nil
}

// see takes one step, shows it, and checks it.
func (a *audience) see(ctx context.Context, s step) error {
	if s.say != "" {
		fmt.Printf("\n# %s\n", s.say)
	}
	if s.run != "" {
		fmt.Printf("$ %s\n", s.run)
		output, wrong := a.try(ctx, s)
		fmt.Printf("%s", output)
		if wrong != nil {
			return fmt.Errorf("%s: %w", s.run, wrong)
		}
		a.count(s)
	}
	if s.then == nil {
		return nil
	}
	a.checks++
	return s.then(ctx, a)
}

// count counts a step that came true.
func (a *audience) count(s step) {
	a.commands++
	a.checks += 1 + len(s.shows) + len(s.hides)
	if s.refused {
		a.refusals++
	}
}

// try runs the step's command, again and again if it may take its time, and says what is wrong in the end.
func (a *audience) try(ctx context.Context, s step) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		output, err := a.shell(ctx, s.run)
		wrong := s.wrong(output, err)
		if wrong == nil || !s.eventually {
			return output, wrong
		}
		select {
		case <-ctx.Done():
			return output, fmt.Errorf("%w, after %s", wrong, patience)
		case <-time.After(interval):
		}
	}
}

// shell runs a command in a shell, and returns all that it prints.
func (a *audience) shell(ctx context.Context, run string) (string, error) {
	command := exec.CommandContext(ctx, "sh", "-c", run)
	command.Env = append(os.Environ(), a.stage.environment()...)
	// What the shell started may outlive it, and would keep us waiting.
	command.WaitDelay = time.Second
	output, err := command.CombinedOutput()
	return string(output), err
}

// wrong says what is not as it must be.
func (s step) wrong(output string, err error) error {
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		return err
	case err != nil && !s.refused:
		return fmt.Errorf("must succeed: %w", err)
	case err == nil && s.refused:
		return errors.New("must be refused, succeeded")
	}
	for _, text := range s.shows {
		if !strings.Contains(output, text) {
			return fmt.Errorf("must show %q, does not", text)
		}
	}
	for _, text := range s.hides {
		if strings.Contains(output, text) {
			return fmt.Errorf("must not show %q, does", text)
		}
	}
	return nil
}

// summary says in numbers what was seen.
func (a *audience) summary() string {
	return fmt.Sprintf("%d commands, %d of them refused as they should be, %d checks.", a.commands, a.refusals, a.checks)
}
