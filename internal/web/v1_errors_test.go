package web_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

// recordPaths are a path of each operation.
func recordPaths() []string {
	return []string{
		"/v1/changes", "/v1/changes/" + changeID(0, epoch), "/v1/pools/elb/default-elb/members",
		"/v1/pools", "/v1/pools/elb/default-elb", "/v1/pools/elb/default-elb/members/" + running, "/v1/instances/" + running,
		"/v1/pools/elb/default-elb/guard",
	}
}

func TestCodeHasProblem(t *testing.T) {
	cause := errors.New("secret cause")
	tests := []struct {
		name       string
		err        error
		status     int
		detail     string
		retryAfter string
	}{
		{"not found", &lsapi.Error{Code: lsapi.CodeNotFound, Message: "the record begins later", Err: cause}, 404, "the record begins later", ""},
		{"invalid", &lsapi.Error{Code: lsapi.CodeInvalid, Message: "no such thing", Err: cause}, 400, "no such thing", ""},
		{"unavailable", &lsapi.Error{Code: lsapi.CodeUnavailable, Err: cause}, 503, "the service cannot answer for now; nothing was changed", "1"},
		{"unavailable for longer", &lsapi.Error{Code: lsapi.CodeUnavailable, Message: "the record is away", RetryAfter: 5 * time.Second, Err: cause}, 503, "the record is away", "5"},
		{"timeout", &lsapi.Error{Code: lsapi.CodeTimeout, Err: cause}, 504, "the deadline passed", ""},
		{"a deadline without a code", fmt.Errorf("secret: %w", context.DeadlineExceeded), 504, "the deadline passed", ""},
		{"internal", &lsapi.Error{Code: lsapi.CodeInternal, Message: "secret table", Err: cause}, 500, "the service failed", ""},
		{"no code", cause, 500, "the service failed", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := story()
			r.fail = func(context.Context, int) error { return test.err }
			for _, path := range recordPaths() {
				for _, accept := range []string{"", "application/x-ndjson"} {
					request := httptest.NewRequest(http.MethodGet, path, http.NoBody)
					request.Header.Set("Accept", accept)
					got := do(handlerOf(withRecord(r)), request)
					if p := readProblem(t, got); got.StatusCode != test.status || p.Detail != test.detail || len(p.Errors) > 0 {
						t.Errorf("%s: the answer is %d %s", path, got.StatusCode, got.body)
					}
					if got.Header.Get("Retry-After") != test.retryAfter || got.Header.Get("Cache-Control") != "no-store" {
						t.Errorf("%s: headers are %v", path, got.Header)
					}
					if strings.Contains(got.body, "secret") {
						t.Errorf("%s: the client learns the cause: %s", path, got.body)
					}
				}
			}
		})
	}
}

func TestRecordDefectIsProblemAndLogged(t *testing.T) {
	r := story()
	r.fail = func(context.Context, int) error { panic("secret cause") }
	var log accessLog
	options := withRecord(r)
	options.Log = log.logger()
	for _, path := range recordPaths() {
		log.Reset()
		got := record(handlerOf(options), "GET", path, "")
		if p := readProblem(t, got); p.Status != 500 || strings.Contains(got.body, "secret") {
			t.Errorf("the answer is %s", got.body)
		}
		if line := log.only(t); line["status"] != 500. || !strings.Contains(log.String(), "secret cause") {
			t.Errorf("the log is %s", log.String())
		}
	}
}

// Each request fails one check and all later ones.
func TestV1ChecksFollowContractOrder(t *testing.T) {
	r := story()
	r.fail = func(context.Context, int) error { return &lsapi.Error{Code: lsapi.CodeNotFound} }
	server := serve(t, handlerOf(withRecord(r)))
	tests := []struct {
		name, method, path, credentials string
		status                          int
	}{
		{"path before credentials", "PUT", "/v1/pools/elb/-/x?y", "", 404},
		{"the root", "GET", "/v1/", "", 404},
		{"the root without a slash", "GET", "/v1", "", 404},
		{"a slash at the end", "GET", "/v1/changes/", "", 404},
		{"too deep", "GET", "/v1/changes/a/b", "", 404},
		{"credentials before name", "PUT", "/v1/pools/elb/-/members?y", "", 401},
		{"kind before name", "PUT", "/v1/pools/x/-/members/x?y", authorization, 404},
		{"name before member", "PUT", "/v1/pools/elb/-/members/x?y", authorization, 404},
		{"name before member of a change", "DELETE", "/v1/pools/elb/-/members/x?y", authorization, 404},
		{"member before method", "POST", "/v1/pools/elb/other-elb/members/x?y", authorization, 400},
		{"method before query of a member", "POST", "/v1/pools/elb/other-elb/members/i-5203422c?y", authorization, 405},
		{"credentials before method", "POST", "/v1/changes?y", "", 401},
		{"credentials before the id", "GET", "/v1/changes/7?y", "", 401},
		{"wrong credentials", "HEAD", "/v1/changes", "Basic eDp5", 401},
		{"name before method", "PUT", "/v1/pools/elb/-/members?y", authorization, 404},
		{"method before query", "DELETE", "/v1/pools/elb/other-elb/members?y", authorization, 405},
		{"query before body", "PUT", "/v1/pools/elb/other-elb/members?y", authorization, 400},
		{"query before the id of an undo", "POST", "/v1/changes/7/undo?y", authorization, 400},
		{"the id of an undo", "POST", "/v1/changes/7/undo", authorization, 404},
		{"method of an undo", "GET", "/v1/changes/7/undo?y", authorization, 405},
		{"query before record", "GET", "/v1/pools/elb/other-elb/members?y", authorization, 400},
		{"query before id", "GET", "/v1/changes/7?y", authorization, 400},
		{"record", "GET", "/v1/pools/elb/other-elb/members", authorization, 404},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := sendLine(t, server, test.method, test.path, test.credentials)
			if got.StatusCode != test.status {
				t.Fatalf("status is %d, want %d: %s", got.StatusCode, test.status, got.body)
			}
			if test.method != http.MethodHead {
				readProblem(t, got)
			}
			if challenge := got.Header.Get("WWW-Authenticate"); (challenge == `Basic realm="lsapi"`) != (test.status == 401) {
				t.Errorf("the challenge is %q", challenge)
			}
		})
	}
}

func TestV1PathsHaveTheirMethods(t *testing.T) {
	server := serve(t, handlerOf(withRecord(story())))
	allowed := map[string]string{
		recordPaths()[2]: "GET, HEAD, PUT, PATCH", recordPaths()[5]: "GET, HEAD, PUT, DELETE", recordPaths()[1] + "/undo": "POST",
	}
	for _, path := range append(recordPaths(), recordPaths()[1]+"/undo", "/v1/openapi.json", "/v1/openapi.yaml") {
		want := cmp.Or(allowed[path], "GET, HEAD")
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"} {
			got := sendLine(t, server, method, path, authorization)
			if slices.Contains(strings.Split(want, ", "), method) {
				if got.StatusCode == http.StatusMethodNotAllowed {
					t.Errorf("%s %s is not allowed", method, path)
				}
				continue
			}
			if p := readProblem(t, got); p.Status != http.StatusMethodNotAllowed || got.Header.Get("Allow") != want {
				t.Errorf("%s %s: answer is %d, Allow %q", method, path, got.StatusCode, got.Header.Get("Allow"))
			}
		}
	}
}

func TestV1HeadAnswersLikeGet(t *testing.T) {
	r := filled(5000)
	server := serve(t, handlerOf(withRecord(r)))
	for _, accept := range []string{"application/json", "application/x-ndjson"} {
		for _, path := range []string{"/v1/changes", "/v1/changes?limit=x", "/v1/changes/7", "/v1/pools/elb/default-elb/members", "/v1/openapi.json"} {
			header := http.Header{"Accept": {accept}}
			r.asked.Store(0)
			head := send(t, server, request{method: "HEAD", path: path, header: header})
			if asked := r.asked.Load(); asked > 1 {
				t.Errorf("%s: the record was asked %d times for nothing", path, asked)
			}
			get := send(t, server, request{method: "GET", path: path, header: header})
			if head.StatusCode != get.StatusCode || head.body != "" {
				t.Errorf("%s: HEAD is %d %q, GET is %d", path, head.StatusCode, head.body, get.StatusCode)
			}
			for _, name := range []string{"Content-Type", "Content-Length", "ETag", "Cache-Control", "Vary"} {
				if path != "/v1/pools/elb/default-elb/members" && head.Header.Get(name) != get.Header.Get(name) {
					t.Errorf("%s: %s is %q for HEAD, %q for GET", path, name, head.Header.Get(name), get.Header.Get(name))
				}
			}
		}
	}
	if got := send(t, server, request{method: "HEAD", path: "/v1/changes", header: http.Header{"Authorization": nil}}); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("HEAD without credentials is %d", got.StatusCode)
	}
}

func TestV1RequestsAreObserved(t *testing.T) {
	var log accessLog
	routes := map[string]string{}
	options := withRecord(story())
	options.Log = log.logger()
	var route string
	options.Observe = func(r, _ string, _ int, _ time.Duration) { route = r }
	handler := handlerOf(options)
	for _, path := range append(recordPaths(), "/v1/nowhere", "/v1/openapi.json", "/v1/changes?actor=secret") {
		log.Reset()
		got := record(handler, "GET", path, "")
		routes[path] = route
		line := log.only(t)
		if line["request_id"] != got.Header.Get("X-Request-Id") || line["status"] != float64(got.StatusCode) || strings.Contains(log.String(), "secret") {
			t.Errorf("%s: the line is %v", path, line)
		}
		if known := line["user"] == "alice"; known != (path != "/v1/nowhere" && path != "/v1/openapi.json") {
			t.Errorf("%s: the user is %v", path, line["user"])
		}
	}
	for path, want := range map[string]string{
		recordPaths()[0]: "/v1/changes", recordPaths()[1]: "/v1/changes/{id}", recordPaths()[2]: "/v1/pools/{kind}/{name}/members", recordPaths()[6]: "/v1/instances/{instance}", "/v1/nowhere": "other",
		recordPaths()[3]: "/v1/pools", recordPaths()[4]: "/v1/pools/{kind}/{name}", recordPaths()[5]: "/v1/pools/{kind}/{name}/members/{member}",
		recordPaths()[7]: "/v1/pools/{kind}/{name}/guard",
	} {
		if routes[path] != want {
			t.Errorf("%s: the route is %s, want %s", path, routes[path], want)
		}
	}
}

func TestRecordReadHasTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := story()
		r.fail = func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return ctx.Err()
		}
		options := withRecord(r)
		options.RequestTimeout = 5 * time.Second
		for _, path := range recordPaths() {
			began := time.Now()
			got := record(handlerOf(options), "GET", path, "")
			if took := time.Since(began); got.StatusCode != http.StatusGatewayTimeout || took != 5*time.Second {
				t.Errorf("%s: answer is %d after %s", path, got.StatusCode, took)
			}
		}
	})
}
