package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// event is a server-sent event.
type event struct {
	id, name string
	data     struct {
		Type, Pool, Member, Detail string
		Draining                   bool
		At                         time.Time
		Change                     *change
		Health                     *struct{ State, Description string }
	}
}

func (e event) String() string {
	text := e.name + " " + strings.TrimPrefix(e.data.Pool, "elb/") + " " + e.data.Member
	if e.data.Health != nil {
		text += " " + e.data.Health.State
	}
	return text
}

// stream is an open stream of events.
type stream struct {
	t      *testing.T
	status int
	lines  *bufio.Scanner
	end    func()
}

// events opens a stream. All events after its return are delivered.
func (c client) events(query, lastEventID string) *stream {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	c.t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/v1/events"+query, http.NoBody)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Authorization", c.authorization)
	if lastEventID != "" {
		request.Header.Set("Last-Event-ID", lastEventID)
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { answer.Body.Close() })
	s := &stream{t: c.t, status: answer.StatusCode, lines: bufio.NewScanner(answer.Body), end: func() { cancel(); answer.Body.Close() }}
	if answer.StatusCode == http.StatusOK && answer.Header.Get("Content-Type") != "text/event-stream" {
		c.t.Errorf("the stream is %s", answer.Header.Get("Content-Type"))
	}
	return s
}

// next returns the next event.
func (s *stream) next() event {
	s.t.Helper()
	timer := time.AfterFunc(testTimeout, s.end)
	defer timer.Stop()
	var e event
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case s.lines.Text() == "" && e.name != "":
			return e
		case name == "id":
			e.id = value
		case name == "event":
			e.name = value
		case name == "data":
			e.data = decodeInto(s.t, value, e.data)
		}
	}
	s.t.Fatalf("the stream has ended: %v", s.lines.Err())
	return e
}

func decodeInto[T any](t *testing.T, text string, _ T) T {
	t.Helper()
	return decoded[T](t, text)
}

// until returns the events up to and including the described one.
func (s *stream) until(last string) []event {
	s.t.Helper()
	var all []event
	for {
		e := s.next()
		all = append(all, e)
		if e.String() == last {
			return all
		}
	}
}

func TestStreamDeliversEvents(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startSlow(t, "2s", "3s", at(store))
		all, filtered, other := s.events("", ""), s.events("?pool=elb/slow-elb", ""), s.events("?pool=elb/slow-elb", "")
		other.end()
		attached := s.attachAndWait(slowSpare, "60s")
		for _, watching := range []*stream{all, filtered} {
			first := watching.until("attached slow-elb " + slowSpare)
			if e := first[len(first)-1]; e.data.Change == nil || e.data.Change.ID != attached.changeID(t) || e.data.Change.Actor != user {
				t.Errorf("the event is %+v", e.data)
			}
			watching.until("health slow-elb " + slowSpare + " InService")
		}
		s.detachAndWait(slowSpare, "60s")
		for _, watching := range []*stream{all, filtered} {
			delivered := watching.until("drained slow-elb " + slowSpare)
			var text strings.Builder
			for _, e := range delivered {
				fmt.Fprintf(&text, "%v %v\n", e, e.data.Draining)
			}
			if !strings.Contains(text.String(), "detached slow-elb "+slowSpare) || !strings.Contains(text.String(), "health slow-elb "+slowSpare+" InService true") {
				t.Errorf("until it is drained the events are\n%s", &text)
			}
		}
		a.register("slow-elb", slowFailing)
		drift := all.until("drift slow-elb " + slowFailing)
		if e := drift[len(drift)-1]; e.data.Change == nil || e.data.Change.Source != "external" || e.data.Change.Action != "attach" {
			t.Errorf("an external change is %+v", e.data)
		}
		verify(t, store)
	})
}

// The members of a deleted load balancer are gone: the record has that, and a stream of
// the load balancer still delivers it.
func TestDeletedLoadBalancerIsDrift(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		a, s := startBoth(t, at(store))
		watching := s.events("?pool=elb/default-elb", "")
		s.attach("default-elb", spare)
		delivered := watching.until("attached default-elb " + spare)
		a.do("DeleteLoadBalancer", "LoadBalancerName=default-elb")
		watching.until("drift default-elb " + spare)
		s.events("?pool=elb/default-elb", delivered[len(delivered)-1].id).until("drift default-elb " + spare)
		verify(t, store)
	})
}

// A stream that breaks anywhere and resumes on any replica delivers every event once.
func TestResumedStreamLosesAndRepeatsNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		_, s := startBoth(t, at(store))
		whole := s.events("", "")
		const rounds = 10
		for range rounds {
			s.attach("default-elb", spare)
			s.attach("web-elb", otherSpare)
			s.detach("default-elb", spare)
			s.detach("web-elb", otherSpare)
		}
		var want []string
		var ids []string
		changes := 0
		for changes < 4*rounds {
			e := whole.next()
			want, ids = append(want, e.id+" "+e.String()), append(ids, e.id)
			if e.name == "attached" || e.name == "detached" {
				changes++
			}
		}
		for _, cutAt := range []int{0, 1, len(ids) / 2, len(ids) - 2} {
			resumed := s.events("", ids[cutAt])
			for _, expected := range want[cutAt+1:] {
				e := resumed.next()
				if got := e.id + " " + e.String(); got != expected {
					t.Fatalf("resumed behind %s: got %s, want %s", ids[cutAt], got, expected)
				}
			}
			resumed.end()
		}
		if answer := s.send(http.MethodGet, "/v1/events", "", "Last-Event-ID: nonsense"); answer.status != http.StatusBadRequest || !strings.Contains(answer.body, "Last-Event-ID") {
			t.Errorf("a malformed id is %d: %s", answer.status, answer.body)
		}
	})
}

func TestStreamDeliversEventsOfOtherReplicas(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, nil)
	watching := c.replicas[1].client().events("", "")
	c.replicas[0].client().attach("default-elb", spare)
	delivered := watching.until("attached default-elb " + spare)
	watching.end()
	c.replicas[0].client().detach("default-elb", spare)
	c.replicas[0].client().events("", delivered[len(delivered)-1].id).until("detached default-elb " + spare)
}

func TestStreamOfMissingLoadBalancerIsNotFound(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	if watching := s.events("?pool=elb/no-such-elb", ""); watching.status != http.StatusNotFound {
		t.Errorf("it is %d", watching.status)
	}
	if answer := s.anonymous().get("/v1/events"); answer.status != http.StatusUnauthorized {
		t.Errorf("without credentials it is %d", answer.status)
	}
}

func TestStopEndsStreams(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	watching := s.events("", "")
	if status := s.stop(); status != 0 {
		t.Errorf("it stops with %d", status)
	}
	for watching.lines.Scan() { // to its end
	}
	if err := watching.lines.Err(); err != nil {
		t.Errorf("the stream ends with %v", err)
	}
}
