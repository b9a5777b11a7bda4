package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"lsapi/internal/config"
)

func TestTokenIsReadFromFile(t *testing.T) {
	for _, text := range []string{token, "\n " + token + " \r\n", "\ufeff" + token, token[:8] + "\n" + token[8:] + "\n"} {
		s := sources(t, "--token-file="+writeFile(t, text))
		s.Environ = nil
		var checked string
		s.CheckToken = func(given string) error { checked = given; return nil }
		cfg := load(t, s)
		if got := strings.ReplaceAll(string(cfg.APIToken), "\n", ""); got != token || checked != string(cfg.APIToken) {
			t.Errorf("of %q: got %q, checked %q", text, got, checked)
		}
	}
}

func TestUsersFileIsCheckedBesideTokenOfFile(t *testing.T) {
	s := sources(t, "--users-file=people", "--token-file="+writeFile(t, token))
	s.Environ = nil
	s.CheckUsersFile = func(_, beside string) error {
		if beside != token {
			t.Errorf("checked beside %q", beside)
		}
		return nil
	}
	load(t, s)
}

// The unit of the packages sets API_TOKEN_FILE, whatever other credentials there are.
func TestEmptyTokenFileCountsAsNotSet(t *testing.T) {
	empty := writeFile(t, " \n")
	beside := withVariable(sources(t), "API_TOKEN_FILE="+empty)
	if cfg := load(t, beside); cfg.APIToken != token {
		t.Errorf("got %q", string(cfg.APIToken))
	}
	users := withVariable(sources(t, "--users-file=people"), "API_TOKEN_FILE="+empty)
	users.Environ = []string{"API_TOKEN_FILE=" + empty}
	users.CheckUsersFile = func(string, string) error { return nil }
	if cfg := load(t, users); cfg.APIToken != "" || cfg.UsersFile != "people" {
		t.Errorf("got %q and %q", string(cfg.APIToken), cfg.UsersFile)
	}
}

func TestTokenFileProblems(t *testing.T) {
	readable := writeFile(t, token)
	for name, test := range map[string]struct {
		path    string
		environ []string
		want    string // of the only problem, which also has its origin
	}{
		"beside the variable": {readable, []string{"API_TOKEN=" + token}, "API_TOKEN: set beside --token-file (API_TOKEN_FILE); use one of them; it is set in the environment"},
		"missing":             {"/nonexistent", nil, "--token-file (API_TOKEN_FILE): /nonexistent: cannot read it: no such file or directory"},
		"a pipe":              {pipe(t), nil, "cannot read it: it is not a regular file"},
		"everyone's":          {worldWritable(t), nil, "cannot read it: it is world-writable; run chmod o-w on it"},
		"large":               {writeFile(t, strings.Repeat("A", 5000)), nil, "cannot read it: it is larger than 4096 bytes"},
		"empty":               {writeFile(t, "\n"), nil, ": it is empty; it must hold base64 of user:password, made by: printf '%s' 'user:password' | base64"},
	} {
		t.Run(name, func(t *testing.T) {
			s := withVariable(sources(t), "API_TOKEN_FILE="+test.path)
			s.Environ = append([]string{"API_TOKEN_FILE=" + test.path}, test.environ...)
			found := problems(t, s)
			if len(found) != 1 || !strings.Contains(found[0], test.want) || strings.Contains(found[0], token) {
				t.Errorf("got %q", found)
			}
		})
	}
	malformed := sources(t, "--token-file="+readable)
	malformed.Environ = nil
	malformed.CheckToken = func(string) error { return errors.New("no colon in it") }
	if found := problems(t, malformed); !slices.Equal(found, []string{"--token-file (API_TOKEN_FILE): " + readable + ": no colon in it; it is set by the flag"}) {
		t.Errorf("got %q", found)
	}
}

func TestMissingCredentialProblemNamesFileOfPackage(t *testing.T) {
	path := writeFile(t, "\n")
	s := sources(t)
	s.Environ = []string{"API_TOKEN_FILE=" + path, "CREDENTIALS_DIRECTORY=" + filepath.Dir(path)}
	want := "--token-file (API_TOKEN_FILE): no token; make one with: printf '%s' 'user:password' | base64 | sudo install -m 600 /dev/stdin " +
		config.PackageTokenFile
	if found := problems(t, s); !slices.Equal(found, []string{want}) {
		t.Errorf("got  %q\nwant %q", found, want)
	}
}

func TestMalformedCredentialProblemNamesFileOfPackage(t *testing.T) {
	path := writeFile(t, "user:password\n")
	s := sources(t)
	s.Environ = []string{"API_TOKEN_FILE=" + path, "CREDENTIALS_DIRECTORY=" + filepath.Dir(path)}
	s.CheckToken = func(string) error { return errors.New("not base64") }
	if found := problems(t, s); len(found) != 1 || !strings.Contains(found[0], " "+config.PackageTokenFile+": not base64; ") {
		t.Errorf("got %q", found)
	}
}

func TestEmptyTokenFileElsewhereIsNoCredentialOfThePackage(t *testing.T) {
	s := sources(t)
	s.Environ = []string{"API_TOKEN_FILE=" + writeFile(t, "\n"), "CREDENTIALS_DIRECTORY=" + t.TempDir()}
	if found := problems(t, s); len(found) != 1 || !strings.Contains(found[0], ": it is empty; ") {
		t.Errorf("got %q", found)
	}
}

func pipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func worldWritable(t *testing.T) string {
	t.Helper()
	path := writeFile(t, token)
	if err := os.Chmod(path, 0o602); err != nil {
		t.Fatal(err)
	}
	return path
}
