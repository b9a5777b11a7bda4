package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lsapi"
	"lsapi/client"
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
	ExitConflict    = 3 // the membership is already as requested, or not as it has to be
	ExitTimeout     = 4 // timed out, or the outcome is unknown
	ExitUnreachable = 5 // the service is unreachable, or for serve the record's database
	ExitCredentials = 6 // credentials are missing or wrong

	ExitCondition = 7 // stress: a condition of --fail-if was met
	ExitGuard     = 8 // a guard refused a change
)

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

// is reports whether an error is, or wraps, one of a type.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func exitStatus(err error) int {
	if marked, ok := errors.AsType[statusError](err); ok {
		return marked.status
	}
	if is[*config.Error](err) || is[*app.ListenError](err) || is[*app.StoreError](err) {
		return ExitUsage
	}
	if is[unknownOutcome](err) {
		return ExitTimeout
	}
	if is[conflict](err) {
		return ExitConflict
	}
	if status := serviceStatus(err); status != 0 {
		return status
	}
	return ExitFailure
}

// message returns the error as one line, or as one line per problem for the
// configuration.
func message(err error) string {
	if is[*config.Error](err) {
		return err.Error()
	}
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if serviceStatus(err) != 0 {
		text = sanitize.Escape(text) // it may quote any server's response
	}
	return text
}

// serviceStatus returns the exit status of an error of the service, or 0 for others.
func serviceStatus(err error) int {
	if errors.Is(err, client.ErrUnreachable) {
		return ExitUnreachable
	}
	code := client.ErrorCode(err)
	if is[notLSAPI](err) && code != lsapi.CodeUnauthenticated {
		return ExitUnreachable
	}
	switch code {
	case "":
		return 0
	case lsapi.CodeConflict, lsapi.CodeNotMember, lsapi.CodePrecondition, lsapi.CodeSuperseded:
		return ExitConflict
	case lsapi.CodeWaitTimeout, lsapi.CodeTimeout, lsapi.CodeInProgress, lsapi.CodeWaitFailed:
		return ExitTimeout
	case lsapi.CodeUnauthenticated:
		return ExitCredentials
	}
	if isGuard(code) {
		return ExitGuard
	}
	return ExitFailure
}

// interrupted is the error of a command that a signal stopped.
type interrupted struct{ text string }

func (e interrupted) Error() string { return e.text }

// Unwrap returns the context's error.
func (interrupted) Unwrap() error { return context.Canceled }

// notLSAPI marks the error of a response that is not from lsapi.
type notLSAPI struct{ error }

func (e notLSAPI) Unwrap() error { return e.error }

// conflict is the error of a change that was not made, because the membership was already as
// requested.
type conflict struct{ text string }

func (e conflict) Error() string { return e.text }

// unknownOutcome is the error of a change that may have been made.
type unknownOutcome struct{ error }

func (e unknownOutcome) Unwrap() error { return e.error }
