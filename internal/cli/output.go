package cli

import (
	"io"
	"time"
)

// maxLastWrite is how long a process that ends waits for an output that is not
// read.
const maxLastWrite = time.Second

// writeBeforeExit writes the text, and returns after maxLastWrite at the latest.
// The process is about to end, and the write with it.
func writeBeforeExit(w io.Writer, text string) {
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = io.WriteString(w, text) // an output that fails has nowhere to report that
	}()
	timeout := time.NewTimer(maxLastWrite)
	defer timeout.Stop()
	select {
	case <-written:
	case <-timeout.C:
	}
}

// writeBeside writes the text while the caller goes on: a service runs and stops
// whether its output is read or not.
func writeBeside(w io.Writer, text string) {
	go func() { _, _ = io.WriteString(w, text) }()
}
