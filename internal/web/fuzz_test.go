package web_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"lsapi"
)

// checkFuzzed checks the properties of all responses.
func checkFuzzed(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	switch {
	case w.Code >= 500:
		t.Errorf("status is %d: %s", w.Code, w.Body)
	case w.Code >= 300 && w.Code < 400:
		t.Errorf("the answer is a redirect to %s", w.Header().Get("Location"))
	case strings.HasSuffix(w.Header().Get("Content-Type"), "json") && !json.Valid(w.Body.Bytes()):
		t.Errorf("the body is not JSON: %q", w.Body)
	case w.Code >= 400 && !slices.Contains([]string{"application/json", "application/problem+json"}, w.Header().Get("Content-Type")):
		t.Errorf("an error is %s", w.Header().Get("Content-Type"))
	}
	if len(w.Header()["X-Request-Id"]) != 1 {
		t.Errorf("request ids are %q", w.Header()["X-Request-Id"])
	}
}

func FuzzBody(f *testing.F) {
	f.Add([]byte(machineID(spare)))
	f.Fuzz(func(t *testing.T, body []byte) {
		members := newMemberships()
		r := httptest.NewRequest(http.MethodPost, "/elb/default-elb", strings.NewReader(string(body)))
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		newHandler(members).ServeHTTP(w, r)
		checkFuzzed(t, w)
		for _, asked := range members.requests {
			if !lsapi.ValidInstanceID(asked.Member.String()) || !json.Valid(body) {
				t.Errorf("%q led to a change of %q", body, asked.Member)
			}
		}
	})
}

func FuzzAuthorization(f *testing.F) {
	f.Add(authorization)
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest(http.MethodGet, "/elb/default-elb", http.NoBody)
		r.Header.Set("Authorization", value)
		w := httptest.NewRecorder()
		newHandler(newMemberships()).ServeHTTP(w, r)
		checkFuzzed(t, w)
		if (w.Code == http.StatusOK) != (value == authorization) {
			t.Errorf("%q is answered with %d", value, w.Code)
		}
	})
}

// FuzzTarget sends request lines as they are. Those that net/http refuses before
// any handler are skipped.
func FuzzTarget(f *testing.F) {
	f.Add("GET", "/elb/default-elb")
	f.Fuzz(func(t *testing.T, method, target string) {
		text := method + " " + target + " HTTP/1.1\r\nHost: lsapi\r\nAuthorization: " + authorization + "\r\n\r\n"
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			t.Skip(err)
		}
		w := httptest.NewRecorder()
		handlerOf(withRecord(story())).ServeHTTP(w, r)
		checkFuzzed(t, w)
	})
}

// FuzzQuery sends arbitrary queries to every operation. The fake record rejects filters
// that a database would.
func FuzzQuery(f *testing.F) {
	f.Add("pool=elb/default-elb&limit=1", "at=2026-11-24T18:01:00Z")
	f.Fuzz(func(t *testing.T, changes, members string) {
		handler := handlerOf(withRecord(story()))
		for path, query := range map[string]string{
			"/v1/changes": changes, "/v1/pools/elb/default-elb/members": members, "/v1/instances/" + running: members, "/v1/changes/" + changeID(0, epoch): changes,
			"/v1/pools": changes, "/v1/pools/elb/default-elb": members, "/v1/pools/elb/default-elb/members/" + running: members,
		} {
			for _, accept := range []string{"application/json", "application/x-ndjson"} {
				r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
				r.URL.RawQuery = query
				r.Header.Set("Accept", accept)
				got := do(handler, r)
				if !slices.Contains([]int{200, 400, 404}, got.StatusCode) {
					t.Errorf("%s?%s is answered with %d %s", path, query, got.StatusCode, got.body)
				}
				if got.StatusCode >= 400 {
					readProblem(t, got)
				}
				if understood := understandable(query); got.StatusCode == http.StatusOK && !understood {
					t.Errorf("%s?%s is answered though it is not understood: %s", path, query, got.body)
				}
			}
		}
	})
}

// understandable reports whether a query has each parameter once, except tag, and none
// empty.
func understandable(query string) bool {
	values, err := url.ParseQuery(query)
	for name, value := range values {
		if len(value) != 1 && name != "tag" || slices.Contains(value, "") {
			return false
		}
	}
	return err == nil
}
