// Package auth authenticates requests. Users come from an API token, which is one user,
// and from an htpasswd file, which can change at any time.
package auth

import (
	"context"
	"log/slog"
	"sync/atomic"

	"lsapi"
	"lsapi/internal/safefile"
)

// Options configure an Authenticator. Token or UsersFile is required.
type Options struct {
	// Token is base64 of "user:password".
	Token string
	// UsersFile is the path of an htpasswd file with bcrypt hashes.
	UsersFile string
	// Log receives the changes of the file. Default: none.
	Log *slog.Logger
}

// Authenticator checks HTTP basic authentication (RFC 7617). It is safe for concurrent
// use.
type Authenticator struct {
	users   atomic.Pointer[users]
	parsers *parserPool
	checker *checker
	file    *safefile.Watcher // nil without a users file

	failures, throttled atomic.Uint64
}

// Stats are an Authenticator's counters.
type Stats struct {
	// Users is the current number of users.
	Users int
	// Failures counts wrong credentials. Throttled counts credentials that were not
	// checked, because of earlier failures or of too many checks at once.
	Failures, Throttled uint64
	// FileRejected is whether the users file is invalid, so that earlier users are active.
	FileRejected bool
}

// New returns an authenticator. CodeInvalid: the token or the users file is malformed;
// the message contains no text of either.
func New(o Options) (*Authenticator, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	var token *account
	if o.Token != "" {
		var err error
		if token, err = parseToken(o.Token); err != nil {
			return nil, err
		}
	}
	a := &Authenticator{parsers: newParserPool(), checker: newChecker()}
	initial := newUsers(token)
	if o.UsersFile != "" {
		var err error
		if initial, err = readUsers(o.UsersFile, initial); err != nil {
			return nil, err
		}
		a.file = a.watch(o.UsersFile, o.Log)
	}
	a.users.Store(initial)
	return a, nil
}

// watch returns the watcher of the users file.
func (a *Authenticator) watch(path string, log *slog.Logger) *safefile.Watcher {
	return safefile.NewWatcher(safefile.Watched{
		Path: path,
		Read: func() (changed bool, attributes []any, err error) {
			before := a.users.Load()
			after, err := readUsers(path, before)
			if err != nil {
				return false, nil, err
			}
			a.users.Store(after)
			return !after.same(before), []any{"users", len(after.listed)}, nil
		},
		Accepted: "users file read",
		Rejected: "users file rejected; the previous users stay active",
		Problem:  func(err error) string { return lsapi.AsError(err).Message },
		Log:      log,
	})
}

// Start starts polling the users file, if there is one.
func (a *Authenticator) Start() {
	if a.file != nil {
		a.file.Start()
	}
}

// Reload reads the users file now, if there is one. CodeInvalid: the file was rejected;
// the previous users stay active, and the log says why. It is safe to call at any time.
func (a *Authenticator) Reload() error {
	if a.file == nil {
		return nil
	}
	return a.file.Reload()
}

// Close stops the polling. Its error is ctx's, if ctx ends first.
func (a *Authenticator) Close(ctx context.Context) error {
	if a.file == nil {
		return nil
	}
	return a.file.Close(ctx)
}

// Stats returns the current counters.
func (a *Authenticator) Stats() Stats {
	return Stats{
		Users:        len(a.users.Load().byName),
		Failures:     a.failures.Load(),
		Throttled:    a.throttled.Load(),
		FileRejected: a.file != nil && a.file.Rejected(),
	}
}

// Authenticate returns the actor for an Authorization header, which may be empty. Client
// is the address of the caller.
//
// CodeUnauthenticated: not the right credentials in the scheme Basic. CodeThrottled: the
// credentials were not checked, because of too many failures of the client or for the
// user, or too many checks at once. CodeTimeout: ctx ended first.
func (a *Authenticator) Authenticate(ctx context.Context, authorization, client string) (lsapi.Actor, error) {
	p := a.parsers.get()
	defer a.parsers.put(p)
	user, password, err := p.parse(authorization)
	if err != nil {
		return lsapi.Actor{}, err
	}
	users := a.users.Load()
	account, verified := users.lookUp(p, user, password)
	if verified {
		return account.actor, nil
	}
	dummy := users.dummyAccount(user)
	if account == nil {
		p.digest(user, password, dummy)
	}
	return a.verify(ctx, attempt{
		client: client, user: string(user), password: string(password),
		account: account, dummy: dummy, digest: p.sum,
	})
}

// Revalidate returns CodeUnauthenticated if credentials that Authenticate accepted are no
// longer valid: the user was removed or has another password. It checks no password and
// is subject to no limit.
func (a *Authenticator) Revalidate(authorization string) error {
	p := a.parsers.get()
	defer a.parsers.put(p)
	user, password, err := p.parse(authorization)
	if err != nil {
		return err
	}
	if _, verified := a.users.Load().lookUp(p, user, password); !verified {
		return lsapi.Errorf(lsapi.CodeUnauthenticated, "the user was removed or has another password")
	}
	return nil
}

// verify checks the password of an attempt.
func (a *Authenticator) verify(ctx context.Context, t attempt) (lsapi.Actor, error) {
	right, err := a.checker.check(ctx, t)
	switch {
	case err != nil:
		if lsapi.ErrorCode(err) == lsapi.CodeThrottled {
			a.throttled.Add(1)
		}
		return lsapi.Actor{}, err
	case !right:
		a.failures.Add(1)
		return lsapi.Actor{}, errWrong()
	}
	return t.account.actor, nil
}
