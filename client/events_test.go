package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/client"
)

// stream responds with the text of an event stream and ends it, or, with hold, keeps it
// open until the client disconnects.
func stream(text string, hold bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, text)
		w.(http.Flusher).Flush()
		if hold {
			<-r.Context().Done()
		}
	}
}

// collect returns "id type" of the first events, or of all until the stream ends.
func collect(ctx context.Context, c *client.Client, q client.EventsQuery, most int) (got []string, err error) {
	for e, err := range c.Events(ctx, q) {
		if err != nil {
			return got, err
		}
		if got = append(got, e.ID+" "+e.Type); len(got) == most {
			break
		}
	}
	return got, nil
}

const attached = "id: %s\nevent: attached\ndata: {\"type\":\"attached\",\n" + `data: "pool":"elb/web-elb"}` + "\n\n"

func event(id string) string { return fmt.Sprintf(attached, id) }

func TestEventsYieldsEventsAsTheyArrive(t *testing.T) {
	s := serve(t, stream("id: 0\n\n: keep-alive\n\n"+event("1")+"retry: 5\r\nid:2\r\ndata:{\"type\":\"drained\"}\r\n\r\n", true))
	got, err := collect(t.Context(), s.client(t), client.EventsQuery{
		Pools: []lsapi.PoolID{webELB, lsapi.ELB("default-elb")}, Members: []lsapi.MemberID{webMember}, Instances: []string{"i-5203422c"},
	}, 2)
	if err != nil || !slices.Equal(got, []string{"1 attached", "2 drained"}) {
		t.Errorf("%q, %v", got, err)
	}
	if got := s.requests(); !slices.Equal(got, []string{"GET /v1/events?instance=i-5203422c&member=" + instance + "&pool=elb%2Fweb-elb&pool=elb%2Fdefault-elb"}) {
		t.Errorf("received %v", got)
	}
}

func TestBrokenStreamResumesAfterLastEvent(t *testing.T) {
	whole := event("3")
	s := serve(t,
		stream("id: begin\n\n", false),
		stream(event("1")+event("2")+whole[:len(whole)-1], false), // the third lacks its end
		abort,
		problem(http.StatusServiceUnavailable, "stopping", nil),
		stream(event("3")+"event: dropped\nid: 9\ndata: {\"type\":\"dropped\"}\n\n", false),
		stream(event("4"), true),
	)
	reconnects := 0
	got, err := collect(t.Context(), s.client(t), client.EventsQuery{OnReconnect: func(error) { reconnects++ }}, 4)
	if err != nil || !slices.Equal(got, []string{"1 attached", "2 attached", "3 attached", "4 attached"}) {
		t.Errorf("%q, %v", got, err)
	}
	if got := s.headers("Last-Event-ID"); !slices.Equal(got, []string{"", "begin", "2", "2", "2", "3"}) {
		t.Errorf("resumed after %q", got)
	}
	if reconnects != 3 {
		t.Errorf("OnReconnect was called %d times", reconnects)
	}
}

func TestStreamStartsAfterGivenEvent(t *testing.T) {
	s := serve(t, stream(event("8"), true))
	if _, err := collect(t.Context(), s.client(t), client.EventsQuery{After: "7"}, 1); err != nil || s.headers("Last-Event-ID")[0] != "7" {
		t.Errorf("%v, after %q", err, s.headers("Last-Event-ID"))
	}
}

// pipe is a transport whose responses are event streams that the test writes.
type pipe struct{ connected chan *io.PipeWriter }

func (p pipe) RoundTrip(r *http.Request) (*http.Response, error) {
	reader, writer := io.Pipe()
	context.AfterFunc(r.Context(), func() { writer.CloseWithError(r.Context().Err()) })
	p.connected <- writer
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: reader}, nil
}

// newPipe returns a client with the default limits, for tests on a fake clock.
func newPipe(t *testing.T) (*client.Client, pipe) {
	t.Helper()
	p := pipe{make(chan *io.PipeWriter, 1)}
	c, err := client.New(client.Options{URL: "http://127.0.0.1", Transport: p})
	if err != nil {
		t.Fatal(err)
	}
	return c, p
}

func TestSilentStreamIsReopened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newPipe(t)
		go func() {
			first := <-p.connected
			io.WriteString(first, event("1"))
			for range 4 {
				time.Sleep(15 * time.Second)
				io.WriteString(first, ": keep-alive\n\n")
			}
			io.WriteString(<-p.connected, event("2")) // after a silence
		}()
		began := time.Now()
		var reason error
		got, err := collect(t.Context(), c, client.EventsQuery{OnReconnect: func(err error) { reason = err }}, 2)
		if err != nil || !slices.Equal(got, []string{"1 attached", "2 attached"}) || !errors.Is(reason, client.ErrUnreachable) {
			t.Errorf("%q, %v, reopened for %v", got, err, reason)
		}
		if took := time.Since(began); took < 110*time.Second || took > 111*time.Second {
			t.Errorf("the stream was reopened after %s, want 50 s of silence after 60 s of keep-alives", took)
		}
	})
}

func TestSlowCallerDoesNotBreakTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newPipe(t)
		handled := make(chan struct{})
		go func() {
			writer := <-p.connected
			io.WriteString(writer, event("1"))
			<-handled
			io.WriteString(writer, event("2"))
		}()
		var got []string
		for e, err := range c.Events(t.Context(), client.EventsQuery{OnReconnect: func(err error) { t.Errorf("reopened for %v", err) }}) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, e.ID); len(got) == 2 {
				break
			}
			time.Sleep(time.Hour)
			close(handled)
		}
		if !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("got %q", got)
		}
	})
}

// An id with a NUL is ignored; a message without an id has the last one.
func TestEventHasTheLastValidID(t *testing.T) {
	s := serve(t, stream(event("1")+event("2\x00")+"data: {\"type\":\"drained\"}\n\n", false), stream(event("3"), true))
	got, err := collect(t.Context(), s.client(t), client.EventsQuery{}, 4)
	if err != nil || !slices.Equal(got, []string{"1 attached", "1 attached", "1 drained", "3 attached"}) {
		t.Errorf("%q, %v", got, err)
	}
	if got := s.headers("Last-Event-ID"); !slices.Equal(got, []string{"", "1"}) {
		t.Errorf("resumed after %q", got)
	}
}

func TestStreamEndsWithError(t *testing.T) {
	for name, test := range map[string]struct {
		handlers    []http.HandlerFunc
		is          func(error) bool
		shortOutage bool
	}{
		"of a load balancer that does not exist": {[]http.HandlerFunc{problem(404, "there is no such load balancer", nil)}, func(err error) bool { return client.ErrorCode(err) == lsapi.CodeNotFound }, false},
		"when it is deleted":                     {[]http.HandlerFunc{stream(event("1"), false), problem(404, "there is no such load balancer", nil)}, func(err error) bool { return client.ErrorCode(err) == lsapi.CodeNotFound }, false},
		"after an event that is not on record":   {[]http.HandlerFunc{problem(410, "not on record any more", nil)}, func(err error) bool { return client.ErrorCode(err) == lsapi.CodeGone }, false},
		"when the first connection fails":        {[]http.HandlerFunc{abort}, func(err error) bool { return errors.Is(err, client.ErrUnreachable) }, false},
		"when the service stays away":            {[]http.HandlerFunc{stream(event("1"), false), abort}, func(err error) bool { return errors.Is(err, client.ErrUnreachable) }, true},
		"of another server":                      {[]http.HandlerFunc{respond(200, "hello")}, func(err error) bool { return errors.Is(err, client.ErrUnreachable) }, false},
		"with malformed data":                    {[]http.HandlerFunc{stream("data: {\n\n", false), abort}, func(err error) bool { return strings.Contains(err.Error(), "malformed") }, false},
		"with a line without an end":             {[]http.HandlerFunc{stream("data: "+strings.Repeat("x", 2<<20), false), abort}, func(err error) bool { return strings.Contains(err.Error(), "malformed") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, test.handlers...).client(t)
			outage := testTimeout
			if test.shortOutage {
				outage = 50 * time.Millisecond
			}
			c.Shorten(outage, testTimeout)
			if _, err := collect(t.Context(), c, client.EventsQuery{}, 100); !test.is(err) {
				t.Errorf("it ends with %v", err)
			}
		})
	}
}

func TestStreamEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := serve(t, stream(event("1"), true))
	for e, err := range s.client(t).Events(ctx, client.EventsQuery{}) {
		if e.ID == "1" {
			cancel()
		} else if !errors.Is(err, context.Canceled) {
			t.Errorf("it ends with %v", err)
		}
	}
}

func TestStoppedStreamClosesItsConnection(t *testing.T) {
	closed := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		stream(event("1"), true)(w, r)
		close(closed)
	})
	if _, err := collect(t.Context(), s.client(t), client.EventsQuery{}, 1); err != nil {
		t.Fatal(err)
	}
	select {
	case <-closed:
	case <-time.After(testTimeout):
		t.Error("the connection stays open")
	}
}
