package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lsapi"
)

// PostgreSQL's codes that are told apart: see its manual, appendix A.
const (
	stateInvalidPassword  = "28P01"
	stateInvalidRole      = "28000"
	stateNoDatabase       = "3D000"
	stateNoPrivilege      = "42501"
	stateNoTable          = "42P01"
	stateReadOnly         = "25006"
	stateDiskFull         = "53100"
	stateTooMany          = "53300"
	stateLockTimeout      = "55P03"
	stateShutdown         = "57P01"
	stateStarting         = "57P03"
	stateSerialization    = "40001"
	stateDeadlock         = "40P01"
	severityFatal         = "FATAL"
	classOperatorsActions = "57"
)

// sqlState returns PostgreSQL's code for an error, empty when it has none.
func sqlState(err error) string {
	if coded, ok := errors.AsType[*pgconn.PgError](err); ok {
		return coded.Code
	}
	return ""
}

// again reports whether a transaction that failed can succeed when it is repeated:
// it was in the way of another.
func again(err error) bool {
	state := sqlState(err)
	return state == stateSerialization || state == stateDeadlock
}

// stale reports whether the connections that are open may be of no use any more.
func stale(err error) bool {
	state := sqlState(err)
	return state == "" || state == stateReadOnly || strings.HasPrefix(state, classOperatorsActions)
}

// errAway returns the coded error of something that could not be done, so that
// nothing was recorded. A caller whose time was up learns that.
func errAway(ctx context.Context, cause error) error {
	if coded, ok := errors.AsType[*lsapi.Error](cause); ok {
		return coded
	}
	if ctx.Err() != nil {
		return errEnded(ctx)
	}
	message := "the record of changes is away: its database cannot be reached"
	switch state := sqlState(cause); {
	case state == stateDiskFull:
		message = "the record of changes cannot be written: the disk of its database is full"
	case state == stateReadOnly:
		message = "the record of changes cannot be written: its database is read-only"
	case state == stateTooMany:
		message = "the record of changes is away: its database has too many connections"
	case state == stateNoPrivilege:
		message = "the record of changes cannot be written: its user may not"
	case state != "" && !strings.HasPrefix(state, classOperatorsActions):
		message = "the record of changes cannot be used: its database reports " + state
	}
	return &lsapi.Error{Code: lsapi.CodeUnavailable, Message: message, Err: cause}
}

// errUncertain is for a commit whose answer was lost.
func errUncertain(cause error) error {
	return &lsapi.Error{
		Code: lsapi.CodeTimeout, Message: "it cannot be known whether the record of changes has kept it: its database was lost at the commit",
		Err: cause,
	}
}

// uncommitted reports whether a commit that failed has certainly kept nothing. The
// server says so by an error after which the connection lives on. What the driver
// calls safe to retry may be a commit whose answer was lost.
func uncommitted(err error) bool {
	coded, ok := errors.AsType[*pgconn.PgError](err)
	return ok && coded.SeverityUnlocalized != severityFatal || errors.Is(err, pgx.ErrTxCommitRollback)
}

func isTurnLost(err error) bool { return errors.Is(err, lsapi.ErrTurnLost) }

// errUnopened returns what to do about a database that cannot be opened. name is
// without its password.
func errUnopened(name string, cause error) error {
	if coded, ok := errors.AsType[*lsapi.Error](cause); ok {
		return coded
	}
	message := fmt.Sprintf("%s cannot be reached; start the database, or correct the store's URL", name)
	if coded, ok := errors.AsType[*pgconn.PgError](cause); ok {
		switch coded.Code {
		case stateInvalidPassword, stateInvalidRole:
			message = fmt.Sprintf("%s refuses the user and password; correct the store's URL (special characters in it are percent-encoded)", name)
		case stateNoDatabase:
			message = fmt.Sprintf("%s does not exist; create it (CREATE DATABASE ... ENCODING 'UTF8'), or name another", name)
		case stateNoPrivilege:
			message = fmt.Sprintf("%s does not let the user make or use tables; make the user the owner of the database", name)
		case stateStarting, stateShutdown:
			message = fmt.Sprintf("%s is starting or stopping; wait for it", name)
		case stateTooMany:
			message = fmt.Sprintf("%s has too many connections; raise its max_connections", name)
		default:
			message = fmt.Sprintf("%s cannot be opened: %s (%s)", name, coded.Message, coded.Code)
		}
	}
	return &lsapi.Error{Code: lsapi.CodeInvalid, Message: message, Err: cause}
}
