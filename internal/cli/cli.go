// Package cli is the commands of lsapi: their flags, their help, what they print
// and the status with which they exit.
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
	ExitOK      = 0 // done, or stopped as asked
	ExitFailure = 1 // something went wrong at work
	ExitUsage   = 2 // wrong command, flag or configuration: nothing was started
)

// More exit statuses, most of them of the commands that ask a service over HTTP.
const (
	ExitConflict    = 3 // the membership already is as asked
	ExitTimeout     = 4 // it did not come about in time, or the outcome is not known
	ExitUnreachable = 5 // the service does not answer, or for serve the database of the record
	ExitCredentials = 6 // credentials are missing or wrong
)

// ExitCondition is the exit status of a stress test that met a condition of --fail-if.
const ExitCondition = 7

// Process is what a command may use of the process that it runs in.
type Process struct {
	Args    []string // without the program's name
	Environ []string // as of os.Environ
	Stdout  io.Writer
	Stderr  io.Writer
}

// Run runs one command and returns its exit status. An error is told on stderr,
// as one message.
func Run(p Process) int {
	root := newRoot(p)
	root.SetArgs(p.Args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)

	// Once a command has begun to run, its arguments were right.
	begun := false
	root.PersistentPreRun = func(*cobra.Command, []string) { begun = true }
	err := root.Execute()
	if err == nil {
		return ExitOK
	}
	if readerIsGone(err) {
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

// exitPipe is the status that a shell has for a process that SIGPIPE has ended: what
// reads the output, such as head, has had enough. It is no error to report.
const exitPipe = 128 + int(syscall.SIGPIPE)

// readerIsGone reports whether the output is a pipe that nobody reads any more. It is
// known only where SIGPIPE is ignored; elsewhere the signal ends the process.
func readerIsGone(err error) bool {
	written, ok := errors.AsType[*fs.PathError](err)
	return ok && written.Path == os.Stdout.Name() && errors.Is(err, syscall.EPIPE)
}

// usageError marks values of flags or variables that make no sense.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// exitStatus is ExitUsage for what the user can only mend by starting otherwise.
func exitStatus(err error) int {
	if _, ok := errors.AsType[usageError](err); ok {
		return ExitUsage
	}
	if _, ok := errors.AsType[*config.Error](err); ok {
		return ExitUsage
	}
	if _, ok := errors.AsType[*app.ListenError](err); ok {
		return ExitUsage
	}
	if _, ok := errors.AsType[unreachableError](err); ok {
		return ExitUnreachable
	}
	if _, ok := errors.AsType[*app.StoreError](err); ok {
		return ExitUsage
	}
	if _, ok := errors.AsType[conditionError](err); ok {
		return ExitCondition
	}
	if _, ok := errors.AsType[unknownOutcome](err); ok {
		return ExitTimeout
	}
	if status := serviceStatus(err); status != 0 {
		return status
	}
	return ExitFailure
}

// message is one line for every error but that of a configuration, which has one
// for each problem.
func message(err error) string {
	if _, ok := errors.AsType[*config.Error](err); ok {
		return err.Error()
	}
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if serviceStatus(err) != 0 {
		text = sanitize.Escape(text) // whoever answers there
	}
	return text
}
