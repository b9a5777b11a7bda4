package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// usersLine returns a line of htpasswd -B.
func usersLine(t *testing.T, name, password string, cost int) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		t.Fatal(err)
	}
	return name + ":" + strings.Replace(string(hash), "$2a$", "$2y$", 1) + "\n"
}

// writeUsers replaces a file atomically.
func writeUsers(t *testing.T, path string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// as returns the client with another user.
func (c client) as(name, password string) client {
	c.authorization = basic(name + ":" + password)
	return c
}

func TestUsersFileReplacesToken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "users")
	writeUsers(t, path, "# people\n", usersLine(t, "carol", "hers", bcrypt.DefaultCost), usersLine(t, "deploy", "its:own", bcrypt.MinCost))
	_, s := startBoth(t, with("API_TOKEN=", "USERS_FILE="+path))
	for name, password := range map[string]string{"carol": "hers", "deploy": "its:own"} {
		answer := s.as(name, password).send(http.MethodGet, defaultList, "", "X-Request-Id: by-"+name)
		if answer.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, answer.status, answer.body)
		}
		if line := decoded[accessLine](t, s.accessLine(t, "by-"+name)); line.User != name {
			t.Errorf("the logged user is %q", line.User)
		}
	}
	if answer := s.as("carol", "its:own").get(defaultList); answer.status != http.StatusUnauthorized {
		t.Errorf("another's password: %d", answer.status)
	}
	if answer := s.get(defaultList); answer.status != http.StatusUnauthorized {
		t.Errorf("the token that is not set: %d", answer.status)
	}
	samples := s.as("carol", "hers").get("/metrics").body
	for _, sample := range []string{"lsapi_auth_failures_total 2\n", "lsapi_auth_slowed_total 0\n", "lsapi_auth_users 2\n"} {
		if !strings.Contains(samples, sample) {
			t.Errorf("no %s", sample)
		}
	}
}

func TestChangedUsersFileIsReloaded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "users")
	carol := usersLine(t, "carol", "hers", bcrypt.MinCost)
	writeUsers(t, path, carol)
	_, s := startBoth(t, with("USERS_FILE="+path)) // in addition to the token
	writeUsers(t, path, carol, usersLine(t, "dave", "his", bcrypt.MinCost))
	s.waitFor(s.stderr, `"msg":"users file read".*"users":2`)
	if answer := s.as("dave", "his").get(defaultList); answer.status != http.StatusOK {
		t.Errorf("a new user: %d %s", answer.status, answer.body)
	}

	writeUsers(t, path, "carol:$apr1$hush\n")
	s.waitFor(s.stderr, `"level":"ERROR","msg":"users file rejected.*line 1: the password is not hashed by bcrypt`)
	for _, c := range []client{s.client, s.as("carol", "hers"), s.as("dave", "his")} {
		if answer := c.get(defaultList); answer.status != http.StatusOK {
			t.Errorf("while the file is bad: %d %s", answer.status, answer.body)
		}
	}
	if refused := s.metric(t, "lsapi_auth_users_file_refused"); refused != 1 {
		t.Errorf("the gauge is %v", refused)
	}

	writeUsers(t, path, usersLine(t, "carol", "new", bcrypt.MinCost))
	s.waitFor(s.stderr, `"msg":"users file read".*"users":1`)
	for _, test := range []struct {
		name, password string
		status         int
	}{{"carol", "new", 200}, {"carol", "hers", 401}, {"dave", "his", 401}} {
		if answer := s.as(test.name, test.password).get(defaultList); answer.status != test.status {
			t.Errorf("%s with %s: %d, want %d", test.name, test.password, answer.status, test.status)
		}
	}
	if s.stop(); strings.Contains(s.stderr.String(), "hush") || strings.Contains(s.stderr.String(), "$2y$") {
		t.Error("the log contains the file")
	}
}

func TestInvalidUsersFileStopsTheStart(t *testing.T) {
	for name, test := range map[string]struct{ text, message string }{
		"weak hash":        {"carol:{SHA}aHVzaA==\n", "line 1: the password is not hashed by bcrypt"},
		"no users":         {"# hush\n", "there are no users in it"},
		"the token's user": {usersLine(t, user, "hush", bcrypt.MinCost), "line 1: the user is already that of API_TOKEN"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "users")
			writeUsers(t, path, test.text)
			status, stdout, stderr := run(t, []string{"serve", "--users-file", path}, with(serviceEnvironment("http://127.0.0.1:1")...))
			if status != 2 || stdout != "" || !strings.Contains(stderr, "  --users-file (USERS_FILE): "+path+": "+test.message) {
				t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
			}
			if strings.Contains(stderr, strings.TrimSpace(test.text)) || strings.Contains(stderr, "aHVzaA") {
				t.Errorf("the file's text shows in %s", stderr)
			}
		})
	}
}

func TestGuessingIsRateLimitedPerAddress(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "users")
	writeUsers(t, path, usersLine(t, "carol", "hers", bcrypt.MinCost), usersLine(t, "dave", "his", bcrypt.MinCost))
	_, s := startBoth(t, with("USERS_FILE="+path, "TRUSTED_PROXIES=127.0.0.1"))
	const attacker, elsewhere = "X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: 203.0.113.8"
	list := func(name, password, from string) response {
		return s.as(name, password).send(http.MethodGet, defaultList, "", from)
	}
	if answer := list("carol", "hers", attacker); answer.status != http.StatusOK {
		t.Fatalf("%d %s", answer.status, answer.body)
	}
	guesses := 0
	eventually(t, "guesses are not checked any more", func() bool {
		guesses++
		answer := list(user, fmt.Sprint("guess", guesses), attacker)
		wait, err := strconv.Atoi(answer.header.Get("Retry-After"))
		return answer.status == http.StatusServiceUnavailable && err == nil && wait > 0 && wait < 60
	})
	for _, test := range []struct {
		what, name, password, from string
		status                     int
	}{
		{"a right password from the same address", "dave", "his", attacker, 503},
		{"a logged-in user there", "carol", "hers", attacker, 200},
		{"the token's user elsewhere", user, password, elsewhere, 200},
		{"the token's user, at work now, there", user, password, attacker, 200},
		{"a user elsewhere", "dave", "his", elsewhere, 200},
	} {
		if answer := list(test.name, test.password, test.from); answer.status != test.status {
			t.Errorf("%s: %d, want %d: %s", test.what, answer.status, test.status, answer.body)
		}
	}
	if failures, slowed := s.metric(t, "lsapi_auth_failures_total"), s.metric(t, "lsapi_auth_slowed_total"); int(failures) != guesses-1 || slowed < 2 {
		t.Errorf("%v failures and %v slowed are counted of %d guesses", failures, slowed, guesses)
	}
}

func TestGuessingFromManyAddressesDoesNotLockOutUser(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "users")
	writeUsers(t, path, usersLine(t, "carol", "hers", bcrypt.MinCost))
	_, s := startBoth(t, with("USERS_FILE="+path, "TRUSTED_PROXIES=127.0.0.1"))
	guess := func(n, address int) response {
		return s.as("carol", fmt.Sprint("guess", n)).send(http.MethodGet, defaultList, "", fmt.Sprint("X-Forwarded-For: 203.0.113.", address))
	}
	for address := range 6 {
		guesses := 0
		eventually(t, "guesses are not checked any more", func() bool {
			guesses++
			return guess(guesses, address).status == http.StatusServiceUnavailable
		})
	}
	for n := range 30 {
		guess(1000+n, n%6)
		answer := s.as("carol", "hers").send(http.MethodGet, defaultList, "", fmt.Sprint("X-Forwarded-For: 198.51.100.", n))
		if answer.status != http.StatusOK {
			t.Errorf("the right user of an unused address: %d %s", answer.status, answer.body)
		}
	}
}
