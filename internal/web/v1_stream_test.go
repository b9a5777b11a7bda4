package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lsapi"
)

var wantsLines = http.Header{"Accept": {"application/x-ndjson"}}

func TestChangesAreNegotiated(t *testing.T) {
	const json, lines = "application/json", "application/x-ndjson"
	tests := []struct {
		name   string
		accept []string
		want   string
	}{
		{"nothing said", nil, json},
		{"anything", []string{"*/*"}, json},
		{"lines", []string{lines}, lines},
		{"lines in capitals", []string{"Application/X-NDJSON"}, lines},
		{"lines with a parameter", []string{lines + "; charset=utf-8"}, lines},
		{"both", []string{lines + ", " + json}, json},
		{"lines rather", []string{json + ";q=0.5, " + lines + ";q=0.9"}, lines},
		{"JSON rather", []string{lines + ";q=0.5," + json + ";q=0.9"}, json},
		{"lines, or anything", []string{lines + ", */*"}, lines},
		{"lines, or anything less", []string{"*/*;q=0.1", lines}, lines},
		{"anything but JSON", []string{"*/*, application/json;q=0"}, lines},
		{"no lines", []string{lines + ";q=0"}, json},
		{"no lines, but others of the kind", []string{"application/*, " + lines + ";q=0.0"}, json},
		{"another", []string{"text/csv"}, json},
		{"a browser's", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, json},
		{"no weight at all", []string{lines + ";q=x"}, json},
		{"no number", []string{lines + ";q=NaN"}, json},
		{"garbage", []string{";;,=,/," + lines + " x"}, json},
		{"far back in a list without end", []string{strings.Repeat("a/b,", 1000) + lines}, json},
	}
	handler := handlerOf(withRecord(filled(2)))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/v1/changes", http.NoBody)
			r.Header["Accept"] = test.accept
			got := do(handler, r)
			if got.Header.Get("Content-Type") != test.want || !strings.Contains(got.Header.Get("Vary"), "Accept") {
				t.Errorf("headers are %v, want %s", got.Header, test.want)
			}
		})
	}
}

func TestStreamHasOneChangePerLine(t *testing.T) {
	tests := []struct {
		changes, limit, want, questions int
	}{
		{0, 0, 0, 1}, {1, 0, 1, 1}, {999, 0, 999, 1}, {1000, 0, 1000, 2}, {2500, 0, 2500, 3},
		{2500, 1, 1, 1}, {2500, 1000, 1000, 1}, {10, 1000, 10, 1},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%d, limit %d", test.changes, test.limit), func(t *testing.T) {
			r := filled(test.changes)
			path := "/v1/changes"
			if test.limit > 0 {
				path += fmt.Sprintf("?limit=%d", test.limit)
			}
			got := send(t, serve(t, handlerOf(withRecord(r))), request{method: "GET", path: path, header: wantsLines})
			if got.StatusCode != http.StatusOK || strings.Count(got.body, "\n") != test.want || int(r.asked.Load()) != test.questions {
				t.Fatalf("answer is %d of %d lines after %d questions", got.StatusCode, strings.Count(got.body, "\n"), r.asked.Load())
			}
			next := test.changes - 1
			for line := range strings.Lines(got.body) {
				var change struct{ ID string }
				if err := json.Unmarshal([]byte(line), &change); err != nil || change.ID != r.changes[next].ID {
					t.Fatalf("the line is %s, want change %d", line, next)
				}
				next--
			}
		})
	}
}

func TestStreamAcceptsFiltersAndCursors(t *testing.T) {
	r := filled(12)
	_, next := readPage(t, get(t, r, "/v1/changes?actor=bob&limit=2"))
	got := send(t, serve(t, handlerOf(withRecord(r))), request{method: "GET", path: "/v1/changes?actor=bob&cursor=" + *next, header: wantsLines})
	if strings.Count(got.body, "\n") != 4 || strings.Contains(got.body, "alice") {
		t.Errorf("the stream is %s", got.body)
	}
	checkGolden(t, "stream.ndjson", got.body)
}

func TestFailedStreamIsCutOff(t *testing.T) {
	for name, failure := range map[string]error{
		"the record is away": &lsapi.Error{Code: lsapi.CodeUnavailable, Err: errors.New("secret cause")},
		"a defect":           errors.New("secret cause"),
	} {
		t.Run(name, func(t *testing.T) {
			r := filled(2500)
			r.fail = func(_ context.Context, question int) error {
				if question == 3 {
					return failure
				}
				return nil
			}
			var log accessLog
			options := withRecord(r)
			options.Log = log.logger()
			server := serve(t, handlerOf(options))
			result := open(t, server, t.Context())
			body, err := io.ReadAll(result.Body)
			result.Body.Close()
			if err == nil {
				t.Errorf("the client takes %d bytes for all there is", len(body))
			}
			if lines := strings.Count(string(body), "\n"); lines != 2000 || strings.Contains(string(body), "secret") {
				t.Errorf("the client got %d lines, want the 2000 before the error", lines)
			}
			server.Close() // then the log is complete
			line := log.only(t)
			if line["status"] != 503. && line["status"] != 500. || !strings.Contains(log.String(), "request failed") || !strings.Contains(log.String(), "secret cause") {
				t.Errorf("the log is %s", log.String())
			}
		})
	}
}

// open returns as soon as the stream has begun.
func open(t *testing.T, server *httptest.Server, ctx context.Context) *http.Response { //nolint:revive // a test comes first
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/v1/changes", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	r.Header.Set("Accept", "application/x-ndjson")
	result, err := server.Client().Transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// flushes is a ResponseWriter that counts them.
type flushes struct {
	*httptest.ResponseRecorder
	count int
}

func (f *flushes) Flush() { f.count++ }

func TestStreamSendsPageBeforeReadingNext(t *testing.T) {
	w := &flushes{ResponseRecorder: httptest.NewRecorder()}
	r := filled(2500)
	r.fail = func(_ context.Context, question int) error {
		if w.count != question-1 {
			t.Errorf("%d pages are flushed before page %d", w.count, question)
		}
		return nil
	}
	request := httptest.NewRequest(http.MethodGet, "/v1/changes", http.NoBody)
	request.Header = http.Header{"Authorization": {authorization}, "Accept": wantsLines["Accept"]}
	handlerOf(withRecord(r)).ServeHTTP(w, request)
	if w.count != 3 {
		t.Errorf("there are %d flushes, want 3", w.count)
	}
}

func TestStreamEndsWhenClientLeaves(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	r := filled(100_000)
	left := make(chan struct{})
	r.fail = func(ctx context.Context, question int) error {
		if question < 3 {
			return nil
		}
		close(left) // a second time would be a question after the client has gone
		<-ctx.Done()
		return ctx.Err()
	}
	var log accessLog
	options := withRecord(r)
	options.Log = log.logger()
	options.RequestTimeout = time.Hour
	server := httptest.NewServer(handlerOf(options))
	ctx, leave := context.WithCancel(t.Context())
	result := open(t, server, ctx)
	reader := bufio.NewReader(result.Body)
	for range 2000 {
		if _, err := reader.ReadString('\n'); err != nil {
			t.Fatal(err) // a page is sent before the next one is asked for
		}
	}
	<-left
	leave()
	result.Body.Close()
	server.Close() // waits for the handler
	if asked := r.asked.Load(); asked != 3 {
		t.Errorf("the record was asked %d times, want 3", asked)
	}
	if line := log.only(t); line["status"] != 499. || strings.Contains(log.String(), "request failed") {
		t.Errorf("the log is %s", log.String())
	}
	server.Client().CloseIdleConnections()
}

func TestUnreadStreamIsNoFailure(t *testing.T) {
	var log accessLog
	var status int
	options := withRecord(filled(100_000)) // more than the connection holds
	options.Log = log.logger()
	options.Observe = func(_, _ string, s int, _ time.Duration) { status = s }
	server := serve(t, handlerOf(options))
	open(t, server, t.Context()).Body.Close()
	server.Close() // waits for the handler
	if line := log.only(t); line["status"] != 499. || strings.Contains(log.String(), "request failed") {
		t.Errorf("the log is %s", log.String())
	}
	if status != http.StatusOK {
		t.Errorf("the metrics get %d, want the status that was sent", status)
	}
}

// A stop cuts off each stream at once: one that is not read, one that is read, and one that
// waits in the queue.
func TestStopEndsStreams(t *testing.T) {
	const streams = 20 // of which 16 are not in the queue
	stopping, stop := context.WithCancel(t.Context())
	defer stop()
	options := withRecord(filled(50_000))
	options.Stopping = stopping
	server := serve(t, handlerOf(options))
	var ended sync.WaitGroup
	for i := range streams {
		ended.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v1/changes", http.NoBody) //nolint:contextcheck // the other context is of the service
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Authorization", authorization)
			r.Header.Set("Accept", "application/x-ndjson")
			result, err := server.Client().Do(r)
			if err != nil {
				return // cut off before the first page
			}
			defer result.Body.Close()
			if i%2 == 0 {
				<-stopping.Done()
				time.Sleep(3 * time.Second)
			}
			body, err := io.ReadAll(result.Body)
			switch {
			case result.StatusCode == http.StatusServiceUnavailable:
			case result.StatusCode != http.StatusOK || err == nil && strings.Count(string(body), "\n") != 50_000:
				t.Errorf("a stream is %d with %d lines, and ends with %v", result.StatusCode, strings.Count(string(body), "\n"), err)
			}
		})
	}
	time.Sleep(500 * time.Millisecond) // the streams are at different places
	began := time.Now()
	stop()
	if err := server.Config.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the stop took %v", took)
	}
	ended.Wait()
}

func TestStreamOutlastsServerTimeouts(t *testing.T) {
	const timeout = 200 * time.Millisecond
	r := filled(4500)
	r.fail = func(ctx context.Context, _ int) error {
		select {
		case <-time.After(timeout / 2):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	server := httptest.NewUnstartedServer(handlerOf(withRecord(r)))
	server.Config.ReadTimeout, server.Config.WriteTimeout = timeout, timeout
	server.Start()
	defer server.Close()
	result := open(t, server, t.Context())
	defer result.Body.Close()
	body, err := io.ReadAll(result.Body)
	if lines := strings.Count(string(body), "\n"); err != nil || lines != 4500 {
		t.Errorf("the client got %d lines, and %v", lines, err)
	}
}

func TestStreamHoldsOnePage(t *testing.T) {
	const pages = 100
	r := filled(pages * 1000)
	var before, during runtime.MemStats
	var peak uint64
	runtime.GC()
	runtime.ReadMemStats(&before)
	r.fail = func(_ context.Context, question int) error {
		if question%20 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&during)
			peak = max(peak, during.HeapAlloc)
		}
		return nil
	}
	server := serve(t, handlerOf(withRecord(r)))
	result := open(t, server, t.Context())
	defer result.Body.Close()
	length, err := io.Copy(io.Discard, result.Body)
	if err != nil {
		t.Fatal(err)
	}
	const bound = 8 << 20
	if grown := int64(peak) - int64(before.HeapAlloc); peak == 0 || length < 20<<20 || grown > bound {
		t.Errorf("%d bytes of body took up to %d bytes of memory, want at most %d", length, grown, bound)
	}
}
