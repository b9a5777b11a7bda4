package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"lsapi"
)

// errInvalidURL returns the error for an unreadable URL. It has no detail, which may be a
// part of the password.
func errInvalidURL() error {
	return lsapi.Errorf(lsapi.CodeInvalid,
		"the store's URL cannot be read as one of PostgreSQL; give postgres://user:password@host:5432/database, with special characters in the password percent-encoded")
}

// errParameters returns the error for a URL with invalid parameters. The URL is not in the
// error's chain.
func errParameters(text string, cause error) error {
	parsing, ok := errors.AsType[*pgconn.ParseConfigError](cause)
	if ok && isTLSSetup(*parsing) {
		reason := parsing.Unwrap()
		return &lsapi.Error{
			Code: lsapi.CodeInvalid, Err: reason,
			Message: fmt.Sprintf("the store's URL asks for TLS that cannot be set up: %v; correct sslmode, sslrootcert, sslcert and sslkey in it", reason),
		}
	}
	if name := invalidParameter(text); name != "" {
		return lsapi.Errorf(lsapi.CodeInvalid, "the store's URL has a parameter %s whose value is invalid; correct or remove it", name)
	}
	return errInvalidURL()
}

// isTLSSetup reports whether a URL cannot be followed because of its TLS settings. The
// driver has no type for that. Its text is compared without the URL in it.
func isTLSSetup(parsing pgconn.ParseConfigError) bool {
	parsing.ConnString = ""
	return strings.HasPrefix(parsing.Error(), "cannot parse ``: failed to configure TLS")
}

// invalidParameter returns the name of the parameter without which the URL is valid, empty
// for none. Its value may be a secret.
func invalidParameter(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	query := u.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		others := maps.Clone(query)
		others.Del(name)
		u.RawQuery = others.Encode()
		if _, err := pgxpool.ParseConfig(u.String()); err == nil {
			return name
		}
	}
	return ""
}

// openError returns the error for a database that cannot be opened, with a remedy and the
// driver's reason. CodeUnavailable: waiting may help.
func (d database) openError(cause error) error {
	if coded, ok := errors.AsType[*lsapi.Error](cause); ok && coded.Code != lsapi.CodeUnavailable {
		return coded
	}
	code, reason := lsapi.CodeUnavailable, d.reason(cause)
	message := fmt.Sprintf("%s cannot be reached (%s); start the database, or correct the store's URL", d.name, reason)
	if answer, answered := errors.AsType[*pgconn.PgError](cause); answered {
		code, message = d.refusal(answer.Code, reason)
	} else if isTLS(cause) {
		code = lsapi.CodeInvalid
		message = fmt.Sprintf("%s cannot be reached by TLS as the store's URL asks: %s; correct sslmode or sslrootcert in the URL, or the server", d.name, reason)
	} else if _, unconnected := errors.AsType[*pgconn.ConnectError](cause); !unconnected && errors.Is(cause, context.DeadlineExceeded) {
		message = d.slow()
	}
	return &lsapi.Error{Code: code, Message: message, Err: cause}
}

func (d database) refusal(state, reason string) (code lsapi.Code, message string) {
	switch state {
	case stateInvalidPassword:
		message = fmt.Sprintf("%s refuses the user and password; correct the store's URL (special characters in it are percent-encoded)", d.name)
	case stateInvalidRole:
		message = fmt.Sprintf("%s refuses the connection: %s; correct the store's URL (user, sslmode), or what the server allows", d.name, reason)
	case stateNoDatabase:
		message = fmt.Sprintf("%s does not exist; create it (CREATE DATABASE ... ENCODING 'UTF8'), or name another", d.name)
	case stateNoPrivilege:
		message = fmt.Sprintf("%s does not let the user make or use tables (%s); make the user the owner of the database", d.name, reason)
	case stateStarting, stateShutdown:
		return lsapi.CodeUnavailable, fmt.Sprintf("%s is starting or stopping; wait for it", d.name)
	case stateTooMany:
		return lsapi.CodeUnavailable, fmt.Sprintf("%s has too many connections (%s); raise its max_connections", d.name, reason)
	case stateLockTimeout:
		return lsapi.CodeUnavailable, fmt.Sprintf("%s has locks on tables of the record (%s); end the session that holds them", d.name, reason)
	case stateCanceled:
		return lsapi.CodeUnavailable, d.slow()
	default:
		message = fmt.Sprintf("%s cannot be opened: %s (%s)", d.name, reason, state)
	}
	if transientState(state) {
		return lsapi.CodeUnavailable, message
	}
	return lsapi.CodeInvalid, message
}

func (d database) slow() string {
	return fmt.Sprintf("%s does not answer in time; look for locks on its tables, and for its load", d.name)
}

// reason is the innermost message of the database or driver, without the password.
func (d database) reason(cause error) string {
	for err := range chain(cause) {
		if answer, ok := err.(*pgconn.PgError); ok { //nolint:errorlint // this is the walk along the chain
			return d.redacted(answer.Message)
		}
		cause = err
	}
	return d.redacted(cause.Error())
}

// chain yields an error and those that it wraps; of several attempts, the last one.
func chain(err error) iter.Seq[error] {
	return func(yield func(error) bool) {
		for err != nil && yield(err) {
			inner := errors.Unwrap(err)
			if attempts, ok := err.(interface{ Unwrap() []error }); ok {
				if all := attempts.Unwrap(); len(all) > 0 {
					inner = all[len(all)-1]
				}
			}
			err = inner
		}
	}
}

func (d database) redacted(text string) string {
	if password := d.config.ConnConfig.Password; password != "" {
		text = strings.ReplaceAll(text, password, "(password)")
	}
	return text
}
