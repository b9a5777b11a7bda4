package auth_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"lsapi"
	"lsapi/internal/auth"
)

func encode(credentials string) string {
	return base64.StdEncoding.EncodeToString([]byte(credentials))
}

func newWithToken(t testing.TB, credentials string) *auth.Authenticator {
	t.Helper()
	a, err := auth.New(auth.Options{Token: encode(credentials)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// here is the address of a client.
const here = "192.0.2.1"

func TestMalformedTokenErrorShowsHowToMakeOne(t *testing.T) {
	tests := map[string]string{
		"empty":             "",
		"not base64":        "user:password",
		"no colon":          encode("userpassword"),
		"no user":           encode(":password"),
		"no password":       encode("user:"),
		"not text":          encode("user:\xff\xfe"),
		"newline from echo": encode("user:password\n"),
		"escape in user":    encode("us\x1ber:password"),
		"reversed user":     encode("us\u202eer:password"),
	}
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			err := auth.CheckToken(token)
			if lsapi.ErrorCode(err) != lsapi.CodeInvalid {
				t.Fatalf("error is %v, want code %s", err, lsapi.CodeInvalid)
			}
			message := lsapi.AsError(err).Message
			if !strings.Contains(message, "printf '%s' 'user:password' | base64") {
				t.Errorf("message %q does not show how to make a token", message)
			}
			if token != "" && token != "user:password" && strings.Contains(message, token) {
				t.Errorf("message %q echoes the token", message)
			}
		})
	}
}

func TestTokenMayHaveLineBreaks(t *testing.T) {
	credentials := "user:" + strings.Repeat("p", 90)
	token := encode(credentials)
	basic, err := auth.New(auth.Options{Token: token[:76] + "\n" + token[76:] + "\n"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := basic.Authenticate(t.Context(), "Basic "+token, here); err != nil {
		t.Error(err)
	}
}

func TestRightCredentialsReturnTheActor(t *testing.T) {
	basic := newWithToken(t, "alice:pass:word")
	for _, scheme := range []string{"Basic ", "basic ", "BASIC   "} {
		actor, err := basic.Authenticate(t.Context(), scheme+encode("alice:pass:word"), here)
		if err != nil {
			t.Fatalf("scheme %q: %v", scheme, err)
		}
		if actor.Name != "alice" {
			t.Errorf("scheme %q: actor is %q, want alice", scheme, actor.Name)
		}
	}
}

func TestOtherHeadersAreUnauthenticated(t *testing.T) {
	basic := newWithToken(t, "alice:password")
	right := encode("alice:password")
	tests := map[string]string{
		"no header":           "",
		"scheme alone":        "Basic",
		"bare token":          right,
		"other scheme":        "Bearer " + right,
		"scheme with suffix":  "Basically " + right,
		"not base64":          "Basic alice:password",
		"wrong password":      "Basic " + encode("alice:Password"),
		"wrong user":          "Basic " + encode("bob:password"),
		"longer password":     "Basic " + encode("alice:password1"),
		"empty credentials":   "Basic " + encode(":"),
		"no colon":            "Basic " + encode("alice"),
		"nothing":             "Basic " + encode(""),
		"token and more":      "Basic " + right + " x",
		"two tokens, a comma": "Basic " + right + ", Basic " + right,
	}
	for name, header := range tests {
		t.Run(name, func(t *testing.T) {
			actor, err := basic.Authenticate(t.Context(), header, name)
			if lsapi.ErrorCode(err) != lsapi.CodeUnauthenticated {
				t.Errorf("error is %v, want code %s", err, lsapi.CodeUnauthenticated)
			}
			if actor != (lsapi.Actor{}) {
				t.Errorf("actor is %v, want none", actor)
			}
		})
	}
}

// The digest separates user and password with a zero.
func TestControlCharactersInCredentialsAreRejected(t *testing.T) {
	for _, password := range []string{"x\x00y", "x\ny", "x\x7fy", "x\u0085y"} {
		a := newAuthenticator(t, auth.Options{UsersFile: writeUsers(t, line(t, "alice", password))})
		want(t, login(t, a, "alice", password, here), lsapi.CodeUnauthenticated)
	}
}

func TestPooledParsersHoldNoCredentials(t *testing.T) {
	for _, credentials := range []string{encode("alice:right"), encode("alice"), encode("alice:right") + "=", "!"} {
		if auth.LeavesCredentials("Basic " + credentials) {
			t.Errorf("%s stays in memory", credentials)
		}
	}
}

func FuzzAuthenticate(f *testing.F) {
	right := encode("alice:password")
	for _, seed := range []string{"", "Basic", "Basic ", "Basic " + right, "basic  " + right, "Bearer " + right, "Basic ====", "Basic \xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		// A new authenticator for each run, whose buckets are full.
		actor, err := newWithToken(t, "alice:password").Authenticate(t.Context(), header, here)
		switch {
		case err == nil && actor.Name != "alice":
			t.Errorf("%q is accepted for %q", header, actor.Name)
		case err == nil && !strings.Contains(decoded(header), "alice:password"):
			t.Errorf("%q is accepted", header)
		case err != nil && lsapi.ErrorCode(err) != lsapi.CodeUnauthenticated:
			t.Errorf("%q: error is %v", header, err)
		}
	})
}

// decoded decodes the header after its scheme.
func decoded(header string) string {
	_, encoded, _ := strings.Cut(header, " ")
	credentials, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return ""
	}
	return string(credentials)
}
