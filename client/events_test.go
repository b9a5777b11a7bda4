package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lsapi"
	"lsapi/client"
)

// streams answers with a text of a stream of events, then ends it; when hold, it
// stays open until the client goes.
func streams(text string, hold bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, text)
		w.(http.Flusher).Flush()
		if hold {
			<-r.Context().Done()
		}
	}
}

// take returns "id type" of the first events, or of those until the stream ends.
func take(ctx context.Context, c *client.Client, q client.EventsQuery, most int) (got []string, err error) {
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

const attached = "id: %s\nevent: attached\ndata: {\"type\":\"attached\",\n" + `data: "loadBalancer":"web-elb"}` + "\n\n"

func event(id string) string { return fmt.Sprintf(attached, id) }

func TestEventsAreToldAsTheyCome(t *testing.T) {
	s := serve(t, streams("id: 0\n\n: keep-alive\n\n"+event("1")+"retry: 5\r\nid:2\r\ndata:{\"type\":\"drained\"}\r\n\r\n", true))
	got, err := take(t.Context(), s.ask(t), client.EventsQuery{LoadBalancers: []string{"web-elb", "default-elb"}}, 2)
	if err != nil || !slices.Equal(got, []string{"1 attached", "2 drained"}) {
		t.Errorf("%q, %v", got, err)
	}
	if got := s.requests(); !slices.Equal(got, []string{"GET /v1/events?loadBalancer=web-elb&loadBalancer=default-elb"}) {
		t.Errorf("asked %v", got)
	}
}

func TestAStreamThatBreaksIsResumedBehindWhatWasTold(t *testing.T) {
	whole := event("3")
	s := serve(t,
		streams("id: begin\n\n", false),
		streams(event("1")+event("2")+whole[:len(whole)-1], false), // the third lacks its end
		cut,
		problem(http.StatusServiceUnavailable, "stopping", nil),
		streams(event("3")+"event: dropped\nid: 9\ndata: {\"type\":\"dropped\"}\n\n", false),
		streams(event("4"), true),
	)
	lost := 0
	got, err := take(t.Context(), s.ask(t), client.EventsQuery{Lost: func(error) { lost++ }}, 4)
	if err != nil || !slices.Equal(got, []string{"1 attached", "2 attached", "3 attached", "4 attached"}) {
		t.Errorf("%q, %v", got, err)
	}
	if got := s.headers("Last-Event-ID"); !slices.Equal(got, []string{"", "begin", "2", "2", "2", "3"}) {
		t.Errorf("resumed behind %q", got)
	}
	if lost != 3 {
		t.Errorf("told %d times that the stream was lost", lost)
	}
}

func TestAStreamBeginsBehindAnEventThatIsNamed(t *testing.T) {
	s := serve(t, streams(event("8"), true))
	if _, err := take(t.Context(), s.ask(t), client.EventsQuery{After: "7"}, 1); err != nil || s.headers("Last-Event-ID")[0] != "7" {
		t.Errorf("%v, behind %q", err, s.headers("Last-Event-ID"))
	}
}

func TestAStreamThatFallsSilentIsOpenedAnew(t *testing.T) {
	s := serve(t, streams(event("1"), true), streams(event("2"), true))
	c := s.ask(t)
	c.Hasten(patience, time.Second)
	var lost error
	got, err := take(t.Context(), c, client.EventsQuery{Lost: func(err error) { lost = err }}, 2)
	if err != nil || !slices.Equal(got, []string{"1 attached", "2 attached"}) || !errors.Is(lost, client.ErrUnreachable) {
		t.Errorf("%q, %v, lost by %v", got, err, lost)
	}
}

// Silence is the service's: while the caller does something with an event, nothing is
// read.
func TestACallerMayTakeItsTimeOverAnEvent(t *testing.T) {
	taken := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		streams(event("1"), false)(w, r)
		<-taken
		streams(event("2"), true)(w, r)
	})
	c := s.ask(t)
	c.Hasten(patience, 100*time.Millisecond)
	var got []string
	for e, err := range c.Events(t.Context(), client.EventsQuery{Lost: func(err error) { t.Errorf("lost by %v", err) }}) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, e.ID); len(got) == 2 {
			break
		}
		time.Sleep(300 * time.Millisecond) // longer than a silence may last
		close(taken)
	}
	if !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("got %q", got)
	}
}

func TestAStreamEndsForGood(t *testing.T) {
	for name, test := range map[string]struct {
		answers []http.HandlerFunc
		is      func(error) bool
		goesOn  bool // until it has been away for too long
	}{
		"of a load balancer that does not exist": {[]http.HandlerFunc{problem(404, "there is no such load balancer", nil)}, func(err error) bool { return client.ErrorCode(err) == lsapi.CodeNotFound }, false},
		"when it is deleted":                     {[]http.HandlerFunc{streams(event("1"), false), problem(404, "there is no such load balancer", nil)}, func(err error) bool { return client.ErrorCode(err) == lsapi.CodeNotFound }, false},
		"behind what is not on record":           {[]http.HandlerFunc{problem(410, "not on record any more", nil)}, func(err error) bool { return client.ErrorCode(err) == lsapi.CodeGone }, false},
		"of nobody":                              {[]http.HandlerFunc{cut}, func(err error) bool { return errors.Is(err, client.ErrUnreachable) }, false},
		"when the service stays away":            {[]http.HandlerFunc{streams(event("1"), false), cut}, func(err error) bool { return errors.Is(err, client.ErrUnreachable) }, true},
		"of what is not lsapi":                   {[]http.HandlerFunc{says(200, "hello")}, func(err error) bool { return errors.Is(err, client.ErrUnreachable) }, false},
		"with data that is no event":             {[]http.HandlerFunc{streams("data: {\n\n", false), cut}, func(err error) bool { return strings.Contains(err.Error(), "makes no sense") }, false},
		"with a line that has no end":            {[]http.HandlerFunc{streams("data: "+strings.Repeat("x", 2<<20), false), cut}, func(err error) bool { return strings.Contains(err.Error(), "makes no sense") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, test.answers...).ask(t)
			outage := patience
			if test.goesOn {
				outage = 50 * time.Millisecond
			}
			c.Hasten(outage, patience)
			if _, err := take(t.Context(), c, client.EventsQuery{}, 100); !test.is(err) {
				t.Errorf("it ends with %v", err)
			}
		})
	}
}

func TestAStreamEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := serve(t, streams(event("1"), true))
	for e, err := range s.ask(t).Events(ctx, client.EventsQuery{}) {
		if e.ID == "1" {
			cancel()
		} else if !errors.Is(err, context.Canceled) {
			t.Errorf("it ends with %v", err)
		}
	}
}

func TestAStreamThatIsNotWantedAnyMoreIsClosed(t *testing.T) {
	gone := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		streams(event("1"), true)(w, r)
		close(gone)
	})
	if _, err := take(t.Context(), s.ask(t), client.EventsQuery{}, 1); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone:
	case <-time.After(patience):
		t.Error("the connection stays")
	}
}
