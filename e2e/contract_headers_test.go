package e2e

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestListHasAgeAndETag(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	first := s.get("/elb/default-elb")
	checkAge(t, first)
	tag := first.header.Get("ETag")
	if !regexp.MustCompile(`^"[[:graph:]]+"$`).MatchString(tag) {
		t.Errorf("%q is no strong entity tag", tag)
	}
	if again := s.get("/elb/default-elb").header.Get("ETag"); again != tag {
		t.Errorf("the same list has the tags %s and %s", tag, again)
	}
	if other := s.get("/elb/web-elb").header.Get("ETag"); other == tag {
		t.Error("two lists have the same tag")
	}
	s.attach("default-elb", spare)
	if next := s.get("/elb/default-elb").header.Get("ETag"); next == tag {
		t.Error("the list has changed and its tag has not")
	}
}

// checkAge accepts ages within the default bound, 2 s.
func checkAge(t *testing.T, answer response) {
	t.Helper()
	if age, err := strconv.Atoi(answer.header.Get("Age")); err != nil || age < 0 || age > 2 {
		t.Errorf("%d has Age %q", answer.status, answer.header.Get("Age"))
	}
}

func TestMatchingETagReturns304(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	list := s.get("/elb/default-elb")
	tag := list.header.Get("ETag")
	for name, test := range map[string]struct {
		field  string
		status int
	}{
		"the tag":               {tag, 304},
		"the tag as a weak one": {"W/" + tag, 304},
		"one of several":        {`"a", ` + tag + `, "b"`, 304},
		"any":                   {"*", 304},
		"another tag":           {`"another"`, 200},
		"the tag unquoted":      {strings.Trim(tag, `"`), 200},
		"nonsense":              {`,;"`, 200},
		"nothing":               {"", 200},
	} {
		t.Run(name, func(t *testing.T) {
			answer := s.on(t).send(http.MethodGet, "/elb/default-elb", "", "If-None-Match: "+test.field)
			if answer.status != test.status {
				t.Errorf("%s is %d, want %d", test.field, answer.status, test.status)
			}
			if answer.header.Get("ETag") != tag {
				t.Errorf("the tag is %s, was %s", answer.header.Get("ETag"), tag)
			}
			checkAge(t, answer)
			if want := map[int]string{200: list.body}[test.status]; answer.body != want {
				t.Errorf("the body is %q, want %q", answer.body, want)
			}
		})
	}
	s.attach("default-elb", spare)
	if answer := s.send(http.MethodGet, "/elb/default-elb", "", "If-None-Match: "+tag); answer.status != http.StatusOK {
		t.Errorf("after a change it is %d", answer.status)
	}
}

func TestNoCacheShowsExternalChanges(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	s.get("/elb/web-elb")
	a.register("web-elb", spare)
	list := s.send(http.MethodGet, "/elb/web-elb", "", "Cache-Control: no-cache")
	if !strings.Contains(list.body, spare) {
		t.Errorf("no %s in %s", spare, list.body)
	}
}

func TestMalformedConditionsAreIgnored(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	for _, header := range []string{"Cache-Control: ,,=;", "Cache-Control: no-cache=\"", "If-None-Match: W/", `If-None-Match: "`} {
		if answer := s.send(http.MethodGet, "/elb/default-elb", "", header); answer.status != http.StatusOK {
			t.Errorf("%s: %d %s", header, answer.status, answer.body)
		}
	}
}

func TestEveryResponseHasARequestID(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	tag := s.get("/elb/default-elb").header.Get("ETag")
	// In this order each response has another status.
	for _, request := range []struct {
		method, path, body, header string
		status                     int
	}{
		{"GET", "/elb/default-elb", "", "", 200},
		{"GET", "/elb/default-elb", "", "If-None-Match: " + tag, 304},
		{"POST", "/elb/default-elb", machineID(spare), "", 201},
		{"POST", "/elb/default-elb", machineID(spare), "", 409},
		{"POST", "/elb/default-elb", "{", "", 400},
		{"POST", "/elb/default-elb", strings.Repeat(" ", bodyLimit+1), "", 413},
		{"PUT", "/elb/default-elb", "", "", 405},
		{"GET", "/elb/default-elb", "", "Authorization: Basic x", 401},
		{"GET", "/elb/no-such-elb", "", "", 404},
		{"GET", "/nowhere", "", "", 404},
		{"GET", "//", "", "", 404},
		{"GET", "/healthcheck", "", "", 200},
		{"GET", "/readyz", "", "", 200},
		{"GET", "/swagger.json", "", "", 200},
		{"GET", "/docs", "", "", 200},
		{"HEAD", "/elb/default-elb", "", "", 200},
	} {
		headers := []string{"X-Request-Id: deploy-7.of_9"}
		if request.header != "" {
			headers = append(headers, request.header)
		}
		answer := s.send(request.method, request.path, request.body, headers...)
		if answer.status != request.status || answer.header.Get("X-Request-Id") != "deploy-7.of_9" {
			t.Errorf("%s %s: %d, id %q", request.method, request.path, answer.status, answer.header.Get("X-Request-Id"))
		}
	}
	a.fault(t, `{"action":"DescribeLoadBalancers","kind":"denied","probability":1}`)
	// Of a load balancer that was not read before.
	if answer := s.send("POST", "/elb/web-elb", machineID(spare), "X-Request-Id: failed-1"); answer.status != 502 || answer.header.Get("X-Request-Id") != "failed-1" {
		t.Errorf("%d, id %q", answer.status, answer.header.Get("X-Request-Id"))
	}
}

func TestInvalidRequestIDIsReplaced(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	given := map[string]bool{}
	for name, id := range map[string]string{
		"none":            "",
		"far too long":    strings.Repeat("a", 1000),
		"with a space":    "a b",
		"with quotes":     `a"b`,
		"with markup":     "<b>",
		"with a tab":      "a\tb",
		"beyond ASCII":    "jos\u00e9",
		"not UTF-8":       "\xff",
		"steers a screen": "a%1b[31m",
	} {
		t.Run(name, func(t *testing.T) {
			answer := s.on(t).send(http.MethodGet, "/healthcheck", "", "X-Request-Id: "+id)
			got := answer.header.Get("X-Request-Id")
			if got == "" || got == id || given[got] {
				t.Errorf("it is %q", got)
			}
			given[got] = true
		})
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	for _, path := range []string{"/elb/default-elb", "/elb/no-such-elb", "/elb/-", "/healthcheck", "/readyz", "/swagger.json", "/docs", "/nowhere"} {
		get, head := s.get(path), s.send(http.MethodHead, path, "")
		if head.status != get.status || head.body != "" {
			t.Errorf("%s: GET is %d, HEAD is %d %q", path, get.status, head.status, head.body)
		}
		for _, name := range []string{"Content-Type", "Content-Length", "ETag"} {
			if got, want := head.header.Get(name), get.header.Get(name); got != want {
				t.Errorf("%s: %s is %q on HEAD, %q on GET", path, name, got, want)
			}
		}
	}
}
