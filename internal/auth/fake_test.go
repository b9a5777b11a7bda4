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

// hash is what htpasswd -B -C 4 makes of a password.
func hash(t testing.TB, password string, cost int) string {
	t.Helper()
	made, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		t.Fatal(err)
	}
	return string(made)
}

// line is that of a user in a users file.
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

// rewrite replaces what is in a file in place.
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

// newWithUsers knows alice by a users file, and her password.
func newWithUsers(t testing.TB) *auth.Authenticator {
	t.Helper()
	return newAuthenticator(t, auth.Options{UsersFile: writeUsers(t, line(t, "alice", "right"))})
}

// login returns the code of the answer; empty when the actor is the user.
func login(t testing.TB, a *auth.Authenticator, user, password, client string) lsapi.Code {
	t.Helper()
	actor, err := a.Authenticate(context.Background(), "Basic "+encode(user+":"+password), client)
	if err == nil && actor.Name != user {
		t.Errorf("%s is taken for %q", user, actor.Name)
	}
	if err != nil && actor != (lsapi.Actor{}) {
		t.Errorf("the actor is %v in spite of %v", actor, err)
	}
	return lsapi.ErrorCode(err)
}

func want(t testing.TB, got, want lsapi.Code) {
	t.Helper()
	if got != want {
		t.Errorf("the answer is %q, want %q", got, want)
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
