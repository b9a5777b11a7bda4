package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lsapi"
	"lsapi/internal/record"
)

// PostgreSQL's error codes: see its manual, appendix A.
const (
	stateInvalidPassword  = "28P01"
	stateInvalidRole      = "28000"
	stateNoDatabase       = "3D000"
	stateNoPrivilege      = "42501"
	stateNoTable          = "42P01"
	stateNoColumn         = "42703"
	stateReadOnly         = "25006"
	stateIdle             = "25P03"
	stateTooLong          = "25P04"
	stateDiskFull         = "53100"
	stateTooMany          = "53300"
	stateLockTimeout      = "55P03"
	stateCanceled         = "57014"
	stateShutdown         = "57P01"
	stateStarting         = "57P03"
	stateSerialization    = "40001"
	stateDeadlock         = "40P01"
	severityFatal         = "FATAL"
	classConnection       = "08"
	classOperatorsActions = "57"
)

func sqlState(err error) string {
	if coded, ok := errors.AsType[*pgconn.PgError](err); ok {
		return coded.Code
	}
	return ""
}

// repeatable reports whether a transaction that certainly failed may succeed when it is
// repeated: it conflicted with another, or its session ended before the commit.
func repeatable(err error) bool {
	if _, coded := errors.AsType[*lsapi.Error](err); coded {
		return false // such as an uncertain commit
	}
	state := sqlState(err)
	return state == stateSerialization || state == stateDeadlock || state == stateShutdown || state == stateIdle
}

// transient reports whether another attempt to open a database may succeed: it is
// starting, or the connection or its session ended.
func transient(err error) bool {
	if state := sqlState(err); state != "" {
		return transientState(state)
	}
	coded, ok := errors.AsType[*lsapi.Error](err)
	return !ok || coded.Code == lsapi.CodeUnavailable
}

func transientState(state string) bool {
	switch state {
	case stateIdle, stateTooLong, stateTooMany, stateLockTimeout:
		return true
	}
	return strings.HasPrefix(state, classOperatorsActions) || strings.HasPrefix(state, classConnection)
}

// stale reports whether the open connections may be useless.
func stale(err error) bool {
	state := sqlState(err)
	return state == "" || state == stateReadOnly || strings.HasPrefix(state, classOperatorsActions) && state != stateCanceled
}

// errAway returns the coded error of a failure after which nothing was recorded.
func errAway(ctx context.Context, cause error) error {
	if ctx.Err() != nil {
		return record.Ended(ctx)
	}
	message := "the record of changes is away: its database cannot be reached"
	switch state := sqlState(cause); {
	case state == stateCanceled, state == "" && (pgconn.Timeout(cause) || errors.Is(cause, context.DeadlineExceeded)):
		message = "the record of changes is away: its database does not answer in time"
	case state == stateDiskFull:
		message = "the record of changes cannot be written: the disk of its database is full"
	case state == stateReadOnly:
		message = "the record of changes cannot be written: its database is read-only"
	case state == stateTooMany:
		message = "the record of changes is away: its database has too many connections"
	case state == stateLockTimeout:
		message = "the record of changes cannot be written: its tables are locked"
	case state == stateNoTable || state == stateNoColumn:
		message = "the record of changes cannot be used: a table or column of its database is missing; a newer lsapi may have migrated it: run that one"
	case state == stateNoPrivilege:
		message = "the record of changes cannot be written: its user may not"
	case state != "" && !strings.HasPrefix(state, classOperatorsActions):
		message = "the record of changes cannot be used: its database reports " + state
	}
	return &lsapi.Error{Code: lsapi.CodeUnavailable, Message: message, Err: cause}
}

// errUncertain returns the error for a commit without an answer.
func errUncertain(cause error) error {
	return &lsapi.Error{
		Code: lsapi.CodeTimeout, Message: "it cannot be known whether the record of changes has kept it: its database was lost at the commit",
		Err: cause,
	}
}

// uncommitted reports whether a failed commit certainly kept nothing: the server answered
// with an error that did not end the connection. The driver's "safe to retry" includes
// commits without an answer.
func uncommitted(err error) bool {
	coded, ok := errors.AsType[*pgconn.PgError](err)
	return ok && coded.SeverityUnlocalized != severityFatal || errors.Is(err, pgx.ErrTxCommitRollback)
}
