package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lsapi/internal/connlimit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve serves handler on a free port and returns the URL.
func serve(t *testing.T, work time.Duration, handler http.HandlerFunc) (*Server, string) {
	t.Helper()
	listener, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := Serve(listener, handler, work, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { server.Close() })
	return server, "http://" + server.Addr().String()
}

// get sends a request on a new connection.
func get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func TestStopLetsARequestFinish(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	server, url := serve(t, time.Minute, func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		io.WriteString(w, "done")
	})
	type result struct {
		body string
		err  error
	}
	answered := make(chan result, 1)
	go func() {
		body, err := get(t.Context(), url)
		answered <- result{body, err}
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- server.Stop(t.Context()) }()
	select {
	case err := <-stopped:
		t.Fatalf("Stop returned %v with a request in flight", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if got := <-answered; got.err != nil || got.body != "done" {
		t.Errorf("got %q, %v", got.body, got.err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestStopCutsOffSlowRequest(t *testing.T) {
	entered := make(chan struct{})
	server, url := serve(t, time.Minute, func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	answered := make(chan error, 1)
	go func() {
		_, err := get(t.Context(), url)
		answered <- err
	}()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := server.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := <-answered; err == nil {
		t.Error("the request was answered")
	}
}

func TestStopDoesNotWaitForClientsThatDoNotRead(t *testing.T) {
	listener, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	writing := make(chan struct{})
	server := Serve(connlimit.New(listener, 10, log), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(writing)
		_, _ = w.Write(make([]byte, 64<<20)) // more than the connection holds
	}), time.Minute, log)
	defer server.Close()
	server.unread = 100 * time.Millisecond
	client, err := net.Dial("tcp", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: lsapi\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-writing
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := server.Stop(ctx); err != nil {
		t.Errorf("Stop returned %v", err)
	}
}

func TestConnectionLimitLeavesFilesForAWS(t *testing.T) {
	for files, want := range map[uint64]int{1: 1, 16: 8, 64: 32, 200: 100, 1024: 924, math.MaxUint64: math.MaxInt32 - 100} {
		if got := connectionsWithin(files); got != want {
			t.Errorf("%d connections are taken with %d files, want %d", got, files, want)
		}
	}
}

func TestLowFileLimitIsLogged(t *testing.T) {
	for files, want := range map[uint64]bool{fewFiles - 1: true, fewFiles: false} {
		var log bytes.Buffer
		warnOfFew(files, 1, slog.New(slog.NewTextHandler(&log, nil)))
		if warned := strings.Contains(log.String(), "level=WARN"); warned != want {
			t.Errorf("with %d files the log says %q", files, &log)
		}
	}
}

func TestHandlerReceivesOptionsAsterisk(t *testing.T) {
	server, _ := serve(t, time.Minute, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RequestURI) })
	connection, err := net.Dial("tcp", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	io.WriteString(connection, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	answer, err := io.ReadAll(connection)
	if err != nil || !strings.HasSuffix(string(answer), "\r\n\r\n*") {
		t.Errorf("got %q, %v", answer, err)
	}
}

func TestFailedReportsLostListener(t *testing.T) {
	server, _ := serve(t, time.Minute, func(http.ResponseWriter, *http.Request) {})
	if err := server.listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-server.Failed(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestListenErrorNamesAddressAndCause(t *testing.T) {
	taken, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, tc := range map[string]struct{ address, says string }{
		"in use":       {taken.Addr().String(), "cannot listen on " + taken.Addr().String() + ": the port is in use"},
		"not ours":     {"192.0.2.1:80", "cannot listen on 192.0.2.1:80: cannot assign requested address"},
		"unknown":      {"nowhere.invalid:80", "cannot listen on nowhere.invalid:80: "},
		"no address":   {"80", "cannot listen on 80: "},
		"no such port": {"127.0.0.1:70000", "cannot listen on 127.0.0.1:70000: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Listen(t.Context(), tc.address)
			failure, ok := errors.AsType[*ListenError](err)
			if !ok || !strings.HasPrefix(failure.Error(), tc.says) || strings.Contains(failure.Error(), "\n") {
				t.Errorf("got %v", err)
			}
			if failure.InUse() != (name == "in use") {
				t.Errorf("in use: %v", failure.InUse())
			}
		})
	}
}
