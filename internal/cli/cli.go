// Package cli implements the commands of lsapi: flags, help, output and exit statuses.
package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// Run runs one command and returns its exit status. It prints an error to stderr as one
// message.
func Run(p Process) int {
	root := newRoot(p)
	root.SetArgs(p.Args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)

	begun := false // whether the arguments were valid
	root.PersistentPreRun = func(*cobra.Command, []string) { begun = true }
	err := root.Execute()
	if err == nil {
		return ExitOK
	}
	if isBrokenPipe(err) {
		return exitPipe
	}
	if !begun {
		fmt.Fprintf(p.Stderr, "lsapi: %v\nRun 'lsapi --help' for the commands, 'lsapi COMMAND --help' for their flags.\n", err)
		return ExitUsage
	}
	text := fmt.Sprintf("lsapi: %s\n", message(err))
	if is[stoppedError](err) {
		writeBeforeExit(p.Stderr, text)
	} else {
		fmt.Fprint(p.Stderr, text)
	}
	return exitStatus(err)
}

// exitPipe is a shell's status for a process that SIGPIPE ended. It is no error: the
// reader, such as head, has closed the pipe.
const exitPipe = 128 + int(syscall.SIGPIPE)

// isBrokenPipe reports whether stdout is a pipe whose reader has closed it. This matters
// where SIGPIPE is ignored. Elsewhere the signal ends the process.
func isBrokenPipe(err error) bool {
	written, ok := errors.AsType[*fs.PathError](err)
	return ok && written.Path == os.Stdout.Name() && errors.Is(err, syscall.EPIPE)
}

// maxLastWrite bounds the last write of a process to a blocked output.
const maxLastWrite = time.Second

// writeBeforeExit writes text for at most maxLastWrite. The process ends afterwards.
func writeBeforeExit(w io.Writer, text string) {
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = io.WriteString(w, text) // there is no other output for the error
	}()
	select {
	case <-written:
	case <-time.After(maxLastWrite):
	}
}
