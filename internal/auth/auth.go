// Package auth turns a request's credentials into the actor who asks. Users come
// from an API token, which is one user, and from an htpasswd file, which gives
// each person and script a name of its own and can change at any time.
package auth

import (
	"context"
	"log/slog"
	"sync/atomic"

	"lsapi"
)

// Options say who may ask. At least one of Token and UsersFile must be given.
type Options struct {
	// Token is base64 of "user:password". Empty: there is no such user.
	Token string
	// UsersFile is the path of an htpasswd file with bcrypt hashes. Empty: there is
	// none.
	UsersFile string
	// Log is told of changes of the file. Default: none.
	Log *slog.Logger
}

// Authenticator knows users by HTTP basic authentication (RFC 7617). It is safe
// for concurrent use.
type Authenticator struct {
	users    atomic.Pointer[users]
	digester *digester
	checker  *checker
	file     *watch // nil: there is no users file

	failures, slowed atomic.Uint64
}

// Stats are what an Authenticator counts.
type Stats struct {
	// Users is how many there are now.
	Users int
	// Failures are the credentials that were wrong; Slowed are those that were not
	// looked at, because too many before them were wrong or there were too many at
	// once.
	Failures, Slowed uint64
	// Refused is whether the users file as it stands now is not in force.
	Refused bool
}

// New returns an authenticator. CodeInvalid: the token or the users file is
// malformed; the message says what is wrong where and shows nothing of either.
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
	a := &Authenticator{digester: newDigester(), checker: newChecker()}
	known := newUsers(token)
	if o.UsersFile != "" {
		var err error
		if known, err = readUsers(o.UsersFile, known); err != nil {
			return nil, err
		}
		a.file = newWatch(o.UsersFile, &a.users, o.Log)
	}
	a.users.Store(known)
	return a, nil
}

// Start begins to follow the users file, if there is one.
func (a *Authenticator) Start() {
	if a.file != nil {
		a.file.start()
	}
}

// Reload reads the users file now, if there is one. CodeInvalid: the file was rejected;
// the previous users stay active, and the log says why. It is safe to call at any time.
func (a *Authenticator) Reload() error {
	if a.file == nil {
		return nil
	}
	return a.file.reload()
}

// Close ends what Start began. Its error is ctx's, when that ended first.
func (a *Authenticator) Close(ctx context.Context) error {
	if a.file == nil {
		return nil
	}
	return a.file.close(ctx)
}

// Stats returns the counts as they are now.
func (a *Authenticator) Stats() Stats {
	return Stats{
		Users:    len(a.users.Load().byName),
		Failures: a.failures.Load(),
		Slowed:   a.slowed.Load(),
		Refused:  a.file != nil && a.file.refused.Load(),
	}
}

// Authenticate returns the actor of an Authorization header's value, which is
// empty when there is no such header. Client is the address that it came from.
//
// Anything but the right credentials in the scheme Basic is CodeUnauthenticated.
// CodeThrottled: the credentials were not checked, because too many from the
// client or for the user were wrong lately, or too many are being checked.
// CodeTimeout: ctx ended before it was known.
func (a *Authenticator) Authenticate(ctx context.Context, authorization, client string) (lsapi.Actor, error) {
	s := a.digester.take()
	defer a.digester.giveBack(s)
	user, password, err := s.decode(authorization)
	if err != nil {
		return lsapi.Actor{}, err
	}
	known := a.users.Load()
	account, verified := known.lookUp(s, user, password)
	if verified {
		return account.actor, nil
	}
	standIn := known.standIn(user)
	if account == nil {
		s.digest(user, password, standIn)
	}
	return a.verify(ctx, attempt{
		client: client, user: string(user), password: string(password),
		account: account, standIn: standIn, digest: s.sum,
	})
}

// Revalidate returns CodeUnauthenticated when credentials that Authenticate accepted are
// not in force any more: the user is removed, or has another password. It checks no
// password and consults no limit, so that nothing keeps it from an answer.
func (a *Authenticator) Revalidate(authorization string) error {
	s := a.digester.take()
	defer a.digester.giveBack(s)
	user, password, err := s.decode(authorization)
	if err != nil {
		return err
	}
	if _, verified := a.users.Load().lookUp(s, user, password); !verified {
		return lsapi.Errorf(lsapi.CodeUnauthenticated, "the user was removed or has another password")
	}
	return nil
}

// lookUp returns the user's account, nil if there is none, and whether the password is
// known to be right. It leaves the digest in the scratch.
func (u *users) lookUp(s *scratch, user, password []byte) (found *account, verified bool) {
	found = u.byName[string(user)]
	if found == nil {
		return nil, false
	}
	s.digest(user, password, found)
	return found, found.isVerified(&s.sum)
}

// verify checks credentials that are not known to be right.
func (a *Authenticator) verify(ctx context.Context, t attempt) (lsapi.Actor, error) {
	right, err := a.checker.check(ctx, t)
	switch {
	case lsapi.ErrorCode(err) == lsapi.CodeThrottled:
		a.slowed.Add(1)
		return lsapi.Actor{}, err
	case err != nil:
		return lsapi.Actor{}, err
	case !right:
		a.failures.Add(1)
		return lsapi.Actor{}, errWrong()
	}
	return t.account.actor, nil
}

func errWrong() error {
	return lsapi.Errorf(lsapi.CodeUnauthenticated, "wrong user or password")
}
