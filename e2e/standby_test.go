package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// takeover bounds the time until a standby owns the file: it tries five times a second,
// on a busy machine.
const takeover = testTimeout / 2

func TestStandbyTakesOverAfterKill(t *testing.T) {
	t.Parallel()
	store := places["SQLite"](t)
	a, owner := startBoth(t, at(store))
	owner.attach("web-elb", otherSpare)
	standby := startService(t, a.base, at(store))

	if list := standby.get("/elb/web-elb"); list.status != http.StatusOK || !slices.Contains(list.ids(t), otherSpare) {
		t.Errorf("a list is %d: %s", list.status, list.body)
	}
	if changes := standby.changes(""); len(changes) != 1 {
		t.Errorf("it reads %+v", changes)
	}
	calls := a.calls()
	for _, refused := range []response{standby.attach("default-elb", spare), standby.attachOnce("k7", spare)} {
		if refused.status != http.StatusServiceUnavailable || refused.header.Get("Retry-After") == "" || !strings.Contains(refused.errorText(t, "message"), "standby") {
			t.Errorf("a change is %d, Retry-After %q: %s", refused.status, refused.header.Get("Retry-After"), refused.body)
		}
	}
	if now := a.calls(); now[register] != calls[register] {
		t.Errorf("AWS was called %v", now)
	}
	if ready := standby.get("/readyz"); ready.status != http.StatusServiceUnavailable || !strings.Contains(ready.body, "standby") {
		t.Errorf("/readyz is %d: %s", ready.status, ready.body)
	}
	if up := standby.get("/healthcheck"); up.status != http.StatusOK {
		t.Errorf("/healthcheck is %d: %s", up.status, up.body)
	}

	left := unanswered(t, a, owner, `"after":true`)
	owner.kill()
	died := time.Now()
	eventually(t, "the standby is ready", func() bool { return standby.get("/readyz").status == http.StatusOK })
	if took := time.Since(died); took > takeover {
		t.Errorf("it took over after %v", took)
	}
	standby.settled(left.ID).is(t, "applied", "inferred")
	if answer := standby.detach("default-elb", spare); answer.status != http.StatusCreated || a.calls()[register] != calls[register]+1 {
		t.Errorf("a change is %d %s, AWS was called %v", answer.status, answer.body, a.calls())
	}
	verify(t, store)
}

func TestStandbyTakesOverAfterStop(t *testing.T) {
	t.Parallel()
	store := places["SQLite"](t)
	a, owner := startBoth(t, at(store))
	standby := startService(t, a.base, at(store))
	owner.attach("default-elb", spare)
	if status := owner.stop(); status != 0 {
		t.Errorf("the owner stops with status %d", status)
	}
	eventually(t, "the standby is ready", func() bool { return standby.get("/readyz").status == http.StatusOK })
	if answer := standby.attach("default-elb", spare); answer.status != http.StatusConflict {
		t.Errorf("what the owner attached is %d: %s", answer.status, answer.body)
	}
	verify(t, store)
}

// Despite the lag of AWS's reads, lists of a standby show the owner's changes at once, and
// keep showing them.
func TestStandbyListsShowOwnersChanges(t *testing.T) {
	t.Parallel()
	const lag, soon = 5 * time.Second, 100 * time.Millisecond
	store := places["SQLite"](t)
	a := startAWS(t, "--lag", lag.String())
	owner := startService(t, a.base, at(store))
	standby := startService(t, a.base, at(store))
	members := func() []string { return standby.get("/elb/default-elb").ids(t) }
	before := members()

	quickest := time.Hour
	// A busy machine needs several attempts.
	for end := time.Now().Add(testTimeout); quickest > soon && time.Now().Before(end); {
		owner.attach("default-elb", spare)
		attached := time.Now()
		eventually(t, "the standby's list shows it", func() bool { return slices.Contains(members(), spare) })
		quickest = min(quickest, time.Since(attached))
		owner.detach("default-elb", spare)
		eventually(t, "the standby's list does not show it", func() bool { return !slices.Contains(members(), spare) })
	}
	if quickest > soon {
		t.Errorf("the quickest of all changes was shown after %v", quickest)
	}
	gone := before[0]
	owner.detach("default-elb", gone)
	eventually(t, "the standby's list does not show it", func() bool { return !slices.Contains(members(), gone) })
	for until := time.Now().Add(lag + time.Second); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		if slices.Contains(members(), gone) {
			t.Fatalf("the standby's list shows %s again", gone)
		}
	}
}
