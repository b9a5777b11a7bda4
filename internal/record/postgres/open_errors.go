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
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"lsapi"
)

// errNoURL is for a URL that cannot be read. What is wrong with it may be a piece of
// the password.
func errNoURL() error {
	return lsapi.Errorf(lsapi.CodeInvalid,
		"the store's URL cannot be read as one of PostgreSQL; give postgres://user:password@host:5432/database, with special characters in the password percent-encoded")
}

// errParameters is for a URL that can be read, with parameters that cannot be
// followed. The URL itself is not in the error's chain.
func errParameters(text string, cause error) error {
	parsing, ok := errors.AsType[*pgconn.ParseConfigError](cause)
	if ok && isTLSSetup(*parsing) {
		reason := parsing.Unwrap()
		return &lsapi.Error{
			Code: lsapi.CodeInvalid, Err: reason,
			Message: fmt.Sprintf("the store's URL asks for TLS that cannot be set up: %v; correct sslmode, sslrootcert, sslcert and sslkey in it", reason),
		}
	}
	if name := wrongParameter(text); name != "" {
		return lsapi.Errorf(lsapi.CodeInvalid, "the store's URL has a parameter %s whose value is invalid; correct or remove it", name)
	}
	return errNoURL()
}

// isTLSSetup reports whether a URL cannot be followed because of its TLS settings. The
// driver has no type for that. Its text is compared without the URL in it.
func isTLSSetup(parsing pgconn.ParseConfigError) bool {
	parsing.ConnString = ""
	return strings.HasPrefix(parsing.Error(), "cannot parse ``: failed to configure TLS")
}

// wrongParameter returns the name of the parameter without which a URL can be followed;
// empty when there is none. Its value may be a secret.
func wrongParameter(text string) string {
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

// unopened returns what to do about a database that cannot be opened, with the
// driver's reason: CodeUnavailable when waiting may be enough, else CodeInvalid.
func (d database) unopened(cause error) error {
	if coded, ok := errors.AsType[*lsapi.Error](cause); ok && coded.Code != lsapi.CodeUnavailable {
		return coded
	}
	reason := d.reason(cause)
	if answer, answered := errors.AsType[*pgconn.PgError](cause); answered {
		code, message := d.refusal(answer.Code, reason)
		return &lsapi.Error{Code: code, Message: message, Err: cause}
	}
	if isTLS(cause) {
		return &lsapi.Error{
			Code: lsapi.CodeInvalid, Err: cause,
			Message: fmt.Sprintf("%s cannot be reached by TLS as the store's URL asks: %s; correct sslmode or sslrootcert in the URL, or the server", d.name, reason),
		}
	}
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, Err: cause,
		Message: fmt.Sprintf("%s cannot be reached (%s); start the database, or correct the store's URL", d.name, reason),
	}
}

// refusal returns what to do about a database that has answered, by the state of its
// answer.
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
	default:
		message = fmt.Sprintf("%s cannot be opened: %s (%s)", d.name, reason, state)
	}
	return lsapi.CodeInvalid, message
}

// reason is what the database or the driver says, without the password.
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
			if attempts, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // this is the walk along the chain
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

// retried runs what opens a database until it succeeds, for a while: a database may
// be starting beside this process, and may end its sessions.
func retried(ctx context.Context, open func(context.Context) error) error {
	for began := time.Now(); ; {
		err := open(ctx)
		if err == nil || !transient(err) || time.Since(began) > openPatience {
			return err
		}
		timer := time.NewTimer(openPause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}
