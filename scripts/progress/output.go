package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// plainOutput prints what a step writes.
type plainOutput struct {
	p       *progress
	command string
}

func (o *plainOutput) line(text string) { o.p.print(text + "\n") }
func (o *plainOutput) status() string   { return "running: " + o.command }
func (o *plainOutput) end()             {}

// vetOutput counts the packages that go vet names as it gets to them, and prints
// the rest.
type vetOutput struct {
	p        *progress
	mu       sync.Mutex
	compiled int
	latest   string
}

// packagePath is how go vet -v names a package.
var packagePath = regexp.MustCompile(`^[\w.~/+-]+$`)

func (o *vetOutput) line(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !packagePath.MatchString(text) {
		o.p.print(text + "\n")
		return
	}
	o.compiled++
	o.latest = text
}

func (o *vetOutput) status() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.compiled == 0 {
		return "vet: loading packages"
	}
	return fmt.Sprintf("vet: %d packages compiled, the last %s", o.compiled, o.latest)
}

func (o *vetOutput) end() {}

// testOutput reads the events of go test -json. It prints the closing line of each
// package as it ends, and all that a failed test has written.
type testOutput struct {
	p *progress

	mu       sync.Mutex
	running  map[string]map[string]bool // the tests by package; of a package that compiles none
	written  map[testName][]string
	finished int
	failed   []string
}

type testName struct{ pkg, test string }

// event is what go test -json writes.
type event struct{ Action, Package, Test, Output, ImportPath string }

func newTestOutput(p *progress) *testOutput {
	return &testOutput{p: p, running: make(map[string]map[string]bool), written: make(map[testName][]string)}
}

func (o *testOutput) line(text string) {
	var e event
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		o.p.print(text + "\n") // an error of go itself
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	name := testName{e.Package, e.Test}
	switch e.Action {
	case "start":
		o.running[e.Package] = make(map[string]bool)
	case "run":
		o.running[e.Package][e.Test] = true
	case "output":
		o.written[name] = append(o.written[name], e.Output)
	case "build-output":
		o.p.print(e.Output)
	case "pass", "skip", "fail":
		o.ended(name, e.Action)
	}
}

// ended prints what is to be seen of a test or package.
func (o *testOutput) ended(name testName, how string) {
	written := o.written[name]
	delete(o.written, name)
	if name.test != "" {
		delete(o.running[name.pkg], name.test)
		if how == "fail" {
			o.failed = append(o.failed, name.pkg+" "+name.test)
			o.p.print(strings.Join(written, ""))
		}
		return
	}
	for other := range o.written { // a test that a panic cut off has no end
		if other.pkg == name.pkg {
			o.p.print(strings.Join(o.written[other], ""))
			delete(o.written, other)
		}
	}
	// What a package writes beside its tests matters when it fails; else its last
	// line does.
	if how != "fail" && len(written) > 0 {
		written = written[len(written)-1:]
	}
	o.p.print(strings.Join(written, ""))
	o.finished++
	delete(o.running, name.pkg)
}

func (o *testOutput) status() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var busy []string
	for _, pkg := range slices.Sorted(maps.Keys(o.running)) {
		tests := slices.Sorted(maps.Keys(o.running[pkg]))
		switch len(tests) {
		case 0:
			busy = append(busy, pkg)
		case 1:
			busy = append(busy, pkg+" "+tests[0])
		default:
			busy = append(busy, fmt.Sprintf("%s %s and %d more", pkg, tests[0], len(tests)-1))
		}
	}
	if len(busy) == 0 {
		busy = []string{"compiling"}
	}
	return fmt.Sprintf("%d packages tested, %d tests failed; running: %s", o.finished, len(o.failed), strings.Join(busy, ", "))
}

func (o *testOutput) end() {
	for _, name := range o.failed {
		o.p.print("failed: " + name + "\n")
	}
}
