package web_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/events"
	v1 "lsapi/internal/web/v1"
)

// happenings is an events.Record in memory.
type happenings struct {
	mu     sync.Mutex
	events []lsapi.RecordedEvent
	news   chan struct{}
	fail   error
}

func newStory() *happenings { return &happenings{news: make(chan struct{})} }

func exists(_ context.Context, pool lsapi.PoolID) error {
	if pool == lsapi.ELB("default-elb") {
		return nil
	}
	return lsapi.Errorf(lsapi.CodeNotFound, "there is no load balancer named %s", pool)
}

func (h *happenings) add(kind lsapi.EventKind, tell func(*lsapi.RecordedEvent)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := lsapi.RecordedEvent{Position: lsapi.Position{Minor: int64(len(h.events) + 1)}, Pool: lsapi.ELB("default-elb")}
	e.Event.Kind, e.Event.At = kind, epoch
	tell(&e)
	h.events = append(h.events, e)
	close(h.news)
	h.news = make(chan struct{})
}

// change records the outcome of an attach.
func (h *happenings) change(outcome lsapi.Outcome, reason string) {
	h.add(lsapi.EventCompleted, func(e *lsapi.RecordedEvent) {
		e.Event.Change = lsapi.Change{ID: "01a20ee8-6140-7a11-8000-0123456789ab", Action: lsapi.Attach, Member: lsapi.InstanceMember("i-5203422c"), Outcome: outcome, Actor: "alice", Reason: reason}
	})
}

func (h *happenings) Events(_ context.Context, after lsapi.Position, limit int) ([]lsapi.RecordedEvent, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail != nil {
		return nil, h.fail
	}
	from := min(int(after.Minor), len(h.events))
	return slices.Clone(h.events[from:min(from+limit, len(h.events))]), nil
}

func (h *happenings) End(context.Context) (lsapi.Position, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return lsapi.Position{Minor: int64(len(h.events))}, h.fail
}

func (h *happenings) News(ctx context.Context, after lsapi.Position) error {
	for {
		h.mu.Lock()
		news, behind := h.news, int64(len(h.events)) > after.Minor
		h.mu.Unlock()
		if behind {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
		}
	}
}

// watched is a server with events made by a test.
func watched(t *testing.T) (*happenings, *events.Hub, *httptest.Server) {
	t.Helper()
	h := newStory()
	o := withRecord(filled(1))
	o.Events = events.New(events.Options{Record: h, Encode: v1.EncodeEvent})
	server := serve(t, handlerOf(o))
	t.Cleanup(func() {
		if err := o.Events.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h, o.Events, server
}

// head is the head of a stream's response.
type head struct {
	status int
	header http.Header
}

// watch opens a stream and returns its head, and the lines of it.
func watch(t *testing.T, server *httptest.Server, query, lastEventID string) (head, *bufio.Scanner) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v1/events"+query, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	answer, err := server.Client().Transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return head{answer.StatusCode, answer.Header}, bufio.NewScanner(answer.Body)
}

// lines returns the next lines of a stream.
func lines(t *testing.T, from *bufio.Scanner, n int) []string {
	t.Helper()
	var all []string
	for len(all) < n && from.Scan() {
		all = append(all, from.Text())
	}
	if len(all) < n {
		t.Fatalf("the stream has ended after %q: %v", all, from.Err())
	}
	return all
}

func TestEventsAreStreamed(t *testing.T) {
	h, _, server := watched(t)
	h.change(lsapi.OutcomeApplied, "before the stream")
	answer, from := watch(t, server, "?pool=elb/default-elb", "")
	if answer.status != http.StatusOK || answer.header.Get("Content-Type") != "text/event-stream" || answer.header.Get("Cache-Control") != "no-store" {
		t.Errorf("it is %d %v", answer.status, answer.header)
	}
	if got := lines(t, from, 2); got[0] != "id: 0-1" || got[1] != "" {
		t.Errorf("it begins with %q", got)
	}
	h.change(lsapi.OutcomeConflict, "")
	h.change(lsapi.OutcomeApplied, "release\nevent: forged")
	h.add(lsapi.EventObserved, func(e *lsapi.RecordedEvent) {
		e.External = []lsapi.Change{{Action: lsapi.Detach, Member: lsapi.InstanceMember("i-5203422d"), Source: lsapi.SourceExternal, Outcome: lsapi.OutcomeApplied}}
	})
	h.add(lsapi.EventHealth, func(e *lsapi.RecordedEvent) {
		e.Event.Health = []lsapi.MemberHealth{{Member: lsapi.InstanceMember("i-5203422c"), State: lsapi.InService, Reason: "N/A", Description: "Instance deregistration currently in progress.", Draining: true}}
		e.Event.Drained = []lsapi.MemberID{lsapi.InstanceMember("i-5203422e")}
	})
	want := []struct{ id, kind, instance string }{
		{"0-3", "attached", "i-5203422c"}, {"0-4", "drift", "i-5203422d"}, {"0-4-1", "health", "i-5203422c"}, {"0-5", "drained", "i-5203422e"},
	}
	for _, w := range want {
		got := lines(t, from, 4)
		data, _ := strings.CutPrefix(got[2], "data: ")
		var e apiv1.Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		if got[0] != "id: "+w.id || got[1] != "event: "+w.kind || e.Type != w.kind || e.Member != w.instance || e.Pool != "elb/default-elb" || got[3] != "" {
			t.Errorf("got %q, want %v", got, w)
		}
		switch w.kind {
		case "attached":
			if e.Change == nil || e.Change.Reason != "release\nevent: forged" || e.Change.Actor != "alice" {
				t.Errorf("the change is %+v", e.Change)
			}
		case "drift":
			if e.Change == nil || e.Change.Source != "external" {
				t.Errorf("the change is %+v", e.Change)
			}
		case "health":
			if e.Health == nil || e.Health.State != "InService" || !e.Draining {
				t.Errorf("the health is %+v", e)
			}
		}
	}
	_, resumed := watch(t, server, "", "0-4-1")
	if got := lines(t, resumed, 2); got[0] != "id: 0-5" || got[1] != "event: drained" {
		t.Errorf("resumed, it goes on with %q", got)
	}
}

func TestEventFiltersNarrowTheStream(t *testing.T) {
	h, _, server := watched(t)
	h.change(lsapi.OutcomeApplied, "")
	h.add(lsapi.EventHealth, func(e *lsapi.RecordedEvent) {
		e.Event.Drained = []lsapi.MemberID{lsapi.InstanceMember("i-5203422d"), lsapi.InstanceMember("i-5203422e")}
	})
	h.add(lsapi.EventHealth, func(e *lsapi.RecordedEvent) {
		e.Pool, e.Event.Drained = lsapi.ELB("other-elb"), []lsapi.MemberID{lsapi.InstanceMember("i-5203422c")}
	})
	h.change(lsapi.OutcomeApplied, "the last")
	h.add(lsapi.EventHealth, func(e *lsapi.RecordedEvent) {
		e.Pool, e.Event.Drained = lsapi.TG("web"), []lsapi.MemberID{{Instance: "i-52034230", Port: 8080}}
	})
	for query, want := range map[string][]string{
		"":                    {"0-1", "0-1-1", "0-2", "0-3", "0-4"},
		"member=i-5203422c":   {"0-1", "0-3", "0-4"},
		"instance=i-5203422d": {"0-1-1"},
		"instance=i-5203422d&instance=i-5203422c": {"0-1", "0-1-1", "0-3", "0-4"},
		"kind=tg": {"0-5"},
		"kind=elb&instance=i-52034230&instance=i-5203422e": {"0-2"},
		"pool=elb/other-elb":                                          {"0-3"},
		"pool=elb/default-elb&member=i-5203422c":                      {"0-1", "0-4"},
		"pool=elb/default-elb&pool=elb/other-elb&instance=i-5203422e": {"0-2"},
	} {
		got, body := watch(t, server, "?lastEventId=0-0&"+query, "")
		if got.status != http.StatusOK {
			t.Errorf("%s is %d", query, got.status)
		}
		for _, id := range want {
			if text := lines(t, body, 4); text[0] != "id: "+id {
				t.Errorf("%s: got %q, want %s", query, text, id)
			}
		}
	}
	if got, body := watch(t, server, "?instance=i-5203422f&lastEventId=0-0", ""); got.status != http.StatusOK {
		t.Errorf("it is %d %q", got.status, lines(t, body, 1))
	}
}

func TestStreamResumesAfterQueryOrHeader(t *testing.T) {
	h, _, server := watched(t)
	for range 3 {
		h.change(lsapi.OutcomeApplied, "")
	}
	for _, c := range []struct{ query, header, first string }{
		{"?lastEventId=0-1", "", "id: 0-2"},
		{"?pool=elb/default-elb&lastEventId=0-1", "", "id: 0-2"},
		{"?lastEventId=0-1", "0-2", "id: 0-3"},
		{"", "0-1", "id: 0-2"},
	} {
		got, body := watch(t, server, c.query, c.header)
		text := strings.Join(lines(t, body, 4), "\n")
		if got.status != http.StatusOK || !strings.Contains(text, c.first) {
			t.Errorf("%s with %q: %d begins with %s", c.query, c.header, got.status, text)
		}
	}
}

func TestRefusedStreamHasStatus(t *testing.T) {
	h, hub, server := watched(t)
	h.change(lsapi.OutcomeApplied, "")
	for _, c := range []struct {
		query, id string
		status    int
		word      string
	}{
		{"?pool=elb/no-such-elb", "", http.StatusNotFound, "no-such-elb"},
		{"?pool=default-elb", "", http.StatusBadRequest, "query.pool"},
		{"?pool=xy/default-elb", "", http.StatusBadRequest, "query.pool"},
		{"?member=web-1", "", http.StatusBadRequest, "query.member"},
		{"?instance=i-5203422c:80", "", http.StatusBadRequest, "query.instance"},
		{"?loadBalancer=default-elb", "", http.StatusBadRequest, "query.loadBalancer"},
		{"?pool=elb/default-elb&pool=elb/other-elb", "", http.StatusNotFound, "other-elb"},
		{"?filter=x", "", http.StatusBadRequest, "query.filter"},
		{"?lastEventId=nonsense", "", http.StatusBadRequest, "Last-Event-ID"},
		{"?lastEventId=", "", http.StatusBadRequest, "query.lastEventId"},
		{"?lastEventId=0-1&lastEventId=0-1", "", http.StatusBadRequest, "query.lastEventId"},
		{"", "nonsense", http.StatusBadRequest, "Last-Event-ID"},
		{"", "9-9", http.StatusBadRequest, "Last-Event-ID"},
		{"", "0-1-50000", http.StatusBadRequest, "Last-Event-ID"},
		{"", "0-0-5", http.StatusBadRequest, "Last-Event-ID"},
	} {
		got, body := watch(t, server, c.query, c.id)
		if text := lines(t, body, 1)[0]; got.status != c.status || !strings.Contains(text, c.word) || got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %d %s", c.query, c.id, got.status, text)
		}
	}
	if got := send(t, server, request{method: http.MethodHead, path: "/v1/events"}); got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD is %d %v", got.StatusCode, got.Header)
	}
	if got := send(t, server, request{method: http.MethodGet, path: "/v1/events", header: http.Header{"Authorization": nil}}); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("without credentials it is %d", got.StatusCode)
	}
	if n := hub.Stats().Streams; n > 0 {
		t.Errorf("%d streams are left open", n)
	}
	h.mu.Lock()
	h.fail = &lsapi.Error{Code: lsapi.CodeNotFound}
	h.mu.Unlock()
	late := events.New(events.Options{Record: pruned{h}, Encode: v1.EncodeEvent})
	o := withRecord(filled(1))
	o.Events = late
	if got, _ := watch(t, serve(t, handlerOf(o)), "", "0-0"); got.status != http.StatusGone {
		t.Errorf("what was pruned is %d", got.status)
	}
	if err := late.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// pruned is an events.Record with an end and no events.
type pruned struct{ *happenings }

func (pruned) End(context.Context) (lsapi.Position, error) { return lsapi.Position{Minor: 9}, nil }

func TestStreamEndsCleanlyOnStop(t *testing.T) {
	_, hub, server := watched(t)
	_, from := watch(t, server, "", "")
	lines(t, from, 2)
	if err := hub.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if from.Scan() || from.Err() != nil {
		t.Errorf("it goes on with %q, %v", from.Text(), from.Err())
	}
}

// A client that falls behind gets the event dropped, and the missing events by resuming.
func TestSlowStreamReportsDrop(t *testing.T) {
	h, hub, server := watched(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("GET /v1/events HTTP/1.0\r\nAuthorization: " + authorization + "\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	awaitCondition(t, func() bool { return hub.Stats().Streams == 1 })
	reason := strings.Repeat("x", 100_000)
	const count = 400 // 40 MB: far more than the ring and the kernel hold
	for range count {
		h.change(lsapi.OutcomeApplied, reason)
	}
	awaitCondition(t, func() bool { return hub.Stats().Sent == count })
	from := bufio.NewScanner(conn)
	from.Buffer(nil, 1<<20)
	last, dropped := "", false
	for from.Scan() && !dropped {
		if id, ok := strings.CutPrefix(from.Text(), "id: "); ok {
			last = id
		}
		dropped = from.Text() == "event: dropped"
	}
	if !dropped {
		t.Fatalf("it ends behind %s without saying so: %v", last, from.Err())
	}
	place, err := events.ParseCursor(last)
	if err != nil {
		t.Fatal(err)
	}
	_, resumed := watch(t, server, "", place.String())
	resumed.Buffer(nil, 1<<20)
	var n int
	for lines(t, resumed, 1)[0] != "id: 0-"+strconv.Itoa(count) {
		n++
	}
	if n == 0 {
		t.Error("nothing was missing")
	}
}

// A client that does not read must not hold up a stop for as long as it may be slow.
func TestUnreadStreamDoesNotDelayStop(t *testing.T) {
	h, hub, server := watched(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.Write([]byte("GET /v1/events HTTP/1.0\r\nAuthorization: " + authorization + "\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	awaitCondition(t, func() bool { return hub.Stats().Streams == 1 })
	const count = 200 // 20 MB: more than the kernel holds
	for range count {
		h.change(lsapi.OutcomeApplied, strings.Repeat("x", 100_000))
	}
	awaitCondition(t, func() bool { return hub.Stats().Sent == count })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := hub.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestStreamIgnoresBody(t *testing.T) {
	h := newStory()
	o := withRecord(filled(1))
	o.Events = events.New(events.Options{Record: h, Encode: v1.EncodeEvent})
	var said bytes.Buffer
	server := httptest.NewUnstartedServer(handlerOf(o))
	server.Config.ErrorLog = log.New(&said, "", 0)
	server.Start()
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("GET /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\nAuthorization: " + authorization + "\r\n\r\nabc")); err != nil {
		t.Fatal(err)
	}
	from := bufio.NewScanner(conn)
	for from.Scan() && !strings.HasPrefix(from.Text(), "id: ") { // the head
	}
	h.change(lsapi.OutcomeApplied, "")
	if got := lines(t, from, 3); got[2] != "event: attached" {
		t.Errorf("it tells %q", got)
	}
	conn.Close()
	if err := o.Events.Close(t.Context()); err != nil {
		t.Error(err)
	}
	server.Close() // and what it had to say is said
	if said.Len() > 0 {
		t.Errorf("the server says %s", &said)
	}
}

func awaitCondition(t *testing.T, met func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !met(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come about")
		}
	}
}

func TestStopEndsTheOpeningOfAStream(t *testing.T) {
	stopping, stop := context.WithCancel(t.Context())
	defer stop()
	o := withRecord(filled(0))
	o.Events, o.Stopping = events.New(events.Options{Record: newStory(), Encode: v1.EncodeEvent}), stopping
	o.Exists = func(ctx context.Context, _ lsapi.PoolID) error { // AWS does not answer
		time.AfterFunc(10*time.Millisecond, stop)
		<-ctx.Done()
		return ctx.Err()
	}
	began := time.Now()
	got := record(handlerOf(o), "GET", "/v1/events?pool=elb/default-elb", "")
	if got.StatusCode != http.StatusServiceUnavailable || time.Since(began) > 10*time.Second {
		t.Errorf("it is %d %s after %v", got.StatusCode, got.body, time.Since(began))
	}
}

func TestEventsShowRefusalsByGuards(t *testing.T) {
	h, _, server := watched(t)
	_, from := watch(t, server, "", "")
	lines(t, from, 2)
	refuse := func(guard *lsapi.GuardVerdict, outcome lsapi.Outcome) {
		h.add(lsapi.EventCompleted, func(e *lsapi.RecordedEvent) {
			e.Event.Change = lsapi.Change{Action: lsapi.Detach, Member: lsapi.InstanceMember("i-5203422c"), Outcome: outcome, Guard: guard}
		})
	}
	refuse(nil, lsapi.OutcomeRefused) // by AWS
	refuse(&lsapi.GuardVerdict{Rule: "keepLast", Overridden: true, Reason: "r"}, lsapi.OutcomeRefused)
	refuse(&lsapi.GuardVerdict{Rule: "keepLast"}, lsapi.OutcomeRefused)
	refuse(&lsapi.GuardVerdict{Rule: "keepLast", Overridden: true, Reason: "r"}, lsapi.OutcomeApplied)
	for _, want := range []string{"refused", "detached"} {
		got := lines(t, from, 4)
		data, _ := strings.CutPrefix(got[2], "data: ")
		var e apiv1.Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		if e.Type != want || e.Change == nil || e.Change.Guard == nil || e.Change.Guard.Rule != "keepLast" || e.Change.Guard.Overridden != (want == "detached") {
			t.Errorf("got %q, want %s", got, want)
		}
	}
}
