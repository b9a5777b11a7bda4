// Command progress runs the steps of make test. It prints how long they usually take,
// each step with the time since the start, and every half minute what is running.
//
//	progress [flags] FOLDER...
//
// FOLDERs are modules of their own that are tested beside this one, while its tests wait.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

var (
	usual    = flag.String("usual", "", "how long all steps take on an idle machine, in words")
	last     = flag.String("last", "", "the file with the duration of the last run that passed")
	parallel = flag.String("parallel", "8", "how many tests of a package run at once")
	compiled = flag.String("compiled", "", "flags of go build, in addition to GOFLAGS, for what runs with the race detector")
)

const heartbeat = 30 * time.Second

func main() {
	flag.Parse()
	p := &progress{out: os.Stdout, began: time.Now()}
	p.announce(*usual, *last)
	if !p.runAll(flag.Args()) {
		os.Exit(1)
	}
	p.say("all passed")
	if err := remember(*last, time.Since(p.began)); err != nil {
		p.say("%v", err)
		os.Exit(1)
	}
}

// step is a command, and what reads its output.
type step struct {
	command string
	output  output
	env     []string // in addition to that of this process
}

// output reads what a step writes, line by line.
type output interface {
	line(text string)
	// status says what is running.
	status() string
	// end is called after the last line.
	end()
}

// progress writes lines with the time since the start.
type progress struct {
	began time.Time
	mu    sync.Mutex
	out   io.Writer
}

// runAll runs all steps and reports whether they passed. The folders are tested at the lowest
// priority while other tests wait. They are compiled as the released binary is, so that Go's
// own packages are compiled in two modes only.
func (p *progress) runAll(folders []string) bool {
	// By default each program with the race detector waits a second before it ends.
	checked := []string{"GOFLAGS=" + os.Getenv("GOFLAGS") + " " + *compiled, "GORACE=atexit_sleep_ms=20"}
	static := []string{"CGO_ENABLED=0", "GOFLAGS=" + os.Getenv("GOFLAGS") + " -trimpath"}
	if !p.passes(step{"go vet -v -race ./...", &vetOutput{p: p}, checked}) {
		return false
	}
	passed := true
	var beside sync.WaitGroup
	beside.Go(func() {
		for _, folder := range folders {
			command := "nice -n 19 go -C " + folder + " test ./..."
			passed = p.passes(step{command, &plainOutput{p, command}, static}) && passed
		}
	})
	// Everything has been vetted. Most tests wait most of the time, hence -p.
	tested := p.passes(step{"go test -json -race -vet=off -timeout 60m -p 4 -parallel " + *parallel + " ./...", newTestOutput(p), checked})
	beside.Wait()
	return tested && passed
}

// passes runs a step and reports a failure.
func (p *progress) passes(s step) bool {
	if err := p.run(s); err != nil {
		p.say("FAILED: %s: %v", s.command, err)
		return false
	}
	return true
}

// say writes a line that begins with the time.
func (p *progress) say(format string, values ...any) {
	p.print(fmt.Sprintf("[%v] %s\n", time.Since(p.began).Round(time.Second), fmt.Sprintf(format, values...)))
}

// print writes text as it is.
func (p *progress) print(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprint(p.out, text)
}

// announce says how long it will take.
func (p *progress) announce(usual, file string) {
	line := "vet and tests take " + usual
	if took, err := os.ReadFile(file); err == nil {
		line += "; the last run here took " + strings.TrimSpace(string(took))
	}
	p.say("%s", line)
}

// remember writes how long the run took for the next one to say.
func remember(file string, took time.Duration) error {
	if file == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // as the other files that make writes
		return err
	}
	return os.WriteFile(file, []byte(took.Round(time.Second).String()+"\n"), 0o600)
}

// run runs a step, and says every half minute what it does.
func (p *progress) run(s step) error {
	p.say("%s", s.command)
	began := time.Now()
	words := strings.Fields(s.command)
	command := exec.Command(words[0], words[1:]...) //nolint:gosec,noctx // it is one of the steps, and ends with the terminal's interrupt
	lines := &lineWriter{to: s.output.line}
	command.Stdout, command.Stderr = lines, lines
	command.Env = append(os.Environ(), s.env...)
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		tick := time.NewTicker(heartbeat)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.say("%s", s.output.status())
			case <-ended:
				return
			}
		}
	})
	err := command.Wait()
	close(ended)
	beating.Wait()
	lines.flush()
	s.output.end()
	if err == nil {
		p.say("passed in %v: %s", time.Since(began).Round(time.Second), s.command)
	}
	return err
}

// lineWriter cuts what is written into lines.
type lineWriter struct {
	to   func(string)
	rest string
}

func (w *lineWriter) Write(text []byte) (int, error) {
	w.rest += string(text)
	for {
		line, rest, whole := strings.Cut(w.rest, "\n")
		if !whole {
			return len(text), nil
		}
		w.rest = rest
		w.to(line)
	}
}

func (w *lineWriter) flush() {
	if w.rest != "" {
		w.to(w.rest)
	}
}
