package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/web"
)

// accessLog is a log with readable lines.
type accessLog struct{ bytes.Buffer }

func (l *accessLog) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// only returns the one line of the access log.
func (l *accessLog) only(t *testing.T) map[string]any {
	t.Helper()
	var found []map[string]any
	for line := range strings.Lines(l.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		if fields["msg"] == "request" {
			found = append(found, fields)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d requests are logged: %s", len(found), l.String())
	}
	return found[0]
}

func TestAccessLogHasOneLinePerRequest(t *testing.T) {
	tests := []struct {
		method, path string
		want         map[string]any
	}{
		{"GET", "/elb/default-elb", map[string]any{"level": "INFO", "status": 200., "path": "/elb/default-elb", "user": "alice"}},
		{"POST", "/elb/default-elb", map[string]any{"level": "INFO", "status": 201., "user": "alice"}},
		{"GET", "/elb/other-elb", map[string]any{"level": "INFO", "status": 404., "user": "alice"}},
		{"PUT", "/elb/default-elb", map[string]any{"level": "INFO", "status": 405.}},
		{"GET", "/nowhere?token=secret", map[string]any{"level": "INFO", "status": 404., "path": "/nowhere", "user": nil}},
		{"GET", "/elb/a%0Ab", map[string]any{"level": "INFO", "status": 404., "path": "/elb/a%0Ab"}},
		{"GET", "/healthcheck", map[string]any{"level": "DEBUG", "status": 200., "user": nil}},
		{"GET", "/readyz", map[string]any{"level": "DEBUG", "status": 200.}},
		{"POST", "/healthcheck", map[string]any{"level": "INFO", "status": 405.}},
		{"GET", "/swagger.json", map[string]any{"level": "INFO", "status": 200.}},
	}
	for _, test := range tests {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			var log accessLog
			handler := handlerOf(web.Options{Membership: newMemberships(), Authenticator: alice{}, Log: log.logger()})
			got := record(handler, test.method, test.path, machineID(spare))

			line := log.only(t)
			test.want["method"] = test.method
			test.want["client"] = "192.0.2.1"
			test.want["request_id"] = got.Header.Get("X-Request-Id")
			for key, want := range test.want {
				if line[key] != want {
					t.Errorf("%s is %v, want %v", key, line[key], want)
				}
			}
			if took, ok := line["duration"].(float64); !ok || took < 0 {
				t.Errorf("duration is %v", line["duration"])
			}
			if strings.Contains(log.String(), "secret") || strings.Contains(log.String(), authorization[6:]) {
				t.Errorf("a secret is logged: %s", log.String())
			}
		})
	}
}

func TestAccessLogHasAuthenticatedUserOnly(t *testing.T) {
	var log accessLog
	handler := handlerOf(web.Options{Membership: newMemberships(), Authenticator: alice{}, Log: log.logger()})
	r := httptest.NewRequest(http.MethodGet, "/elb/default-elb", http.NoBody)
	r.SetBasicAuth("alice", "wrong")
	handler.ServeHTTP(httptest.NewRecorder(), r)
	if line := log.only(t); line["status"] != 401. || line["user"] != nil {
		t.Errorf("the line is %v, want 401 without a user", line)
	}
}

// throttling is an Authenticator that throttles every request.
type throttling struct{}

func (throttling) Authenticate(context.Context, string, string) (lsapi.Actor, error) {
	return lsapi.Actor{}, lsapi.Errorf(lsapi.CodeThrottled, "too many wrong passwords")
}

func (throttling) Revalidate(string) error { return nil }

func TestThrottledGuessIsOneLine(t *testing.T) {
	var log accessLog
	handler := handlerOf(web.Options{Membership: newMemberships(), Authenticator: throttling{}, Log: log.logger()})
	record(handler, http.MethodGet, "/elb/default-elb", "")
	if line := log.only(t); line["status"] != 503. || strings.Contains(log.String(), "request failed") {
		t.Errorf("the log is %s", log.String())
	}
}

// Guesses at passwords are no failures of the routes that they name.
func TestRequestsWithoutAcceptedCredentialsAreCountedApart(t *testing.T) {
	for name, test := range map[string]struct {
		auth          web.Authenticator
		authorization []string
		spare         bool
		route         string
	}{
		"accepted":          {alice{}, []string{authorization}, false, "/elb/{elbName}"},
		"none":              {alice{}, nil, false, "unauthenticated"},
		"more than one":     {alice{}, []string{authorization, authorization}, false, "unauthenticated"},
		"not checked":       {throttling{}, []string{authorization}, false, "unauthenticated"},
		"no room for a try": {alice{}, []string{authorization}, true, "/elb/{elbName}"},
	} {
		t.Run(name, func(t *testing.T) {
			var route string
			handler := handlerOf(web.Options{
				Membership: newMemberships(), Authenticator: test.auth,
				Spare:   func(context.Context) bool { return test.spare },
				Observe: func(r, _ string, _ int, _ time.Duration) { route = r },
			})
			r := httptest.NewRequest(http.MethodGet, "/elb/default-elb", http.NoBody)
			r.Header["Authorization"] = test.authorization
			handler.ServeHTTP(httptest.NewRecorder(), r)
			if route != test.route {
				t.Errorf("the route is %s, want %s", route, test.route)
			}
		})
	}
}

func TestAccessLogClipsLongTexts(t *testing.T) {
	var log accessLog
	handler := handlerOf(web.Options{Membership: newMemberships(), Authenticator: alice{}, Log: log.logger()})
	record(handler, strings.Repeat("M", 20000), "/elb/"+strings.Repeat("x", 20000), "")
	if log.Len() > 1000 {
		t.Errorf("the line has %d bytes", log.Len())
	}
}

func TestDepartedClientIsLoggedAndAnswered(t *testing.T) {
	members := newMemberships()
	ctx, leave := context.WithCancel(t.Context())
	members.fail = func(ctx context.Context) error {
		leave()
		<-ctx.Done()
		return &lsapi.Error{Code: lsapi.CodeTimeout, Message: "it may have happened", Err: ctx.Err()}
	}
	var log accessLog
	var counted int
	handler := handlerOf(web.Options{
		Membership: members, Authenticator: alice{}, Log: log.logger(),
		Observe: func(_, _ string, status int, _ time.Duration) { counted = status },
	})
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/elb/default-elb", strings.NewReader(machineID(spare)))
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)

	if w.Code != http.StatusGatewayTimeout {
		t.Errorf("a client that still reads gets %d, want 504", w.Code)
	}
	if line := log.only(t); line["status"] != 499. {
		t.Errorf("the line is %v, want status 499", line)
	}
	if counted != 499 {
		t.Errorf("the metrics count %d, want 499: it is no failure of the service", counted)
	}
	if strings.Contains(log.String(), "request failed") {
		t.Errorf("the log blames AWS: %s", log.String())
	}
}

func TestUntrustedProxyIsReportedOnce(t *testing.T) {
	var log accessLog
	handler := handlerOf(web.Options{
		Membership: newMemberships(), Authenticator: alice{}, Log: log.logger(),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	})
	ask := func(peer string, forwarded ...string) (warnings int) {
		r := httptest.NewRequest(http.MethodGet, "/elb/default-elb", http.NoBody)
		r.RemoteAddr = peer
		for _, value := range forwarded {
			r.Header.Add("X-Forwarded-For", value)
		}
		do(handler, r)
		return strings.Count(log.String(), "--trusted-proxies")
	}
	if got := ask("203.0.113.7:4711") + ask("10.0.0.1:80", "198.51.100.1"); got != 0 {
		t.Errorf("a peer and a trusted proxy are reported %d times", got)
	}
	if got := ask("203.0.113.7:4711", "198.51.100.1"); got != 1 || !strings.Contains(log.String(), `"peer":"203.0.113.7"`) {
		t.Errorf("it is reported %d times: %s", got, log.String())
	}
	if got := ask("203.0.113.8:4711", "198.51.100.1"); got != 1 {
		t.Errorf("it is reported %d times, want once", got)
	}
}

func TestClientIsPeerUnlessProxyIsTrusted(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	tests := []struct {
		name      string
		peer      string
		forwarded []string
		client    string
	}{
		{"a peer", "203.0.113.7:4711", nil, "203.0.113.7"},
		{"a peer that claims to speak for another", "203.0.113.7:4711", []string{"198.51.100.1"}, "203.0.113.7"},
		{"a proxy", "10.0.0.1:80", []string{"198.51.100.1"}, "198.51.100.1"},
		{"a proxy that says nothing", "10.0.0.1:80", nil, "10.0.0.1"},
		{"a proxy after a lie", "10.0.0.1:80", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		{"two proxies", "10.0.0.1:80", []string{"1.1.1.1, 198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		{"two fields", "10.0.0.1:80", []string{"1.1.1.1", "198.51.100.1,10.9.9.9"}, "198.51.100.1"},
		{"proxies alone", "10.0.0.1:80", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"IPv6", "[fd00::1]:80", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv6 with a port", "[fd00::1]:80", []string{"[2001:db8::7]:443"}, "2001:db8::7"},
		{"IPv6 in brackets", "[fd00::1]:80", []string{"[2001:db8::7]"}, "2001:db8::7"},
		{"IPv6 with a zone", "[2001:db8::7%eth0]:80", nil, "2001:db8::7"},
		{"IPv4 with a port", "10.0.0.1:80", []string{"198.51.100.1:4711"}, "198.51.100.1"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:80", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"garbage", "10.0.0.1:80", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		{"garbage before an address", "10.0.0.1:80", []string{"x\ty, 198.51.100.1"}, "198.51.100.1"},
		{"empty", "10.0.0.1:80", []string{""}, "10.0.0.1"},
		{"an empty entry", "10.0.0.1:80", []string{"198.51.100.1,"}, "10.0.0.1"},
		{"a socket without an address", "@", []string{"198.51.100.1"}, "unknown"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, path := range []string{"/nowhere", "/elb/default-elb"} {
				var log accessLog
				asked := test.client // unknown paths need no credentials
				handler := handlerOf(web.Options{
					Membership: newMemberships(), Authenticator: witness{&asked}, Log: log.logger(), TrustedProxies: proxies})
				r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
				r.RemoteAddr = test.peer
				r.Header["X-Forwarded-For"] = test.forwarded
				handler.ServeHTTP(httptest.NewRecorder(), r)
				if line := log.only(t); line["client"] != test.client {
					t.Errorf("the client is %v, want %s", line["client"], test.client)
				}
				if asked != test.client {
					t.Errorf("the authenticator gets %s, want %s", asked, test.client)
				}
			}
		})
	}
}

// witness is an Authenticator that notes the client.
type witness struct{ client *string }

func (w witness) Authenticate(_ context.Context, _, client string) (lsapi.Actor, error) {
	*w.client = client
	return lsapi.Actor{Name: "alice"}, nil
}

func (witness) Revalidate(string) error { return nil }
