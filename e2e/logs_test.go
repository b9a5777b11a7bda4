package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// accessLine is a line of the access log as JSON.
type accessLine struct {
	Time      time.Time
	Level     string
	Status    int
	Method    string
	Path      string
	Client    string
	Duration  float64 // seconds
	User      string
	RequestID string `json:"request_id"`
}

// accessLines returns the lines of the requests for a path.
func accessLines(t *testing.T, s *service, path string) []accessLine {
	t.Helper()
	var found []accessLine
	for line := range strings.Lines(s.stderr.String()) {
		if !strings.HasSuffix(line, "\n") {
			break // still incomplete
		}
		if decoded := decoded[accessLine](t, line); decoded.Path == path {
			found = append(found, decoded)
		}
	}
	return found
}

// accessLine waits for the line of the request with an id.
func (s *service) accessLine(t *testing.T, id string) string {
	t.Helper()
	return s.waitFor(s.stderr, `(?m)^.*request_id"?[=:]"?`+regexp.QuoteMeta(id)+`"?\}?$`)[0]
}

func TestAccessLogHasFieldsOfTheContract(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	began := time.Now().Add(-time.Millisecond) // times in the log are truncated
	s.send(http.MethodDelete, "/elb/default-elb", machineID(spare), "X-Request-Id: deploy-7")
	text := s.accessLine(t, "deploy-7")
	line := decoded[accessLine](t, text)
	if line.Time.Before(began) || line.Time.After(time.Now()) {
		t.Errorf("the time is %v", line.Time)
	}
	if line.Duration <= 0 || line.Duration > testTimeout.Seconds() {
		t.Errorf("the duration is %v s", line.Duration)
	}
	line.Time, line.Duration = time.Time{}, 0
	want := accessLine{Level: "INFO", Status: 409, Method: "DELETE", Path: "/elb/default-elb",
		Client: "127.0.0.1", User: user, RequestID: "deploy-7"}
	if line != want {
		t.Errorf("the line is %+v, want %+v", line, want)
	}
}

func TestTextAccessLogIsReadable(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t, with("LOG_FORMAT=text"))
	s.send(http.MethodGet, "/elb/default-elb", "", "X-Request-Id: deploy-7")
	line := s.accessLine(t, "deploy-7")
	want := `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO +200 GET /elb/default-elb \(127\.0\.0\.1\) [\d.]+ms user=` + user + ` request_id=deploy-7$`
	if !regexp.MustCompile(want).MatchString(line) {
		t.Errorf("%s\ndoes not match %s", line, want)
	}
}

func TestEveryRequestIsLoggedOnce(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	for id, send := range map[string]func(id string) response{
		"served":  func(id string) response { return s.send("GET", "/elb/default-elb", "", "X-Request-Id: "+id) },
		"unknown": func(id string) response { return s.send("GET", "/nowhere", "", "X-Request-Id: "+id) },
		"unauthorized": func(id string) response {
			return s.anonymous().send("GET", "/elb/default-elb", "", "X-Request-Id: "+id)
		},
		"wrong":        func(id string) response { return s.send("POST", "/elb/default-elb", "{", "X-Request-Id: "+id) },
		"a-method":     func(id string) response { return s.send("BREW", "/elb/default-elb", "", "X-Request-Id: "+id) },
		"the-document": func(id string) response { return s.send("GET", "/swagger.json", "", "X-Request-Id: "+id) },
		"too-large": func(id string) response {
			return s.send("POST", "/elb/default-elb", strings.Repeat(" ", bodyLimit+1), "X-Request-Id: "+id)
		},
		"not-an-address": func(id string) response { return s.send("GET", "/elb/-", "", "X-Request-Id: "+id) },
	} {
		answer := send(id)
		if line := decoded[accessLine](t, s.accessLine(t, id)); line.Status != answer.status {
			t.Errorf("%s: %d is logged as %d", id, answer.status, line.Status)
		}
		if times := strings.Count(s.stderr.String(), `"request_id":"`+id+`"`); times != 1 {
			t.Errorf("%s is logged %d times", id, times)
		}
	}
}

func TestUnauthenticatedRequestIsLoggedWithoutUser(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	s.send(http.MethodGet, "/elb/default-elb", "", "Authorization: "+basic(user+":wrong"), "X-Request-Id: intruder")
	if line := decoded[accessLine](t, s.accessLine(t, "intruder")); line.User != "" {
		t.Errorf("it is logged as %s's", line.User)
	}
}

func TestHealthChecksAreLoggedAtDebug(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t, with("LOG_LEVEL=debug"))
	s.anonymous().send(http.MethodGet, "/healthcheck", "", "X-Request-Id: probe")
	if line := decoded[accessLine](t, s.accessLine(t, "probe")); line.Level != "DEBUG" {
		t.Errorf("its level is %s", line.Level)
	}
}

func TestXForwardedForCountsOnlyFromTrustedProxies(t *testing.T) {
	for name, test := range map[string]struct {
		trusted, forwarded, client string
	}{
		"from no proxy by default":     {"", "203.0.113.7", "127.0.0.1"},
		"not from others":              {"10.0.0.0/8", "203.0.113.7", "127.0.0.1"},
		"from a proxy":                 {"127.0.0.1", "203.0.113.7", "203.0.113.7"},
		"from a range":                 {"127.0.0.0/8", "203.0.113.7", "203.0.113.7"},
		"the nearest that is no proxy": {"127.0.0.0/8,10.0.0.0/8", "198.51.100.1, 203.0.113.7, 10.0.0.9", "203.0.113.7"},
		"not what the client wrote":    {"127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"},
		"IPv6":                         {"127.0.0.1,::1", "2001:db8::7", "2001:db8::7"},
		"no nonsense":                  {"127.0.0.1", "<script>", "127.0.0.1"},
		"nothing at all":               {"127.0.0.1", "", "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startService(t, "http://127.0.0.1:1", with("TRUSTED_PROXIES="+test.trusted))
			s.send(http.MethodGet, "/nowhere", "", "X-Forwarded-For: "+test.forwarded, "X-Request-Id: hop")
			if line := decoded[accessLine](t, s.accessLine(t, "hop")); line.Client != test.client {
				t.Errorf("the client is %s, want %s", line.Client, test.client)
			}
		})
	}
}

func TestCredentialsOfRequestsAreNotLogged(t *testing.T) {
	const attempted, secretKey, sessionToken = "hunter2-attempted", "hush-hush-secret-key", "hush-hush-session"
	for _, format := range []string{"json", "text"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			a, s := startBoth(t, with("LOG_LEVEL=debug", "LOG_FORMAT="+format,
				"AWS_SECRET_ACCESS_KEY="+secretKey, "AWS_SESSION_TOKEN="+sessionToken))
			wrong := basic("mallory:" + attempted)
			for _, header := range []string{
				"Authorization: Basic " + apiToken(), "Authorization: " + wrong, "Authorization: " + apiToken(),
				"Authorization: Bearer " + apiToken(), "Cookie: token=" + attempted, "Proxy-Authorization: " + wrong,
			} {
				s.send(http.MethodGet, "/elb/default-elb", "", header)
			}
			s.send(http.MethodPost, "/elb/default-elb", `{"password":"`+attempted+`"`)
			s.send(http.MethodGet, "/elb/default-elb?token="+apiToken(), "")
			a.fault(t, `{"action":"*","kind":"denied","count":1}`)
			s.attach("default-elb", spare)
			s.attach("default-elb", spare)
			s.stop()
			for _, secret := range []string{password, apiToken(), attempted, secretKey, sessionToken, strings.TrimPrefix(wrong, "Basic "), "AWS4-HMAC"} {
				if strings.Contains(s.stderr.String(), secret) {
					t.Errorf("%s is in the log", secret)
				}
			}
		})
	}
}

func TestRequestsCannotForgeLogLines(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			s := startService(t, "http://127.0.0.1:1", with("LOG_FORMAT="+format))
			before := strings.Count(s.stderr.String(), "\n")
			s.send(http.MethodGet, "/a%0A2026-11-23T00:00:00.000Z%20INFO%20%20forged%1b[31m", "", "X-Request-Id: forger")
			s.accessLine(t, "forger")
			s.stop()
			text := s.stderr.String()
			for line := range strings.Lines(text[nthLine(text, before):]) {
				if strings.HasPrefix(line, "2026-11-23T00:00:00.000Z") || strings.ContainsRune(line, '\x1b') {
					t.Errorf("forged: %q", line)
				}
				if format == "json" && !json.Valid(bytes.TrimSpace([]byte(line))) {
					t.Errorf("not JSON: %q", line)
				}
			}
		})
	}
}

// nthLine returns the position after the first n lines.
func nthLine(text string, n int) int {
	at := 0
	for range n {
		at += strings.IndexByte(text[at:], '\n') + 1
	}
	return at
}

func TestLogTimesFollowTZ(t *testing.T) {
	for zone, offset := range map[string]string{"": "Z", "UTC": "Z", "Asia/Kathmandu": "+05:45", "America/Caracas": "-04:00"} {
		for _, format := range []string{"json", "text"} {
			t.Run(zone+" "+format, func(t *testing.T) {
				t.Parallel()
				s := startService(t, "http://127.0.0.1:1", with("TZ="+zone, "LOG_FORMAT="+format))
				s.send(http.MethodGet, "/nowhere", "", "X-Request-Id: when")
				line := s.accessLine(t, "when")
				if !regexp.MustCompile(`^(\{"time":")?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}` + regexp.QuoteMeta(offset) + `[" ]`).MatchString(line) {
					t.Errorf("not %s: %s", offset, line)
				}
			})
		}
	}
}
