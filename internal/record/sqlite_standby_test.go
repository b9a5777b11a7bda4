package record_test

import (
	"context"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

// openStandby opens a file of which another store is the owner.
func openStandby(t *testing.T, path string, p *learner) record.Store {
	t.Helper()
	return openURL(t, "sqlite://"+path, record.Options{Learn: p.learn})
}

// anHourAgo makes what is recorded old.
const anHourAgo = "UPDATE events SET recorded_at = recorded_at - 3600000000"

func TestStandbyLearnsTheOwnersChanges(t *testing.T) {
	path := newFile(t)
	owner := openFile(t, path)
	web, api := newLane(t, owner, lsapi.ELB("web")), newLane(t, owner, lsapi.ELB("api"))
	web.now = time.Now().Add(-time.Hour)
	web.do(lsapi.Attach, three)
	edit(t, path, anHourAgo)
	p := newLearner()
	standby := openStandby(t, path, p)
	web.now, api.now = time.Now().Add(-time.Minute), time.Now().Add(-time.Minute)

	best := time.Hour
	for _, action := range []lsapi.Action{lsapi.Attach, lsapi.Detach, lsapi.Attach, lsapi.Detach, lsapi.Attach} {
		c := web.do(action, one)
		recorded := time.Now()
		soon(t, "a change of the owner", func() bool { _, ok := p.learned(c.ID); return ok })
		at, _ := p.learned(c.ID)
		best = min(best, at.Sub(recorded))
	}
	if best > 100*time.Millisecond {
		t.Errorf("the quickest of five changes was learned after %v", best)
	}
	web.complete(web.intend(web.change(lsapi.Attach, two)), lsapi.OutcomeRefused)
	last := api.do(lsapi.Attach, two)
	soon(t, "a change of another load balancer", func() bool { return len(p.of(lsapi.ELB("api"))) > 0 })
	if received := p.of(lsapi.ELB("web")); len(received) != 5 || received[4].Member != one || received[4].Action != lsapi.Attach {
		t.Errorf("of web learned %+v", received)
	}
	if received := p.of(lsapi.ELB("api")); len(received) != 1 || received[0].ID != last.ID || received[0].Instance != last.Instance || received[0].CompletedAt.IsZero() {
		t.Errorf("of api learned %+v", received)
	}
	if err := standby.Ready(t.Context()); lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
		t.Errorf("it is ready: %v", err)
	}
}

// AWS may not show yet what was applied before the standby began.
func TestStandbyLearnsRecentChangesAtItsStart(t *testing.T) {
	path := newFile(t)
	web := newLane(t, openFile(t, path), lsapi.ELB("web"))
	web.now = time.Now().Add(-time.Hour)
	web.do(lsapi.Attach, three)
	edit(t, path, anHourAgo)
	web.now = time.Now().Add(-time.Second)
	c := web.do(lsapi.Attach, one)
	p := newLearner()
	openStandby(t, path, p)
	soon(t, "the change", func() bool { return len(p.of(lsapi.ELB("web"))) > 0 })
	if received := p.of(lsapi.ELB("web")); len(received) != 1 || received[0].ID != c.ID {
		t.Errorf("learned %+v", received)
	}
}

func TestStandbyLearnsAllChangesBeforeItTakesOver(t *testing.T) {
	path := newFile(t)
	owner := openFile(t, path)
	web := newLane(t, owner, lsapi.ELB("web"))
	web.now = time.Now().Add(-time.Minute)
	p := newLearner()
	standby := openStandby(t, path, p)
	var last lsapi.Change
	for range 5 {
		web.do(lsapi.Attach, one)
		last = web.do(lsapi.Detach, one)
	}
	if err := owner.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the standby to take over", func() bool { return standby.Ready(t.Context()) == nil })
	soon(t, "the last change", func() bool { _, ok := p.learned(last.ID); return ok })
}
