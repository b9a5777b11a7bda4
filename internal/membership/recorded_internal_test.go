package membership

import (
	"slices"
	"testing"
	"time"

	"lsapi"
)

func TestChangeIsBelievedToHaveTakenItsTimesAndTheTolerance(t *testing.T) {
	now := time.Now()
	for took, want := range map[time.Duration]time.Duration{
		time.Second: time.Second + lsapi.ClockTolerance,
		-time.Hour:  lsapi.ClockTolerance,
		time.Hour:   maxChange,
	} {
		if got := tookOf(lsapi.Change{IntendedAt: now, CompletedAt: now.Add(took)}); got != want {
			t.Errorf("a change of %v is believed to have taken %v, want %v", took, got, want)
		}
	}
}

func TestIntervalBeginsBeforeAChangeThatTheLastLookMayNotHaveShown(t *testing.T) {
	start := time.Now()
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	r := &recordedMembers{lookedAt: at(100), window: 10 * time.Second, recent: map[string]period{
		"proved": {at(50), at(90)}, "unproved": {at(80), at(91)}, "earlier": {at(70), at(95)}, "later": {at(101), at(102)},
	}}
	for _, test := range []struct {
		ids  []string
		want int
	}{
		{nil, 100},
		{[]string{"other"}, 100},
		{[]string{"proved"}, 100},
		{[]string{"later"}, 100},
		{[]string{"unproved"}, 80},
		{[]string{"earlier", "unproved", "proved"}, 70},
	} {
		if got := r.unchangedUntil(test.ids); !got.Equal(at(test.want)) {
			t.Errorf("%v were unchanged until %v, want %d s", test.ids, got.Sub(start), test.want)
		}
	}
	r.changed(&change{instance: lsapi.Instance{ID: "new"}, sentAt: at(103)}, at(104))
	if _, ok := r.recent["proved"]; ok || len(r.recent) != 4 || r.recent["new"] != (period{at(103), at(104)}) {
		t.Errorf("the recent changes are %v", r.recent)
	}
}

func TestInstancesOfOpenChangesAreNotOutsideChanges(t *testing.T) {
	now := time.Now()
	r := &recordedMembers{known: true, members: map[string]bool{"stays": true, "detaching": true, "gone": true}, lookedAt: now.Add(-time.Minute)}
	members := map[string]bool{"stays": true, "attaching": true, "came": true}
	attaching, detaching := &change{instance: lsapi.Instance{ID: "attaching"}}, &change{instance: lsapi.Instance{ID: "detaching"}}
	event, ok := r.unexplained(members, now, now, attaching, detaching)
	if !ok || !slices.Equal(event.Added, []string{"came"}) || !slices.Equal(event.Removed, []string{"gone"}) {
		t.Errorf("got %+v, %t", event, ok)
	}
	delete(members, "came")
	members["gone"] = true
	if event, ok := r.unexplained(members, now, now, attaching, detaching); ok {
		t.Errorf("got %+v", event)
	}
}

func TestOverlayKeepsTheOrderOfAWSAndListsNobodyTwice(t *testing.T) {
	start := time.Now()
	o := overlay{
		"shown":    {member: true, at: start.Add(1)},
		"missing2": {member: true, at: start.Add(3)},
		"missing1": {member: true, at: start.Add(2)},
		"detached": {at: start.Add(1)},
		"old":      {at: start.Add(-1)},
		"older":    {member: true, at: start.Add(-1)},
	}
	got := o.over([]string{"shown", "detached", "old", "other"}, start)
	if want := []string{"shown", "old", "other", "missing1", "missing2"}; !slices.Equal(got, want) {
		t.Errorf("the members are %v, want %v", got, want)
	}
}

func TestOverlayTakesOnlyLaterChanges(t *testing.T) {
	start := time.Now()
	learned := func(id string, seq int64, at time.Time) lsapi.AppliedChange {
		return lsapi.AppliedChange{Change: lsapi.Change{ID: id, Action: lsapi.Attach, InstanceID: "i"}, Seq: seq, At: at}
	}
	own := applied{at: start, change: "own", seq: 7}
	for _, test := range []struct {
		name string
		c    lsapi.AppliedChange
		news bool
		want applied
	}{
		{"the event before the own change", learned("other", 7, start.Add(-time.Hour)), false, own},
		{"a later change that is stamped earlier", learned("other", 9, start.Add(-time.Hour)), true, applied{member: true, at: start.Add(-time.Hour), change: "other", seq: 9}},
		{"itself", learned("own", 8, start), false, own},
		{"itself, stamped later", learned("own", 8, start.Add(time.Hour)), false, own},
		{"itself, stamped earlier", learned("own", 8, start.Add(-time.Second)), false, applied{at: start.Add(-time.Second), change: "own", seq: 7}},
	} {
		o := overlay{"i": own}
		if news := o.lay(test.c); news != test.news || o["i"] != test.want {
			t.Errorf("%s: news %v, the overlay has %+v, want %+v", test.name, news, o["i"], test.want)
		}
	}
}

func TestReadThatEndedBeforeTheLastLookExplainsNothing(t *testing.T) {
	began := time.Now()
	ended := began.Add(2 * time.Second)
	for looked, want := range map[time.Duration]bool{-time.Second: true, time.Second: true, 3 * time.Second: false} {
		r := &recordedMembers{known: true, lookedAt: began.Add(looked)}
		event, ok := r.unexplained(map[string]bool{"i": true}, began, ended)
		if ok != want || ok && event.Until.Before(event.Since) {
			t.Errorf("the last look was %v after the read began: %v, %+v", looked, ok, event)
		}
	}
}
