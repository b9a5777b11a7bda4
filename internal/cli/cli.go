// Package cli implements the commands of lsapi: flags, help, output and exit statuses.
package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"lsapi/internal/app"
	"lsapi/internal/config"
	"lsapi/internal/sanitize"
)

// The exit statuses of all commands.
const (
	ExitOK      = 0 // done, or stopped on request
	ExitFailure = 1 // failed at run time
	ExitUsage   = 2 // invalid command, flag or configuration: nothing was started

	// The statuses of the client commands.
	ExitConflict    = 3 // the membership is already as requested
	ExitTimeout     = 4 // timed out, or the outcome is unknown
	ExitUnreachable = 5 // the service is unreachable, or for serve the record's database
	ExitCredentials = 6 // credentials are missing or wrong

	ExitCondition = 7 // stress: a condition of --fail-if was met
)

// Process is the environment of a command.
type Process struct {
	Args    []string // without the program's name
	Environ []string // in the form of os.Environ
	Stdout  io.Writer
	Stderr  io.Writer
}

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
	if _, ok := errors.AsType[stoppedError](err); ok {
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

// statusError is an error with an exit status.
type statusError struct {
	error
	status int
}

func (e statusError) Unwrap() error { return e.error }

// usagef returns the error of an invalid flag, argument or variable.
func usagef(format string, args ...any) error {
	return statusError{fmt.Errorf(format, args...), ExitUsage}
}

func exitStatus(err error) int {
	if marked, ok := errors.AsType[statusError](err); ok {
		return marked.status
	}
	if _, ok := errors.AsType[*config.Error](err); ok {
		return ExitUsage
	}
	if _, ok := errors.AsType[*app.ListenError](err); ok {
		return ExitUsage
	}
	if _, ok := errors.AsType[*app.StoreError](err); ok {
		return ExitUsage
	}
	if _, ok := errors.AsType[unknownOutcome](err); ok {
		return ExitTimeout
	}
	if status := serviceStatus(err); status != 0 {
		return status
	}
	return ExitFailure
}

// message returns the error as one line, or as one line per problem for the
// configuration.
func message(err error) string {
	if _, ok := errors.AsType[*config.Error](err); ok {
		return err.Error()
	}
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if serviceStatus(err) != 0 {
		text = sanitize.Escape(text) // it may quote any server's response
	}
	return text
}
