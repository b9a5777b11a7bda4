package record_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

func events(t testing.TB, s record.Store, after lsapi.Position, limit int) []lsapi.RecordedEvent {
	t.Helper()
	found, err := s.Events(t.Context(), after, limit)
	if err != nil {
		t.Fatalf("events: %v", err)
	}
	return found
}

func end(t testing.TB, s record.Store) lsapi.Position {
	t.Helper()
	position, err := s.End(t.Context())
	if err != nil {
		t.Fatalf("end: %v", err)
	}
	return position
}

// allEvents reads to the end, some at a time.
func allEvents(t testing.TB, s record.Store, after lsapi.Position, some int) []lsapi.RecordedEvent {
	t.Helper()
	var all []lsapi.RecordedEvent
	for {
		found := events(t, s, after, some)
		all = append(all, found...)
		if len(found) < some {
			return all
		}
		after = found[len(found)-1].Position
	}
}

func testEvents(t *testing.T, s record.Store) {
	began := end(t, s)
	if began == (lsapi.Position{}) || len(events(t, s, began, 10)) != 0 {
		t.Errorf("an empty record ends at %+v", began)
	}
	web, www := newLane(t, s, lsapi.ELB("web")), newLane(t, s, lsapi.ELB("www"))
	web.know(one)
	opened := web.intend(web.change(lsapi.Attach, two))
	www.know()
	www.say(outOfService(three), inService(one))
	web.after(time.Second).complete(opened, lsapi.OutcomeApplied)
	www.append(lsapi.Event{
		Kind: lsapi.EventObserved, At: www.now.Add(time.Second), Added: []lsapi.MemberID{two, one}, Since: www.now.Add(-time.Second), Until: www.now,
	})
	www.after(2 * time.Second).drain(three)
	www.append(lsapi.Event{
		Kind: lsapi.EventObserved, At: www.now, Added: []lsapi.MemberID{three}, Removed: []lsapi.MemberID{two, one}, Since: www.now.Add(-time.Second), Until: www.now,
	})

	done, err := s.Change(t.Context(), opened.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := []lsapi.RecordedEvent{
		{Pool: lsapi.ELB("web"), Event: lsapi.Event{Kind: lsapi.EventIntended, At: noon, Change: done}},
		{Pool: lsapi.ELB("www"), Event: lsapi.Event{Kind: lsapi.EventHealth, At: noon, Health: []lsapi.MemberHealth{inService(one), outOfService(three)}}},
		{Pool: lsapi.ELB("web"), Event: lsapi.Event{Kind: lsapi.EventCompleted, At: web.now, Change: done}},
		{Pool: lsapi.ELB("www"), Event: lsapi.Event{
			Kind: lsapi.EventObserved, At: noon.Add(time.Second), Added: []lsapi.MemberID{one, two}, Since: noon.Add(-time.Second), Until: noon,
		}},
		{Pool: lsapi.ELB("www"), Event: lsapi.Event{Kind: lsapi.EventHealth, At: www.now, Drained: []lsapi.MemberID{three}}},
		{Pool: lsapi.ELB("www"), Event: lsapi.Event{
			Kind: lsapi.EventObserved, At: www.now, Added: []lsapi.MemberID{three}, Removed: []lsapi.MemberID{one, two}, Since: www.now.Add(-time.Second), Until: www.now,
		}},
	}
	got := allEvents(t, s, lsapi.Position{}, 4)
	if len(got) != len(want) {
		t.Fatalf("got %d events, want %d: %+v", len(got), len(want), got)
	}
	last := began
	for i := range want {
		want[i].Position = got[i].Position
		if !got[i].Position.After(last) {
			t.Errorf("event %d is at %+v, behind %+v", i, got[i].Position, last)
		}
		last = got[i].Position
		wantExternal(t, s, &got[i])
		if want[i].External = got[i].External; !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("event %d: got %+v\nwant %+v", i, got[i], want[i])
		}
		if rest := allEvents(t, s, last, 3); !reflect.DeepEqual(rest, got[i+1:]) && len(rest)+len(got[i+1:]) > 0 {
			t.Errorf("behind event %d there is %+v\nwant %+v", i, rest, got[i+1:])
		}
	}
	if now := end(t, s); now != last {
		t.Errorf("the record ends at %+v, want %+v", now, last)
	}
	if all := events(t, s, began, 10); !reflect.DeepEqual(all, got) {
		t.Errorf("behind the end of the empty record there is %+v", all)
	}
	for _, limit := range []int{0, -1, 1_000_000} {
		_, err := s.Events(t.Context(), last, limit)
		wantCode(t, err, lsapi.CodeInvalid)
	}
}

// wantExternal checks that an observed event comes with the changes that the record
// has of it, and no other with any.
func wantExternal(t *testing.T, s record.Store, e *lsapi.RecordedEvent) {
	t.Helper()
	instances := append(append([]lsapi.MemberID{}, e.Event.Added...), e.Event.Removed...)
	if len(e.External) != len(instances) {
		t.Fatalf("it comes with %d changes, want %d: %+v", len(e.External), len(instances), *e)
	}
	for i, c := range e.External {
		kept, err := s.Change(t.Context(), c.ID)
		if err != nil || !reflect.DeepEqual(c, kept) || c.Member != instances[i] || (c.Action == lsapi.Attach) != (i < len(e.Event.Added)) {
			t.Errorf("change %d is %+v\nthe record has %+v (%v)", i, c, kept, err)
		}
	}
}

func testEventsPruned(t *testing.T, s record.Store) {
	began := end(t, s)
	web, www := newLane(t, s, lsapi.ELB("web")), newLane(t, s, lsapi.ELB("www"))
	web.know()
	web.do(lsapi.Attach, one)
	www.say(inService(one)) // www is never pruned: its last event stays
	web.after(2*dayLong).do(lsapi.Attach, two)
	all := allEvents(t, s, lsapi.Position{}, 100)
	if len(all) != 5 {
		t.Fatalf("got %d events: %+v", len(all), all)
	}
	if err := pruneAt(t, s, web.now.Add(time.Hour), dayLong); err != nil {
		t.Fatal(err)
	}
	for _, lost := range []lsapi.Position{began, all[0].Position} {
		_, err := s.Events(t.Context(), lost, 100)
		wantCode(t, err, lsapi.CodeNotFound)
	}
	for i, kept := range all[1:] {
		if rest := events(t, s, kept.Position, 100); !reflect.DeepEqual(rest, all[i+2:]) && len(rest)+len(all[i+2:]) > 0 {
			t.Errorf("behind event %d there is %+v\nwant %+v", i+1, rest, all[i+2:])
		}
	}
	if rest := allEvents(t, s, lsapi.Position{}, 2); !reflect.DeepEqual(rest, all[2:]) {
		t.Errorf("the kept events are %+v\nwant %+v", rest, all[2:])
	}
	www.after(10 * dayLong).say(outOfService(one))
	if rest := events(t, s, all[4].Position, 100); len(rest) != 1 || rest[0].Pool != lsapi.ELB("www") {
		t.Errorf("what comes after pruning is %+v", rest)
	}
	// However much is pruned, nothing is missing behind the end.
	for _, later := range []time.Duration{dayLong, 20 * dayLong, 40 * dayLong} {
		if err := pruneAt(t, s, web.now.Add(later), dayLong); err != nil {
			t.Fatal(err)
		}
		if rest := events(t, s, end(t, s), 100); len(rest) > 0 {
			t.Errorf("behind the end there is %+v", rest)
		}
	}
}

// news waits for something behind a position, and says how that ended.
func news(ctx context.Context, s record.Store, after lsapi.Position) <-chan error {
	received := make(chan error, 1)
	go func() { received <- s.News(ctx, after) }()
	return received
}

func wantNews(t *testing.T, received <-chan error) {
	t.Helper()
	select {
	case err := <-received:
		wantCode(t, err, "")
	case <-time.After(20 * time.Second):
		t.Fatal("no news")
	}
}

func testNews(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one, two) // is no news
	for i, happens := range []func(){
		func() { l.do(lsapi.Attach, three) },
		func() { l.say(inService(one)) },
		func() { l.drain(one) },
		func() {
			c := l.change(lsapi.Detach, one)
			c.Guard = &lsapi.GuardVerdict{Rule: "keepLast"}
			l.complete(c, lsapi.OutcomeRefused)
		},
		func() {
			l.after(time.Minute).append(lsapi.Event{Kind: lsapi.EventObserved, At: l.now, Removed: []lsapi.MemberID{two}, Since: noon, Until: l.now})
		},
		func() { l.intend(l.change(lsapi.Attach, two)) },
	} {
		after := end(t, s)
		short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		wantCode(t, s.News(short, after), lsapi.CodeTimeout)
		cancel()
		several := []<-chan error{news(t.Context(), s, after), news(t.Context(), s, after)}
		happens()
		for _, received := range several {
			wantNews(t, received)
		}
		wantNews(t, news(t.Context(), s, after)) // at once
		if found := events(t, s, after, 10); len(found) == 0 {
			t.Errorf("the news of %d are none", i)
		}
	}
}

// Nobody waits for a record that is closed.
func testNewsOfAClosedRecord(t *testing.T, s record.Store) {
	received := news(t.Context(), s, end(t, s))
	time.Sleep(20 * time.Millisecond) // it mostly waits by then
	if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-received:
		wantCode(t, err, lsapi.CodeUnavailable)
	case <-time.After(20 * time.Second):
		t.Fatal("it still waits")
	}
}

func TestNewsReachesAStandby(t *testing.T) {
	path := newFile(t)
	owner := openFile(t, path)
	l := newLane(t, owner, lsapi.ELB("web"))
	l.know()
	standby := openFile(t, path)
	after := end(t, standby)
	received := news(t.Context(), standby, after)
	l.say(inService(one))
	wantNews(t, received)
	if found := events(t, standby, after, 10); len(found) != 1 || found[0].Event.Kind != lsapi.EventHealth {
		t.Errorf("got %+v", found)
	}
}
