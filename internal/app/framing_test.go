package app

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// requestsIn sends text on one connection. It returns the response and the paths of the
// requests that the handler received.
func requestsIn(t *testing.T, text string) (answer string, paths []string) {
	t.Helper()
	var mu sync.Mutex
	server, _ := serve(t, time.Minute, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		paths = append(paths, r.URL.Path)
		fmt.Fprintf(w, "body %q", body)
	})
	conn, err := net.Dial("tcp", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	all, err := io.ReadAll(conn)
	if err != nil && len(all) == 0 { // a reset may follow an answer
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	return string(all), paths
}

// Readers may disagree on where a request with ambiguous framing ends. The following
// bytes must not become a request that a proxy in front did not receive.
func TestAmbiguousFramingClosesConnection(t *testing.T) {
	const chunked = "5\r\nhello\r\n0\r\n\r\n"
	for name, test := range map[string]struct{ fields, body, status string }{
		"length, then chunks":     {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunked, "200"},
		"chunks, then length":     {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunked, "200"},
		"chunks alone":            {"Transfer-Encoding: chunked\r\n", chunked, "200"},
		"chunks, folded":          {"Content-Length: 5\r\nTransfer-Encoding:\r\n chunked\r\n", chunked, "200"},
		"chunks in capitals":      {"Content-Length: 5\r\nTransfer-Encoding: CHUNKED\r\n", chunked, "200"},
		"no such coding":          {"Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n", chunked, "501"},
		"two codings":             {"Transfer-Encoding: gzip, chunked\r\n", chunked, "501"},
		"identity":                {"Content-Length: 5\r\nTransfer-Encoding: identity\r\n", "hello", "501"},
		"two fields":              {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunked, "501"},
		"two lengths":             {"Content-Length: 5\r\nContent-Length: 6\r\n", "hello", "400"},
		"two lengths in one":      {"Content-Length: 5, 6\r\n", "hello", "400"},
		"a length with a sign":    {"Content-Length: +5\r\n", "hello", "400"},
		"a negative length":       {"Content-Length: -5\r\n", "hello", "400"},
		"no number":               {"Content-Length: 0x5\r\n", "hello", "400"},
		"a space before a colon":  {"Content-Length : 5\r\n", "hello", "400"},
		"a bare CR":               {"X: a\rContent-Length: 5\r\n", "hello", "400"},
		"a zero":                  {"X: a\x00b\r\nContent-Length: 5\r\n", "hello", "400"},
		"no colon":                {"Content-Length\r\n", "hello", "400"},
		"a chunk with a bare LF":  {"Transfer-Encoding: chunked\r\n", "5\nhello\r\n0\r\n\r\n", "400"},
		"a chunk that is shorter": {"Transfer-Encoding: chunked\r\n", "6\r\nhello\r\n0\r\n\r\n", "400"},
		"a chunk with a sign":     {"Transfer-Encoding: chunked\r\n", "+5\r\nhello\r\n0\r\n\r\n", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			answer, paths := requestsIn(t, "POST /first HTTP/1.1\r\nHost: lsapi\r\n"+test.fields+"\r\n"+test.body+"GET /second HTTP/1.1\r\nHost: lsapi\r\n\r\n")
			if !strings.HasPrefix(answer, "HTTP/1.1 "+test.status) || strings.Count(answer, "HTTP/1.1 ") != 1 || !strings.Contains(answer, "Connection: close") {
				t.Errorf("the response is %s", answer)
			}
			if len(paths) > 1 || len(paths) == 1 && (paths[0] != "/first" || test.status != "200") {
				t.Errorf("requests for %v are handled", paths)
			}
		})
	}
}

// RFC 9112, sections 2.2 and 5.2, and RFC 9110, section 8.6, define one meaning.
func TestUnambiguousFramingKeepsConnection(t *testing.T) {
	for name, fields := range map[string]string{
		"a length":               "Content-Length: 5\r\n",
		"the same length twice":  "Content-Length: 5\r\nContent-Length: 5\r\n",
		"a folded field":         "X: a\r\n b\r\nContent-Length: 5\r\n",
		"lines that end with LF": "X: a\nContent-Length: 5\n",
	} {
		t.Run(name, func(t *testing.T) {
			answer, paths := requestsIn(t, "POST /first HTTP/1.1\r\nHost: lsapi\r\n"+fields+"\r\nhelloGET /second HTTP/1.1\r\nHost: lsapi\r\n\r\n")
			if fmt.Sprint(paths) != "[/first /second]" || !strings.Contains(answer, `body "hello"`) || strings.Contains(answer, "Connection: close") {
				t.Errorf("requests for %v are handled, and the response is %s", paths, answer)
			}
		})
	}
}
