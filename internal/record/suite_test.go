package record_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

var (
	one   = lsapi.InstanceMember("i-00000001")
	two   = lsapi.InstanceMember("i-00000002")
	three = lsapi.InstanceMember("i-00000003")
)

// testStore holds every engine to what Store promises. open returns an empty store
// that this process may write.
func testStore(t *testing.T, open func(t testing.TB) record.Store) {
	for name, test := range map[string]func(*testing.T, record.Store){
		"a change is what its events add up to":               testChange,
		"an unsent change has one event":                      testUnsent,
		"a change has its terms":                              testTerms,
		"an outcome is final":                                 testFinal,
		"recorded events are skipped":                         testRepeated,
		"a failed append records nothing":                     testAllOrNone,
		"append rejects invalid events":                       testInvalidEvents,
		"append rejects a lost lease":                         testLeaseLost,
		"a lease comes with the end of the log":               testLeaseChainEnd,
		"a membership is unknown before its first checkpoint": testUnknownMembership,
		"an observed event creates external changes":          testObserved,
		"lane state has recently applied changes in order":    testApplied,
		"an external change replaces earlier applied ones":    testOvertaken,
		"lane state has the members that lsapi detached":      testDetached,
		"a replacement ends what lsapi detached":              testDetachedReplaced,
		"pruning keeps the members detached lately":           testDetachedPruned,
		"later changes are those with an effect":              testLater,
		"a replacement ends what can be undone":               testLaterReplaced,
		"a bulk is recorded and read at once":                 testBulk,
		"a bulk that changed nothing frees its key":           testKeysOfBulks,
		"unfinished load balancers are listed":                testUnfinished,
		"populated load balancers are listed":                 testPopulated,
		"event times never decrease":                          testTime,
		"filters return their changes, newest first":          testFilters,
		"an instance's changes are found on all its ports":    testMembersOfAnInstance,
		"change lists are bounded":                            testListBounds,
		"members at a time are reconstructed":                 testMembersAt,
		"members in the future are an error":                  testMembersInTheFuture,
		"a member has the change that attached it":            testProvenance,
		"external changes are uncertain between two looks":    testUncertain,
		"checkpoints begin days and follow many events":       testCheckpoints,
		"readiness keeps no trial writes":                     testReadyLeavesNothing,
		"an idempotency key is reserved once a day":           testKeys,
		"expired idempotency keys are pruned":                 testKeysPruned,
		"a key with a future time expires in a day":           testKeysOfTheFuture,
		"a change that failed frees its key":                  testKeysOfOutcomes,
		"health is the last recorded":                         testHealth,
		"health has AWS's word":                               testHealthWord,
		"another incarnation has another history":             testIncarnation,
		"a recorded replacement is skipped":                   testIncarnationRepeated,
		"append rejects invalid incarnations":                 testInvalidIncarnations,
		"an incarnation survives pruning":                     testIncarnationPruned,
		"recorded health is skipped":                          testHealthRepeated,
		"append rejects invalid health":                       testInvalidHealth,
		"health survives pruning":                             testHealthPruned,
		"member history is complete":                          testMemberHistory,
		"the last change is the last begun":                   testMemberHistoryOrder,
		"member history of a thousand instances is quick":     testMemberHistoryOfMany,
		"events have one order":                               testEvents,
		"events report pruned positions":                      testEventsPruned,
		"news wakes all waiters":                              testNews,
		"news ends when the record closes":                    testNewsOfAClosedRecord,
		"deliveries are kept by receiver":                     testDeliveries,
		"deliveries are kept for a month":                     testDeliveryAges,
		"members out of service are found by time":            testOutSince,
		"events behind the last pruned position are kept":     testKept,
		"chain checkpoints verify":                            testChainEnds,
		"prune removes whole days and leaves a valid record":  testPrune,
		"prune keeps a day without a first checkpoint":        testPruneDayWithoutCheckpoint,
		"prune keeps open changes":                            testPruneOpen,
		"prune reduces an idle log to a checkpoint":           testPruneIdle,
		"any text is stored":                                  testText,
		"an ended context writes nothing":                     testEndedContext,
		"concurrent writes succeed":                           testConcurrent,
		"a random history matches the model":                  testHistory,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func testChange(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	c := l.intend(l.change(lsapi.Attach, one))

	want := c
	want.Source, want.IntendedAt = lsapi.SourceLSAPI, l.now
	got, err := s.Change(t.Context(), c.ID)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("while it is open: got %+v (%v)\nwant %+v", got, err, want)
	}
	open := l.state().Open
	if len(open) != 1 {
		t.Fatalf("the open changes are %+v", open)
	}
	if left := time.Until(open[0].Deadline); left < 0 || left > 10*time.Second {
		t.Errorf("its call ends in %v", left)
	}
	if open[0].Deadline = want.Deadline; !reflect.DeepEqual(open[0], want) {
		t.Errorf("the open change is %+v", open[0])
	}

	l.after(1500 * time.Millisecond)
	l.append(lsapi.Event{Kind: lsapi.EventResolved, At: l.now, Change: lsapi.Change{
		ID: c.ID, Action: lsapi.Attach, Member: one, Outcome: lsapi.OutcomeApplied, Code: "Lost",
		Resolution: lsapi.ResolutionInferred, AWSRequestID: "aws-1", MembersAfter: new(4),
	}})
	want.Outcome, want.Code, want.Resolution = lsapi.OutcomeApplied, "Lost", lsapi.ResolutionInferred
	want.CompletedAt, want.AWSRequestID, want.MembersAfter = l.now, "aws-1", new(4)
	if got, err := s.Change(t.Context(), c.ID); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("when it is complete: got %+v (%v)\nwant %+v", got, err, want)
	}
	if state := l.state(); len(state.Open) != 0 || !state.Members[one] {
		t.Errorf("got %+v, want %s a member and nothing open", state, one)
	}
	_, err = s.Change(t.Context(), idAt(noon))
	wantCode(t, err, lsapi.CodeNotFound)
	_, err = s.Change(t.Context(), "1")
	wantCode(t, err, lsapi.CodeNotFound)
	wantWhole(t, s)
}

func testUnsent(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	c := l.change(lsapi.Attach, one)
	c.Outcome, c.Code = lsapi.OutcomeConflict, string(lsapi.CodeConflict)
	l.append(lsapi.Event{Kind: lsapi.EventCompleted, At: l.now, Change: c})
	c.Source, c.IntendedAt, c.CompletedAt = lsapi.SourceLSAPI, l.now, l.now
	if got, err := s.Change(t.Context(), c.ID); err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("got %+v (%v)\nwant %+v", got, err, c)
	}
	if end := chainEnds(t, s)[0]; end.Seq != 2 {
		t.Errorf("the log has %d events, want 2", end.Seq)
	}
}

func testFinal(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	c := l.do(lsapi.Attach, one)
	c.Outcome = lsapi.OutcomeFailed
	for _, kind := range []lsapi.EventKind{lsapi.EventCompleted, lsapi.EventResolved} {
		_, err := s.Append(t.Context(), l.lease, []lsapi.Event{{Kind: kind, At: l.now, Change: c}})
		wantCode(t, err, lsapi.CodeInternal)
	}
	c.Outcome, c.Member = "", two
	_, err := s.Append(t.Context(), l.lease, []lsapi.Event{{Kind: lsapi.EventIntended, At: l.now, Change: c}})
	wantCode(t, err, lsapi.CodeInternal)
}

// Whoever did not learn whether a page was recorded appends it again.
func testRepeated(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	intended, unsent, external := l.change(lsapi.Attach, two), l.change(lsapi.Attach, one), l.now.Add(time.Second)
	unsent.Outcome, unsent.Code = lsapi.OutcomeConflict, string(lsapi.CodeConflict)
	done := intended
	done.Outcome, done.MembersAfter = lsapi.OutcomeApplied, new(2)
	for _, page := range [][]lsapi.Event{
		{{Kind: lsapi.EventIntended, At: l.now, Change: intended}, {Kind: lsapi.EventCompleted, At: l.now, Change: unsent}},
		{{Kind: lsapi.EventCompleted, At: l.now, Change: done}},
		{{Kind: lsapi.EventObserved, At: external, Since: l.now, Until: external, Added: []lsapi.MemberID{three}, Removed: []lsapi.MemberID{one}}},
	} {
		l.append(page...)
		noted := chainEnds(t, s)
		l.append(page...)
		if again := chainEnds(t, s); !slices.Equal(again, noted) {
			t.Errorf("a page that was recorded was recorded again: %+v, then %+v", noted, again)
		}
	}
	wantWhole(t, s)
}

func testAllOrNone(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	good := l.change(lsapi.Attach, one)
	bad := good
	bad.Action = lsapi.Detach
	_, err := s.Append(t.Context(), l.lease, []lsapi.Event{
		{Kind: lsapi.EventIntended, At: l.now, Change: good},
		{Kind: lsapi.EventIntended, At: l.now, Change: bad}, // of the same id
	})
	wantCode(t, err, lsapi.CodeInternal)
	if noted := chainEnds(t, s); len(noted) != 0 {
		t.Errorf("there is a log: %+v", noted)
	}
	_, err = s.Change(t.Context(), good.ID)
	wantCode(t, err, lsapi.CodeNotFound)
}

func testInvalidEvents(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	good := l.change(lsapi.Attach, two)
	alter := func(f func(*lsapi.Change)) lsapi.Change {
		c := good
		f(&c)
		return c
	}
	for name, event := range map[string]lsapi.Event{
		"no kind":                   {Change: good},
		"no id":                     {Kind: lsapi.EventIntended, Change: alter(func(c *lsapi.Change) { c.ID = "" })},
		"an id without time":        {Kind: lsapi.EventIntended, Change: alter(func(c *lsapi.Change) { c.ID = "7f3a1c9e-0000-4000-8000-000000000000" })},
		"no action":                 {Kind: lsapi.EventIntended, Change: alter(func(c *lsapi.Change) { c.Action = "" })},
		"another load balancer":     {Kind: lsapi.EventIntended, Change: alter(func(c *lsapi.Change) { c.Pool = lsapi.ELB("api") })},
		"no instance":               {Kind: lsapi.EventIntended, Change: alter(func(c *lsapi.Change) { c.Member = lsapi.MemberID{} })},
		"an intent with an outcome": {Kind: lsapi.EventIntended, Change: alter(func(c *lsapi.Change) { c.Outcome = lsapi.OutcomeApplied })},
		"no outcome":                {Kind: lsapi.EventCompleted, Change: good},
		"a bulk without id":         {Kind: lsapi.EventIntended, Change: alter(func(c *lsapi.Change) { c.Bulk = "b" })},
		"an undo of no change":      {Kind: lsapi.EventIntended, Change: alter(func(c *lsapi.Change) { c.Undoes = "c" })},
		"a guard without rule":      {Kind: lsapi.EventIntended, Change: alter(func(c *lsapi.Change) { c.Guard = new(lsapi.GuardVerdict) })},
		"nothing observed":          {Kind: lsapi.EventObserved, Until: l.now},
		"another membership":        {Kind: lsapi.EventCheckpoint, Members: []lsapi.MemberID{two}},
	} {
		event.At = l.now
		if _, err := s.Append(t.Context(), l.lease, []lsapi.Event{event}); lsapi.ErrorCode(err) != lsapi.CodeInternal {
			t.Errorf("%s: got %v", name, err)
		}
	}
	l.know(one) // says what is known
	wantWhole(t, s)
}

func testLeaseLost(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	old := l.lease
	newLane(t, s, lsapi.ELB("web"))
	event := lsapi.Event{Kind: lsapi.EventIntended, At: l.now, Change: l.change(lsapi.Attach, one)}
	_, err := s.Append(t.Context(), old, []lsapi.Event{event})
	if !errors.Is(err, lsapi.ErrLeaseLost) || lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
		t.Errorf("got %v, want that the lease is lost", err)
	}
	if noted := chainEnds(t, s); len(noted) != 0 {
		t.Errorf("something was recorded: %+v", noted)
	}
	l = newLane(t, s, lsapi.ELB("web"))
	if err := s.Release(t.Context(), l.lease); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), l.lease, []lsapi.Event{event}); !errors.Is(err, lsapi.ErrLeaseLost) {
		t.Errorf("after it was given back: got %v, want that the lease is lost", err)
	}
	if _, err := s.Append(t.Context(), lsapi.Lease{Pool: lsapi.ELB("web")}, []lsapi.Event{event}); !errors.Is(err, lsapi.ErrLeaseLost) {
		t.Errorf("without one: got %v, want that the lease is lost", err)
	}
}

func testLeaseChainEnd(t *testing.T, s record.Store) {
	var last lsapi.Lease
	for i := range 3 {
		lease, err := s.Acquire(t.Context(), lsapi.ELB("web"))
		if err != nil {
			t.Fatal(err)
		}
		if lease.Pool != lsapi.ELB("web") || !lease.Until.IsZero() && !lease.Until.After(time.Now().Add(time.Second)) {
			t.Errorf("take %d: got %+v", i, lease)
		}
		if i > 0 && (lease.Epoch <= last.Epoch || lease.ChainEnd != last.ChainEnd) {
			t.Errorf("take %d: got %+v after %+v", i, lease, last)
		}
		l := &lane{t: t, s: s, lease: lease, now: noon}
		c := l.change(lsapi.Attach, one)
		last = lease
		if last.ChainEnd, err = s.Append(t.Context(), lease, []lsapi.Event{{Kind: lsapi.EventIntended, At: noon, Change: c}}); err != nil {
			t.Fatal(err)
		}
		if state := l.state(); state.ChainEnd != last.ChainEnd || state.ChainEnd.Seq != int64(i+1) {
			t.Errorf("the log ends at %+v, the append has said %+v", state.ChainEnd, last.ChainEnd)
		}
		if err := s.Release(t.Context(), lease); err != nil {
			t.Fatal(err)
		}
	}
}

func testUnknownMembership(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	if state := l.state(); state.Known || len(state.Members) != 0 {
		t.Errorf("before the first event: %+v", state)
	}
	l.do(lsapi.Attach, one)
	if state := l.state(); state.Known || len(state.Members) != 0 || len(state.Applied) != 1 {
		t.Errorf("after a change: %+v", state)
	}
	_, err := s.MembersAt(t.Context(), lsapi.ELB("web"), l.now)
	wantCode(t, err, lsapi.CodeNotFound)
	_, err = s.MembersAt(t.Context(), lsapi.ELB("api"), l.now)
	wantCode(t, err, lsapi.CodeNotFound)
	l.after(time.Minute).know(one, two)
	if state := l.state(); !state.Known || len(state.Members) != 2 || !near(state.LookedAt, l.now) {
		t.Errorf("after the first look: %+v", state)
	}
	_, err = s.MembersAt(t.Context(), lsapi.ELB("web"), l.now.Add(-time.Microsecond))
	wantCode(t, err, lsapi.CodeNotFound)
	wantEqual(t, membersAt(t, s, l.now), one, two)
	wantWhole(t, s)
}

// near reports whether two times are the same but for the time that comparing the
// record's clock with this process's takes.
func near(a, b time.Time) bool { return a.Sub(b).Abs() < time.Second }

func testObserved(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	looked := l.now
	l.after(time.Minute)
	l.append(lsapi.Event{
		Kind: lsapi.EventObserved, At: l.now.Add(time.Second), Added: []lsapi.MemberID{two, three}, Removed: []lsapi.MemberID{one},
		Since: looked, Until: l.now,
	})
	state := l.state()
	if !maps.Equal(state.Members, map[lsapi.MemberID]bool{two: true, three: true}) || !near(state.LookedAt, l.now) {
		t.Errorf("got %+v", state)
	}
	changes, err := s.Changes(t.Context(), lsapi.ChangeFilter{Pool: lsapi.ELB("web"), Limit: 10})
	if err != nil || len(changes) != 3 {
		t.Fatalf("got %d changes (%v), want 3", len(changes), err)
	}
	for _, c := range changes {
		want := lsapi.Change{
			ID: c.ID, Action: lsapi.Attach, Pool: lsapi.ELB("web"), Member: c.Member, Source: lsapi.SourceExternal,
			IntendedAt: l.now, NotBefore: looked, Outcome: lsapi.OutcomeApplied, Resolution: lsapi.ResolutionObserved,
			CompletedAt: l.now.Add(time.Second), Instance: lsapi.Instance{ID: c.Member.String()},
		}
		if c.Member == one {
			want.Action = lsapi.Detach
		}
		if !reflect.DeepEqual(c, want) {
			t.Errorf("got %+v\nwant %+v", c, want)
		}
	}
	if len(state.Applied) != 0 {
		t.Errorf("the lane learns of %+v, although AWS shows them already", state.Applied)
	}
	wantWhole(t, s)
}

func testApplied(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	first := l.do(lsapi.Attach, three)
	late := l.intend(l.change(lsapi.Attach, one)) // asked for before, applied last
	l.after(time.Minute)
	a := l.do(lsapi.Attach, two)
	l.complete(l.intend(l.change(lsapi.Detach, three)), lsapi.OutcomeRefused)
	b := l.do(lsapi.Detach, two)
	l.complete(late, lsapi.OutcomeApplied)
	want := []string{first.ID, a.ID, b.ID, late.ID}
	changes, err := s.Applied(t.Context(), lsapi.ELB("web"), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	wantApplied(t, changes, want...)
	wantApplied(t, l.state().Applied, want...)
	for i, c := range changes {
		if age := time.Since(c.At); age < 0 || age > time.Minute {
			t.Errorf("%s was applied %v ago", c.ID, age)
		}
		if i > 0 && c.Seq <= changes[i-1].Seq {
			t.Errorf("event %d follows event %d", c.Seq, changes[i-1].Seq)
		}
	}
	if changes, err := s.Applied(t.Context(), lsapi.ELB("web"), 0); err != nil || len(changes) > 0 {
		t.Errorf("in no time %v was applied (%v)", changes, err)
	}
}

// A change outside of lsapi, such as the deletion of the load balancer, ends what lsapi
// had applied to the instance before.
func testOvertaken(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	l.do(lsapi.Attach, one)
	b := l.do(lsapi.Attach, two)
	l.after(time.Second).append(lsapi.Event{Kind: lsapi.EventObserved, At: l.now, Since: noon, Until: l.now, Removed: []lsapi.MemberID{one}})
	c := l.do(lsapi.Attach, one)
	applied := l.state().Applied
	if len(applied) != 3 {
		t.Fatalf("got %+v", applied)
	}
	outside := applied[1]
	if outside.Source != lsapi.SourceExternal || outside.Action != lsapi.Detach || outside.Member != one || outside.Seq <= applied[0].Seq || outside.At.IsZero() {
		t.Errorf("the external change is %+v", outside)
	}
	wantApplied(t, applied, b.ID, outside.ID, c.ID)
}

func wantApplied(t testing.TB, got []lsapi.AppliedChange, want ...string) {
	t.Helper()
	changes := make([]lsapi.Change, len(got))
	for i, c := range got {
		changes[i] = c.Change
	}
	wantIDs(t, changes, want...)
}

func testUnfinished(t *testing.T, s record.Store) {
	open, fresh, refused := newLane(t, s, lsapi.ELB("open")), newLane(t, s, lsapi.ELB("fresh")), newLane(t, s, lsapi.ELB("refused"))
	open.intend(open.change(lsapi.Attach, one))
	fresh.do(lsapi.Attach, one)
	refused.complete(refused.intend(refused.change(lsapi.Attach, one)), lsapi.OutcomeRefused)
	for within, want := range map[time.Duration][]lsapi.PoolID{time.Hour: {lsapi.ELB("fresh"), lsapi.ELB("open")}, 0: {lsapi.ELB("open")}} {
		pools, err := s.Unfinished(t.Context(), within)
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, pools, want...)
	}
}

func testPopulated(t *testing.T, s record.Store) {
	for _, pool := range []lsapi.PoolID{lsapi.ELB("web"), lsapi.ELB("default")} {
		l := newLane(t, s, pool)
		l.know()
		l.do(lsapi.Attach, one)
	}
	emptied := newLane(t, s, lsapi.ELB("emptied"))
	emptied.know()
	emptied.do(lsapi.Attach, one)
	emptied.do(lsapi.Detach, one)
	pools, err := s.Populated(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, pools, lsapi.ELB("default"), lsapi.ELB("web"))
}

func testTime(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	c := l.intend(l.change(lsapi.Attach, one))
	l.after(-time.Hour).complete(c, lsapi.OutcomeApplied)
	got, err := s.Change(t.Context(), c.ID)
	if err != nil || !got.CompletedAt.Equal(noon) {
		t.Errorf("it was completed at %v (%v), want the time of the event before", got.CompletedAt, err)
	}
	early := l.change(lsapi.Attach, three)
	early.ID = idAt(noon.Add(time.Hour)) // asked for after it was recorded, by a clock that was set back
	l.complete(early, lsapi.OutcomeRefused)
	if got, err := s.Change(t.Context(), early.ID); err != nil || got.CompletedAt.Before(got.IntendedAt) {
		t.Errorf("it was completed at %v (%v), before it was asked for at %v", got.CompletedAt, err, got.IntendedAt)
	}
	l.append(lsapi.Event{Kind: lsapi.EventIntended, Change: l.change(lsapi.Attach, two)}) // without time
	wantWhole(t, s)
}

func testFilters(t *testing.T, s record.Store) {
	all := variedChanges(t, s)
	filters := map[string]lsapi.ChangeFilter{
		"all":          {},
		"pool":         {Pool: lsapi.TG("lb-1")},
		"kind":         {Kind: lsapi.KindTG},
		"other kind":   {Kind: lsapi.KindTG, Pool: lsapi.ELB("lb-0")},
		"instance":     {Member: two},
		"actor":        {Actor: "bob"},
		"action":       {Action: lsapi.Detach},
		"outcome":      {Outcome: lsapi.OutcomeRefused},
		"open":         {Outcome: lsapi.OutcomeOpen},
		"from":         {From: noon.Add(20 * time.Second)},
		"from between": {From: noon.Add(20*time.Second + time.Microsecond)},
		"to":           {To: noon.Add(20 * time.Second)},
		"before":       {Before: all[17].ID},
		"bulk":         {Bulk: all[17].Bulk},
		"part of bulk": {Bulk: all[17].Bulk, Action: lsapi.Detach, Outcome: lsapi.OutcomeApplied, Before: all[17].ID},
		"no bulk":      {Bulk: all[17].ID},
		"several":      {Pool: lsapi.ELB("lb-0"), Actor: "alice", Outcome: lsapi.OutcomeApplied, From: noon.Add(5 * time.Second)},
		"nothing":      {Actor: "' OR 1=1 --"},
	}
	for name, filter := range filters {
		for _, limit := range []int{3, 1000} {
			filter.Limit = limit
			got, err := s.Changes(t.Context(), filter)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var want []string
			for _, c := range all {
				if matches(filter, c) && len(want) < limit {
					want = append(want, c.ID)
				}
			}
			t.Run(name, func(t *testing.T) { wantIDs(t, got, want...) })
		}
	}
}

func testMembersOfAnInstance(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	web, admin := one, one
	web.Port, admin.Port = 8080, 9090
	v4, v6 := lsapi.MemberID{Address: netip.MustParseAddr("10.0.1.7")}, lsapi.MemberID{Address: netip.MustParseAddr("2001:db8::7")}
	address, neighbor, private := v6, lsapi.MemberID{Address: netip.MustParseAddr("2001:db8::8"), Port: 80}, v4
	address.Port, private.Port = 80, 8080
	other := address
	other.Port = 81
	balancer, function := lsapi.MemberID{Instance: "loadbalancer/app/web/50dc6c495c0c9188", Port: 80}, lsapi.MemberID{Instance: "function/web"}
	all := []lsapi.MemberID{function, one, web, admin, two, balancer, private, address, other, neighbor} // in order
	ids := make(map[lsapi.MemberID]string)
	for _, member := range all {
		ids[member] = l.after(time.Second).do(lsapi.Attach, member).ID
	}
	for member, want := range map[lsapi.MemberID][]string{
		one: {ids[admin], ids[web], ids[one]}, web: {ids[web]}, two: {ids[two]},
		v6: {ids[other], ids[address]}, address: {ids[address]}, neighbor: {ids[neighbor]}, v4: {ids[private]}, private: {ids[private]},
		balancer: {ids[balancer]}, function: {ids[function]},
	} {
		got, err := s.Changes(t.Context(), lsapi.ChangeFilter{Member: member, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		wantIDs(t, got, want...)
	}
	history, err := s.MemberHistory(t.Context(), lsapi.ELB("web"), all)
	if err != nil || len(history) != len(all) {
		t.Fatalf("got %d histories, %v", len(history), err)
	}
	for member, h := range history {
		if !h.Member || h.ChangeID != ids[member] || h.LastChange == nil || h.LastChange.ID != ids[member] || h.LastChange.Member != member {
			t.Errorf("%v: got %+v", member, h)
		}
	}
	wantEqual(t, membersAt(t, s, time.Time{}), all...)

	looked := l.now
	l.after(time.Minute).append(lsapi.Event{
		Kind: lsapi.EventObserved, At: l.now, Since: looked, Until: l.now, Added: []lsapi.MemberID{{Instance: two.Instance, Port: 80}}, Removed: []lsapi.MemberID{web, address},
	})
	l.say(inService(private), draining(address), outOfService(admin))
	wantHealth(t, s, lsapi.ELB("web"), inService(private), draining(address), outOfService(admin))
	l.drain(address)
	wantEqual(t, membersAt(t, s, looked), all...)
	left := slices.DeleteFunc(append(slices.Clone(all), lsapi.MemberID{Instance: two.Instance, Port: 80}), func(m lsapi.MemberID) bool { return m == web || m == address })
	slices.SortFunc(left, lsapi.MemberID.Compare)
	wantEqual(t, membersAt(t, s, l.now), left...)
	must(t, pruneAt(t, s, l.now.Add(5*dayLong), dayLong))
	wantEqual(t, membersAt(t, s, time.Time{}), left...)
	wantWhole(t, s)
}

// variedChanges records 60 changes of all sorts, a second apart, and returns them,
// the newest first.
func variedChanges(t *testing.T, s record.Store) []lsapi.Change {
	var all []lsapi.Change
	lanes := []*lane{newLane(t, s, lsapi.ELB("lb-0")), newLane(t, s, lsapi.TG("lb-1"))}
	bulks := []string{idAt(noon), idAt(noon), idAt(noon)}
	outcomes := []lsapi.Outcome{lsapi.OutcomeApplied, lsapi.OutcomeRefused, "", lsapi.OutcomeUnknown, lsapi.OutcomeApplied}
	for i := range 60 {
		l := lanes[i%2]
		l.now = noon.Add(time.Duration(i) * time.Second)
		c := l.change([]lsapi.Action{lsapi.Attach, lsapi.Detach}[i/2%2], []lsapi.MemberID{one, two, three}[i%3])
		c.Actor = []string{"alice", "alice", "alice", "bob"}[i%4]
		if i%3 > 0 {
			c.Bulk = bulks[i/20]
		}
		l.intend(c)
		if outcome := outcomes[i%5]; outcome != "" {
			c = l.complete(c, outcome)
		}
		c.IntendedAt = l.now
		all = append(all, c)
	}
	slices.Reverse(all)
	return all
}

func matches(f lsapi.ChangeFilter, c lsapi.Change) bool {
	return (f.Pool.IsZero() || f.Pool == c.Pool) &&
		(f.Kind == "" || f.Kind == c.Pool.Kind) &&
		(f.Member.IsZero() || f.Member == c.Member) &&
		(f.Actor == "" || f.Actor == c.Actor) &&
		(f.Bulk == "" || f.Bulk == c.Bulk) &&
		(f.Action == "" || f.Action == c.Action) &&
		(f.Outcome == "" || f.Outcome == c.Outcome || f.Outcome == lsapi.OutcomeOpen && c.Outcome == "") &&
		(f.From.IsZero() || !c.IntendedAt.Before(f.From)) &&
		(f.To.IsZero() || c.IntendedAt.Before(f.To)) &&
		(f.Before == "" || c.ID < f.Before)
}

func testListBounds(t *testing.T, s record.Store) {
	for _, filter := range []lsapi.ChangeFilter{{}, {Limit: -1}, {Limit: 1_000_000}, {Limit: 1, Before: "x"}} {
		_, err := s.Changes(t.Context(), filter)
		wantCode(t, err, lsapi.CodeInvalid)
	}
	for _, limit := range []int{1, 10_000} {
		if _, err := s.Changes(t.Context(), lsapi.ChangeFilter{Limit: limit}); err != nil {
			t.Errorf("a limit of %d: %v", limit, err)
		}
	}
}

func testKeys(t *testing.T, s record.Store) {
	key := lsapi.IdempotencyKey{Actor: "alice", Method: "POST", Path: "/elb/web", Key: "k"}
	first := lsapi.Reservation{ChangeID: "c1", BodyHash: "b1"}
	began := time.Now()
	wantKeyFree(t, s, key, first)
	second := lsapi.Reservation{ChangeID: "c2", BodyHash: "b2"}
	ageKeys(t, s, dayLong-time.Hour)
	if taken := reserveKey(t, s, key, second); taken == nil || taken.ChangeID != "c1" || taken.BodyHash != "b1" ||
		taken.At.Before(began.Add(time.Hour-dayLong-time.Minute)) || taken.At.After(began.Add(time.Hour-dayLong+time.Minute)) {
		t.Errorf("within a day it is taken by %+v, want %+v", taken, first)
	}
	other := key
	other.Actor = "bob"
	wantKeyFree(t, s, other, second)
	freeKey(t, s, key, "c2") // not its holder
	wantKeyTaken(t, s, key, "c1")
	ageKeys(t, s, time.Hour+steadyLag)
	wantKeyFree(t, s, key, second)
	freeKey(t, s, key, "c2")
	wantKeyFree(t, s, key, first)
}

func testKeysPruned(t *testing.T, s record.Store) {
	old, fresh := lsapi.IdempotencyKey{Key: "old"}, lsapi.IdempotencyKey{Key: "fresh"}
	wantKeyFree(t, s, old, lsapi.Reservation{ChangeID: "c1"})
	ageKeys(t, s, dayLong+steadyLag)
	wantKeyFree(t, s, fresh, lsapi.Reservation{ChangeID: "c2"})
	if n := pruneKeys(t, s); n != 1 {
		t.Errorf("%d keys were pruned, want 1", n)
	}
	wantKeyTaken(t, s, fresh, "c2")
}

// A key that was reserved under a clock a year ahead does not stay for a year.
func testKeysOfTheFuture(t *testing.T, s record.Store) {
	key := lsapi.IdempotencyKey{Key: "k"}
	wantKeyFree(t, s, key, lsapi.Reservation{ChangeID: "c1"})
	ageKeys(t, s, -365*dayLong)
	wantKeyTaken(t, s, key, "c1")
	pruneKeys(t, s)
	wantKeyTaken(t, s, key, "c1")
	ageKeys(t, s, dayLong+steadyLag)
	wantKeyFree(t, s, key, lsapi.Reservation{ChangeID: "c2"})
}

// What has certainly changed nothing can be tried again under its key; any other
// outcome is an answer.
func testKeysOfOutcomes(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	for outcome, free := range map[lsapi.Outcome]bool{
		"": false, lsapi.OutcomeApplied: false, lsapi.OutcomeConflict: false, lsapi.OutcomeRefused: false,
		lsapi.OutcomeUnknown: false, lsapi.OutcomeFailed: true, lsapi.OutcomeWithdrawn: true,
	} {
		key, c := lsapi.IdempotencyKey{Key: "of " + string(outcome)}, l.change(lsapi.Attach, one)
		wantKeyFree(t, s, key, lsapi.Reservation{ChangeID: c.ID})
		l.intend(c)
		wantKeyTaken(t, s, key, c.ID)
		if outcome != "" {
			l.complete(c, outcome)
		}
		if !free {
			wantKeyTaken(t, s, key, c.ID)
			continue
		}
		wantKeyFree(t, s, key, lsapi.Reservation{ChangeID: "next"})
		wantKeyTaken(t, s, key, "next")
	}
	for overridden, free := range map[bool]bool{false: true, true: false} {
		key, c := lsapi.IdempotencyKey{Key: fmt.Sprint("overridden ", overridden)}, l.change(lsapi.Detach, one)
		c.Guard = &lsapi.GuardVerdict{Rule: "keepLast", Overridden: overridden}
		wantKeyFree(t, s, key, lsapi.Reservation{ChangeID: c.ID})
		l.complete(c, lsapi.OutcomeRefused)
		if !free {
			wantKeyTaken(t, s, key, c.ID)
			continue
		}
		wantKeyFree(t, s, key, lsapi.Reservation{ChangeID: "next"})
	}
}

func testChainEnds(t *testing.T, s record.Store) {
	a, b := newLane(t, s, lsapi.ELB("a")), newLane(t, s, lsapi.ELB("b"))
	a.know(one)
	b.know()
	noted := chainEnds(t, s)
	if len(noted) != 2 || noted[0].Pool != lsapi.ELB("a") || noted[0].Seq != 1 || len(noted[0].Hash) != 64 {
		t.Fatalf("got %+v", noted)
	}
	a.do(lsapi.Detach, one)
	b.do(lsapi.Attach, one)
	found := wantWhole(t, s, append(noted, chainEnds(t, s)...)...)
	if found.Pools != 2 || found.Events != 6 || found.Changes != 2 || len(found.Pruned) != 0 {
		t.Errorf("got %+v", found)
	}
	for why, end := range map[string]lsapi.ChainEnd{
		"later":     {Pool: lsapi.ELB("a"), Seq: 4, Hash: noted[0].Hash},
		"different": {Pool: lsapi.ELB("a"), Seq: 2, Hash: noted[0].Hash},
		"gone":      {Pool: lsapi.ELB("c"), Seq: 1, Hash: noted[0].Hash},
	} {
		if found := verify(t, s, end); found.Breach == nil || found.Breach.Pool != end.Pool || found.Breach.Seq != end.Seq {
			t.Errorf("%s: got %+v", why, found.Breach)
		}
	}
}

func testText(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	for _, text := range []string{"<a href='x'>&\"\\", "日本語 \u2028 😀", "new\nline\ttab\x7f\x01", "''; DROP TABLE events; --"} {
		c := l.change(lsapi.Attach, one)
		c.Reason = text
		l.complete(l.intend(c), lsapi.OutcomeRefused)
		if got, err := s.Change(t.Context(), c.ID); err != nil || got.Reason != text {
			t.Errorf("got %q (%v), want %q", got.Reason, err, text)
		}
	}
	c := l.change(lsapi.Attach, one)
	c.Reason = "bad \xff\x00 bytes"
	l.intend(c)
	if got, err := s.Change(t.Context(), c.ID); err != nil || got.Reason != "bad \uFFFD\uFFFD bytes" {
		t.Errorf("got %q (%v)", got.Reason, err)
	}
	wantWhole(t, s)
}

func testEndedContext(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	c := l.change(lsapi.Attach, one)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // a write that waits may be taken before its context is looked at
		_, err := s.Append(ctx, l.lease, []lsapi.Event{{Kind: lsapi.EventIntended, At: l.now, Change: c}})
		wantCode(t, err, lsapi.CodeTimeout)
	}
	_, err := s.Change(t.Context(), c.ID)
	wantCode(t, err, lsapi.CodeNotFound)
	_, err = s.ChainEnds(ctx)
	wantCode(t, err, lsapi.CodeTimeout)
}

func testConcurrent(t *testing.T, s record.Store) {
	const lanes, changes = 20, 10
	var writers sync.WaitGroup
	for i := range lanes {
		l := newLane(t, s, lsapi.ELB(fmt.Sprintf("lb-%02d", i)))
		writers.Go(func() {
			l.know()
			for j := range changes {
				l.do(lsapi.Attach, lsapi.InstanceMember(fmt.Sprintf("i-%08x", j)))
				bad := lsapi.Event{Kind: lsapi.EventCompleted, At: l.now, Change: l.change(lsapi.Attach, one)}
				good := lsapi.Event{Kind: lsapi.EventIntended, At: l.now, Change: l.change(lsapi.Attach, one)}
				if _, err := s.Append(t.Context(), l.lease, []lsapi.Event{good, bad}); lsapi.ErrorCode(err) != lsapi.CodeInternal {
					t.Errorf("a bad event was recorded: %v", err)
				}
			}
		})
	}
	writers.Wait()
	found := wantWhole(t, s)
	if found.Changes != lanes*changes || found.Pools != lanes {
		t.Errorf("got %+v, want %d changes of %d load balancers", found, lanes*changes, lanes)
	}
}
