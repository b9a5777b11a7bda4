package web_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// sendLine sends a request line as it is, which http.Client would not. The
// method decides where the response ends.
func sendLine(t *testing.T, server *httptest.Server, method, target, credentials string) response {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: lsapi\r\nAuthorization: %s\r\nConnection: close\r\n\r\n", method, target, credentials); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	return read(t, r)
}

func TestUnknownPathIsNotFound(t *testing.T) {
	server := serve(t, newHandler(newMemberships()))
	targets := []struct{ method, target string }{
		{"GET", "/"}, {"GET", "/elb"}, {"GET", "/elb/"}, {"GET", "/elb/default-elb/"}, {"GET", "/elb/default-elb/x"},
		{"GET", "//"}, {"GET", "//elb/default-elb"}, {"GET", "/elb//default-elb"}, {"GET", "/elb/../healthcheck"},
		{"GET", "/./healthcheck"}, {"GET", "/healthcheck/"}, {"GET", "/healthcheck/."}, {"GET", "/Healthcheck"},
		{"GET", "/docs/"}, {"GET", "/docs/index.html"}, {"GET", "/docs/../swagger.yaml"}, {"GET", "/docs/swagger-ui.css.gz"},
		{"GET", "/elb/default-elb/?x=/"}, {"GET", "http://lsapi"}, {"GET", "http://lsapi//elb/x"}, {"GET", "*"},
		{"OPTIONS", "*"}, {"CONNECT", "lsapi:80"}, {"CONNECT", "//elb"}, {"POST", "/elb/"}, {"TRACE", "/nowhere"},
		{"GET", "/metric"}, {"GET", "/%2e%2e/healthcheck"}, {"GET", "/healthcheck%2F"},
	}
	for _, test := range targets {
		for _, credentials := range []string{authorization, ""} {
			t.Run(test.method+" "+test.target, func(t *testing.T) {
				got := sendLine(t, server, test.method, test.target, credentials)
				if test.method == http.MethodConnect {
					// ReadResponse takes the body of a CONNECT for a tunnel.
					if got.StatusCode != http.StatusNotFound {
						t.Errorf("status is %d, want 404", got.StatusCode)
					}
					return
				}
				if want := `{"message":"there is no such path"}` + "\n"; got.StatusCode != http.StatusNotFound || got.body != want {
					t.Errorf("answer is %d %s, want 404 %s", got.StatusCode, got.body, want)
				}
			})
		}
	}
}

func TestImpossibleNameIsNotFound(t *testing.T) {
	server := serve(t, newHandler(nil))
	for _, name := range []string{"-", "-a", "a-", "a%2Fb", "%2e%2e", "..%2f..", "a_b", "a.b", "%20", "%00", "%ff", "a%0Ab", "default%2Delb-", "abcdefghijklmnopqrstuvwxyz-0123456"} {
		t.Run(name, func(t *testing.T) {
			got := sendLine(t, server, "GET", "/elb/"+name, authorization)
			if got.StatusCode != http.StatusNotFound || !json.Valid([]byte(got.body)) {
				t.Errorf("answer is %d %s, want 404 in JSON", got.StatusCode, got.body)
			}
		})
	}
}

func TestAbsoluteTargetIsServed(t *testing.T) {
	server := serve(t, newHandler(newMemberships()))
	for _, target := range []string{"/elb/default-elb", "/elb/default-elb?", "/elb/default-elb?a=b", "/elb/default%2delb", "/%65lb/default-elb", "http://elsewhere/elb/default-elb"} {
		t.Run(target, func(t *testing.T) {
			if got := sendLine(t, server, "GET", target, authorization); got.StatusCode != http.StatusOK {
				t.Errorf("answer is %d %s, want 200", got.StatusCode, got.body)
			}
		})
	}
}

func TestMethodNotAllowedListsMethods(t *testing.T) {
	tests := map[string]struct {
		methods []string
		allow   string
	}{
		"/elb/default-elb": {[]string{"PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "BREW"}, "GET, HEAD, POST, DELETE"},
		"/v1/pools/elb/default-elb/members/i-5203422c": {[]string{"POST", "PATCH", "OPTIONS"}, "GET, HEAD, PUT, DELETE"},
		"/healthcheck":  {[]string{"POST", "DELETE", "OPTIONS"}, "GET, HEAD"},
		"/readyz":       {[]string{"POST"}, "GET, HEAD"},
		"/swagger.json": {[]string{"PUT"}, "GET, HEAD"},
		"/docs":         {[]string{"DELETE"}, "GET, HEAD"},
		"/docs/page.js": {[]string{"POST"}, "GET, HEAD"},
	}
	server := serve(t, newHandler(newMemberships()))
	for path, test := range tests {
		for _, method := range test.methods {
			t.Run(method+" "+path, func(t *testing.T) {
				got := sendLine(t, server, method, path, authorization)
				if got.StatusCode != http.StatusMethodNotAllowed {
					t.Fatalf("status is %d, want 405", got.StatusCode)
				}
				if allow := got.Header.Get("Allow"); allow != test.allow {
					t.Errorf("Allow is %q, want %q", allow, test.allow)
				}
				if method != http.MethodConnect && !json.Valid([]byte(got.body)) {
					t.Errorf("body is %q, want JSON", got.body)
				}
			})
		}
	}
}
