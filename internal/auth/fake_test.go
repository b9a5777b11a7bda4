package auth_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"lsapi"
	"lsapi/internal/auth"
)

// hash returns the bcrypt hash of a password, as htpasswd -B makes it.
func hash(t testing.TB, password string, cost int) string {
	t.Helper()
	made, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		t.Fatal(err)
	}
	return string(made)
}

// line returns the line of a user in a users file.
func line(t testing.TB, user, password string) string {
	t.Helper()
	return user + ":" + hash(t, password, bcrypt.MinCost) + "\n"
}

func writeUsers(t testing.TB, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users")
	rewrite(t, path, lines...)
	return path
}

// rewrite replaces the contents of a file in place.
func rewrite(t testing.TB, path string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newAuthenticator(t testing.TB, o auth.Options) *auth.Authenticator {
	t.Helper()
	a, err := auth.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// newWithUsers has the user alice in a users file, with the password "right".
func newWithUsers(t testing.TB) *auth.Authenticator {
	t.Helper()
	return newAuthenticator(t, auth.Options{UsersFile: writeUsers(t, line(t, "alice", "right"))})
}

// login returns the error code; empty when the actor is the user.
func login(t testing.TB, a *auth.Authenticator, user, password, client string) lsapi.Code {
	t.Helper()
	actor, err := a.Authenticate(context.Background(), "Basic "+encode(user+":"+password), client)
	if err == nil && actor.Name != user {
		t.Errorf("user %s has the actor %q", user, actor.Name)
	}
	if err != nil && actor != (lsapi.Actor{}) {
		t.Errorf("actor %v is returned with the error %v", actor, err)
	}
	return lsapi.ErrorCode(err)
}

func want(t testing.TB, got, want lsapi.Code) {
	t.Helper()
	if got != want {
		t.Errorf("code is %q, want %q", got, want)
	}
}

// logText is a log that can be read while it is written.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logText) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
