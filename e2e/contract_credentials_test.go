package e2e

import (
	"encoding/base64"
	"net/http"
	"testing"
)

func basic(userAndPassword string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userAndPassword))
}

func TestOnlyValidCredentialsAreAccepted(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	for name, authorization := range map[string]string{
		"empty":                        "",
		"scheme alone":                 "Basic",
		"scheme and a space":           "Basic ",
		"not base64":                   "Basic p4ssword!",
		"no colon":                     basic(user),
		"wrong password":               basic(user + ":wrong"),
		"wrong user":                   basic("mallory:" + password),
		"no password":                  basic(user + ":"),
		"password that begins right":   basic(user + ":" + password + "x"),
		"password that is cut off":     basic(user + ":" + password[:len(password)-1]),
		"password in other letters":    basic(user + ":S3CRET:with-a-colon"),
		"bare token":                   apiToken(),
		"bearer":                       "Bearer " + apiToken(),
		"digest":                       `Digest username="` + user + `"`,
		"scheme that ends the same":    "NotBasic " + apiToken(),
		"more behind the token":        "Basic " + apiToken() + " " + apiToken(),
		"token in another's parameter": "Negotiate Basic " + apiToken(),
	} {
		t.Run(name, func(t *testing.T) {
			for _, method := range []string{"GET", "POST", "DELETE"} {
				answer := s.on(t).send(method, "/elb/default-elb", machineID(spare), "Authorization: "+authorization)
				if answer.status != http.StatusUnauthorized {
					t.Errorf("%s is %d: %s", method, answer.status, answer.body)
				}
				if challenge := answer.header.Get("WWW-Authenticate"); challenge != `Basic realm="lsapi"` {
					t.Errorf("%s is challenged by %q", method, challenge)
				}
				answer.errorText(t, "message")
			}
		})
	}
	if calls := a.calls(); len(calls) != 0 {
		t.Errorf("AWS was called: %v", calls)
	}
}

func TestAuthorizationSchemeIsCaseInsensitive(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	for _, scheme := range []string{"Basic", "basic", "BASIC"} {
		answer := s.send(http.MethodGet, "/elb/default-elb", "", "Authorization: "+scheme+" "+apiToken())
		if answer.status != http.StatusOK {
			t.Errorf("%s: %d %s", scheme, answer.status, answer.body)
		}
	}
}

func TestPublicPathsIgnoreCredentials(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	for _, path := range []string{"/healthcheck", "/readyz", "/swagger.json", "/swagger.yaml", "/docs"} {
		for _, authorization := range []string{"", "Bearer x", basic("mallory:wrong")} {
			answer := s.send(http.MethodGet, path, "", "Authorization: "+authorization)
			if answer.status != http.StatusOK {
				t.Errorf("%s with %q: %d %s", path, authorization, answer.status, answer.body)
			}
		}
	}
}
