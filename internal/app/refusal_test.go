package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lsapi/internal/app"
	"lsapi/internal/auth"
	"lsapi/internal/web"
	"lsapi/internal/web/elb"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// served is a service whose requests are counted by route, method and status.
func served(t *testing.T, envelope elb.Envelope) (address string, log *lines, counted chan string) {
	t.Helper()
	authenticator, err := auth.New(auth.Options{Token: "ZGVtbzpkZW1v"})
	if err != nil {
		t.Fatal(err)
	}
	log, counted = &lines{}, make(chan string, 10)
	handler := web.New(web.Options{
		Authenticator: authenticator, Envelope: envelope, Stopping: t.Context(),
		Expect: func(string, string) {}, Spare: func(context.Context) bool { return false },
		Log: slog.New(slog.NewJSONHandler(log, nil)),
		Observe: func(route, method string, status int, _ time.Duration) {
			counted <- fmt.Sprint(route, " ", method, " ", status)
		},
	})
	listener, err := app.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := app.Serve(listener, handler, time.Minute, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { server.Close() })
	return server.Addr().String(), log, counted
}

// net/http responds to these by itself, in plain text and without a line in the log.
func TestUnparsableRequestIsAnsweredAndLoggedAsAnyOther(t *testing.T) {
	const get, host, end = "GET /elb/x HTTP/1.1\r\n", "Host: lsapi\r\n", "\r\n\r\n"
	tests := map[string]struct {
		request, says string
		status        int
	}{
		"path with a wrong escape": {"GET /elb/%zz HTTP/1.1\r\n" + host + end, "Bad Request", 400},
		"no Host":                  {get + end, "missing required Host header", 400},
		"two Hosts":                {get + host + host + end, "Bad Request", 400},
		"wrong field":              {get + host + "a b: c" + end, "invalid header name", 400},
		"negative length":          {"POST /elb/x HTTP/1.1\r\n" + host + "Content-Length: -1" + end, "Bad Request", 400},
		"unknown coding":           {"POST /elb/x HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip" + end, "transfer encoding", 501},
		"unknown expectation":      {get + host + "Expect: much" + end, "Expectation Failed", 417},
		"other version":            {"GET /elb/x HTTP/3.0\r\n" + host + end, "unsupported protocol version", 505},
		"header beyond the limit":  {get + host + "X: " + strings.Repeat("x", 40<<10) + end, "Request Header Fields Too Large", 431},
		"no HTTP":                  {"\x16\x03\x01 ?\r\n\r\n", "Bad Request", 400},
		"after another request":    {"GET /healthcheck HTTP/1.1\r\n" + host + "\r\n" + "GET /elb/%zz HTTP/1.1\r\n" + host + end, "Bad Request", 400},
	}
	for name, test := range tests {
		for _, envelope := range []elb.Envelope{elb.EnvelopeMessage, elb.EnvelopeNone} {
			t.Run(fmt.Sprint(name, " ", envelope), func(t *testing.T) {
				address, log, counted := served(t, envelope)
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
				if _, err := io.WriteString(conn, test.request); err != nil {
					t.Fatal(err)
				}
				reader := bufio.NewReader(conn)
				if strings.Contains(test.request, "/healthcheck") {
					first := readResponse(t, reader)
					defer first.Body.Close()
					if _, err := io.Copy(io.Discard, first.Body); err != nil || first.StatusCode != http.StatusOK {
						t.Fatalf("the first response is %s, %v", first.Status, err)
					}
					<-counted
				}
				got := readResponse(t, reader)
				defer got.Body.Close()
				body, err := io.ReadAll(got.Body)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, conn) // net/http ends a while after some of its responses
				var value map[string]string
				field := map[elb.Envelope]string{elb.EnvelopeMessage: "message", elb.EnvelopeNone: "error"}[envelope]
				if err := json.Unmarshal(body, &value); err != nil || len(value) != 1 || !strings.Contains(value[field], test.says) {
					t.Errorf("the body is %s", body)
				}
				id := got.Header.Get("X-Request-Id")
				if got.StatusCode != test.status || id == "" || got.Header.Get("X-Error-Code") != "invalid" || !got.Close || got.Header.Get("Content-Type") != "application/json" {
					t.Errorf("the response is %s %v", got.Status, got.Header)
				}
				if want := fmt.Sprintf("other other %d", test.status); <-counted != want {
					t.Errorf("it is not counted as %s", want)
				}
				if want := fmt.Sprintf(`"status":%d,"method":"-","path":"-","client":"127.0.0.1",`, test.status); !strings.Contains(log.String(), want) || !strings.Contains(log.String(), id) {
					t.Errorf("the log is %s", log.String())
				}
			})
		}
	}
}

func readResponse(t *testing.T, reader *bufio.Reader) *http.Response {
	t.Helper()
	got, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.ContentLength < 0 {
		t.Errorf("the length is not known: %v", got.Header)
	}
	return got
}
