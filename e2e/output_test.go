package e2e

import (
	"bytes"
	"regexp"
	"sync"
	"time"
)

// output is the output of a process so far.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed by the next write
}

func newOutput() *output { return &output{changed: make(chan struct{})} }

// Write appends the process's output.
func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.text.Write(text)
}

func (o *output) String() string {
	text, _ := o.snapshot()
	return text
}

func (o *output) snapshot() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.changed
}

// waitFor waits until the output matches the pattern, and returns the match and its
// groups.
func (p *process) waitFor(o *output, pattern string) []string {
	p.t.Helper()
	expression := regexp.MustCompile(pattern)
	timeout := time.After(testTimeout)
	exited := p.exited
	for {
		text, changed := o.snapshot()
		if match := expression.FindStringSubmatch(text); match != nil {
			return match
		}
		if exited == nil {
			p.t.Fatalf("it ended and had not written %s", pattern)
		}
		select {
		case <-changed:
		case <-exited:
			exited = nil // the last output is matched once more
		case <-timeout:
			p.t.Fatalf("it does not write %s", pattern)
		}
	}
}
