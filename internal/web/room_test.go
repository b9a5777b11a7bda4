package web_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"lsapi/internal/web"
)

func TestSpareConnectionServesHealthChecksOnly(t *testing.T) {
	handler := handlerOf(web.Options{
		Membership: newMemberships(), Authenticator: alice{}, Spare: func(context.Context) bool { return true },
	})
	for path, want := range map[string]int{"/healthcheck": 200, "/readyz": 200, "/elb/default-elb": 503} {
		got := record(handler, http.MethodGet, path, "")
		if got.StatusCode != want || (got.Header.Get("Retry-After") != "") != (want == 503) || (got.Header.Get("Connection") == "close") != (want == 503) {
			t.Errorf("%s is %d %s, %v", path, got.StatusCode, got.body, got.Header)
		}
	}
}

// net/http would wait for the body until its timeout, and the connection would not be
// idle meanwhile.
func TestUnauthenticatedCallerIsAnsweredBeforeBody(t *testing.T) {
	server := serve(t, newHandler(newMemberships()))
	for request, want := range map[string]string{
		"POST /elb/default-elb":  "401",
		"POST /healthcheck":      "405",
		"GET /healthcheck":       "200",
		"POST /nowhere":          "404",
		"GET /docs":              "200",
		"DELETE /v1/nowhere/at/": "404",
	} {
		for _, body := range []string{"Content-Length: 1000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n5\r\n"} {
			conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second)) // less than a body may take
			io.WriteString(conn, request+" HTTP/1.1\r\nHost: lsapi\r\n"+body+"half")
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Errorf("%s: %v", request, err)
				continue
			}
			if got := response.Status[:3]; got != want || !response.Close {
				t.Errorf("%s is %s, and the connection closes: %v", request, got, response.Close)
			}
			if _, err := io.Copy(io.Discard, response.Body); err != nil {
				t.Errorf("%s: %v", request, err)
			}
			response.Body.Close()
			if n, err := conn.Read(make([]byte, 1)); err == nil {
				t.Errorf("%s: %d bytes follow", request, n)
			}
			conn.Close()
		}
	}
}

func TestAuthenticatedCallerKeepsConnection(t *testing.T) {
	server := serve(t, newHandler(newMemberships()))
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	reader := bufio.NewReader(conn)
	for range 2 {
		io.WriteString(conn, "GET /elb/default-elb HTTP/1.1\r\nHost: lsapi\r\nAuthorization: "+authorization+"\r\nContent-Length: 4\r\n\r\nbody")
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusOK || response.Close {
			t.Errorf("it is %d, and the connection closes: %v", response.StatusCode, response.Close)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Error(err)
		}
		response.Body.Close()
	}
}
