package cli

import (
	"io"
	"time"
)

// maxLastWrite bounds the last write of a process to a blocked output.
const maxLastWrite = time.Second

// writeBeforeExit writes text for at most maxLastWrite. The process ends afterwards.
func writeBeforeExit(w io.Writer, text string) {
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = io.WriteString(w, text) // there is no other output for the error
	}()
	timeout := time.NewTimer(maxLastWrite)
	defer timeout.Stop()
	select {
	case <-written:
	case <-timeout.C:
	}
}

// writeInBackground writes text without blocking the caller, because the output of a
// service may not be read.
func writeInBackground(w io.Writer, text string) {
	go func() { _, _ = io.WriteString(w, text) }()
}
