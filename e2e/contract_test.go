package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// envelopes are the settings of RESPONSE_ENVELOPE.
var envelopes = []string{"message", "none"}

// enveloped returns a value in the envelope of a response.
func enveloped(envelope, value string) string {
	if envelope == "none" {
		return value
	}
	return `{"message":` + value + `}`
}

// The steps build on each other.
func TestOperationsFollowTheContract(t *testing.T) {
	const (
		spareInfo = `{"instanceId":"` + spare + `","instanceType":"t2.micro","launchDate":"2024-07-01T10:00:00.000Z"}`
		ofOldInfo = `{"instanceId":"` + spareOfOld + `","instanceType":"t2.micro","launchDate":"2015-11-09T07:30:00.000Z"}`
	)
	steps := []struct {
		name         string
		method, path string
		instance     string
		status       int
		value        string // empty for an error
	}{
		{"a list has each member", "GET", "/elb/default-elb", "", 200, `[` + memberInfo + `]`},
		{"a list of no load balancer is not found", "GET", "/elb/no-such-elb", "", 404, ""},
		{"an attach answers with the instance", "POST", "/elb/default-elb", spare, 201, spareInfo},
		{"the next list shows it", "GET", "/elb/default-elb", "", 200, `[` + memberInfo + `,` + spareInfo + `]`},
		{"attaching it again is a conflict", "POST", "/elb/default-elb", spare, 409, ""},
		{"an instance may be on two load balancers", "POST", "/elb/web-elb", spare, 201, spareInfo},
		{"a detach answers 201 with the instance", "DELETE", "/elb/default-elb", spare, 201, spareInfo},
		{"detaching it again is a conflict", "DELETE", "/elb/default-elb", spare, 409, ""},
		{"so is detaching what never was a member", "DELETE", "/elb/default-elb", otherSpare, 409, ""},
		{"and what EC2 does not know", "DELETE", "/elb/default-elb", unheardOf, 409, ""},
		{"an id of eight digits is one", "POST", "/elb/default-elb", spareOfOld, 201, ofOldInfo},
		{"a detached instance can be attached again", "POST", "/elb/default-elb", spare, 201, spareInfo},
		{"a stopped member can be detached", "DELETE", "/elb/web-elb", "i-0a11ce0000000ab03", 201,
			`{"instanceId":"i-0a11ce0000000ab03","instanceType":"t3.small","launchDate":"2024-03-05T08:15:32.000Z"}`},
		{"an unknown instance cannot be attached", "POST", "/elb/default-elb", unheardOf, 400, ""},
		{"nor one that is stopped", "POST", "/elb/default-elb", stopped, 400, ""},
		{"nor one that is terminated", "POST", "/elb/default-elb", terminated, 400, ""},
		{"nothing can be attached to no load balancer", "POST", "/elb/no-such-elb", spare, 404, ""},
		{"nor detached from it", "DELETE", "/elb/no-such-elb", spare, 404, ""},
	}
	for _, envelope := range envelopes {
		t.Run(envelope, func(t *testing.T) {
			t.Parallel()
			_, s := startBoth(t, with("RESPONSE_ENVELOPE="+envelope))
			for _, step := range steps {
				t.Run(step.name, func(t *testing.T) {
					var body string
					if step.instance != "" {
						body = machineID(step.instance)
					}
					answer := s.on(t).send(step.method, step.path, body)
					if answer.status != step.status {
						t.Errorf("%s %s is %d, want %d: %s", step.method, step.path, answer.status, step.status, answer.body)
					}
					if step.value == "" {
						answer.errorText(t, envelope)
					} else if got, want := strings.TrimSpace(answer.body), enveloped(envelope, step.value); got != want {
						t.Errorf("the body is %s, want %s", got, want)
					}
				})
			}
		})
	}
}

func TestListWithoutMembersIsEmptyArray(t *testing.T) {
	t.Parallel()
	for _, envelope := range envelopes {
		_, s := startBoth(t, with("RESPONSE_ENVELOPE="+envelope))
		s.detach("default-elb", member)
		if got := strings.TrimSpace(s.get("/elb/default-elb").body); got != enveloped(envelope, "[]") {
			t.Errorf("%s: %s", envelope, got)
		}
	}
}

func TestHealthcheckNeedsNeitherCredentialsNorAWS(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	for _, path := range []string{"/healthcheck", "/readyz"} {
		answer := s.anonymous().get(path)
		if answer.status != http.StatusOK || answer.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", path, answer.status, answer.body)
		}
		decoded[struct{ Message string }](t, answer.body)
	}
	if calls := a.calls(); len(calls) != 0 {
		t.Errorf("AWS was called: %v", calls)
	}
}

// The error does not depend on other errors of the request.
func TestOtherRequestsFollowTheContract(t *testing.T) {
	requests := []struct {
		name          string
		method, path  string
		authorization string
		status        int
		header        string // of the response, "Name: value"
	}{
		{"unknown path", "GET", "/nowhere", "yes", 404, ""},
		{"unknown path without credentials", "GET", "/nowhere", "", 404, ""},
		{"root", "GET", "/", "", 404, ""},
		{"path with more behind the name", "GET", "/elb/default-elb/members", "yes", 404, ""},
		{"path without a name", "GET", "/elb", "yes", 404, ""},
		{"path with an empty name", "GET", "/elb/", "yes", 404, ""},
		{"path with a slash at its end", "GET", "/elb/default-elb/", "yes", 404, ""},
		{"path with two slashes", "GET", "//elb/default-elb", "yes", 404, ""},
		{"path with two slashes inside", "DELETE", "/elb//default-elb", "yes", 404, ""},
		{"path that climbs", "GET", "/elb/../elb/default-elb", "yes", 404, ""},
		{"path that stays", "GET", "/./healthcheck", "", 404, ""},
		{"path in other letters", "GET", "/HEALTHCHECK", "", 404, ""},
		{"name with a slash", "GET", "/elb/default%2Felb", "yes", 404, ""},
		{"no credentials", "GET", "/elb/default-elb", "", 401, `Www-Authenticate: Basic realm="lsapi"`},
		{"method not allowed on a load balancer", "PUT", "/elb/default-elb", "yes", 405, "Allow: GET, HEAD, POST, DELETE"},
		{"unknown method", "BREW", "/elb/default-elb", "yes", 405, "Allow: GET, HEAD, POST, DELETE"},
		{"method OPTIONS", "OPTIONS", "/elb/default-elb", "yes", 405, "Allow: GET, HEAD, POST, DELETE"},
		{"method not allowed on the health check", "POST", "/healthcheck", "", 405, "Allow: GET, HEAD"},
		{"method not allowed on the document", "DELETE", "/swagger.json", "", 405, "Allow: GET, HEAD"},
		{"method not allowed on the page", "POST", "/docs", "", 405, "Allow: GET, HEAD"},
	}
	for _, envelope := range envelopes {
		t.Run(envelope, func(t *testing.T) {
			t.Parallel()
			_, s := startBoth(t, with("RESPONSE_ENVELOPE="+envelope))
			for _, request := range requests {
				t.Run(request.name, func(t *testing.T) {
					c := s.on(t)
					if request.authorization == "" {
						c = c.anonymous()
					}
					answer := c.send(request.method, request.path, "")
					if answer.status != request.status {
						t.Errorf("it is %d, want %d: %s", answer.status, request.status, answer.body)
					}
					answer.errorText(t, envelope)
					name, value, _ := strings.Cut(request.header, ": ")
					if got := answer.header.Get(name); got != value {
						t.Errorf("%s is %q, want %q", name, got, value)
					}
				})
			}
		})
	}
}

func TestInvalidNameIsNotFoundWithoutCall(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	for name, path := range map[string]string{
		"hyphen in front":   "/elb/-elb",
		"hyphen at the end": "/elb/elb-",
		"hyphen alone":      "/elb/-",
		"too long":          "/elb/" + strings.Repeat("a", 33),
		"underscore":        "/elb/default_elb",
		"dot":               "/elb/default.elb",
		"space":             "/elb/default%20elb",
		"letter with a hat": "/elb/d%C3%A9fault",
		"not UTF-8":         "/elb/%ff",
		"null":              "/elb/%00",
		"newline at end":    "/elb/default-elb%0A",
	} {
		t.Run(name, func(t *testing.T) {
			for _, method := range []string{"GET", "POST", "DELETE"} {
				answer := s.on(t).send(method, path, machineID(spare))
				if answer.status != http.StatusNotFound {
					t.Errorf("%s is %d: %s", method, answer.status, answer.body)
				}
				answer.errorText(t, "message")
			}
		})
	}
	if calls := a.calls(); len(calls) != 0 {
		t.Errorf("AWS was called: %v", calls)
	}
}

func TestLongestAndShortestNamesWork(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("Ab-9", 8)
	a := startAWS(t, "--fleet", fleetFile(t, "loadBalancers: [{name: "+longest+"}, {name: Z}]\n"))
	s := startService(t, a.base)
	for _, name := range []string{longest, "Z"} {
		if answer := s.get("/elb/" + name); answer.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, answer.status, answer.body)
		}
	}
}
