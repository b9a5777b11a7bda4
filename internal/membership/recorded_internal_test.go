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
	r := &recordedMembers{lookedAt: at(100), window: 10 * time.Second, recent: map[lsapi.MemberID]period{
		lsapi.InstanceMember("proved"): {at(50), at(90)}, lsapi.InstanceMember("unproved"): {at(80), at(91)}, lsapi.InstanceMember("earlier"): {at(70), at(95)}, lsapi.InstanceMember("later"): {at(101), at(102)},
	}}
	for _, test := range []struct {
		ids  []lsapi.MemberID
		want int
	}{
		{nil, 100},
		{[]lsapi.MemberID{lsapi.InstanceMember("other")}, 100},
		{[]lsapi.MemberID{lsapi.InstanceMember("proved")}, 100},
		{[]lsapi.MemberID{lsapi.InstanceMember("later")}, 100},
		{[]lsapi.MemberID{lsapi.InstanceMember("unproved")}, 80},
		{[]lsapi.MemberID{lsapi.InstanceMember("earlier"), lsapi.InstanceMember("unproved"), lsapi.InstanceMember("proved")}, 70},
	} {
		if got := r.unchangedUntil(test.ids); !got.Equal(at(test.want)) {
			t.Errorf("%v were unchanged until %v, want %d s", test.ids, got.Sub(start), test.want)
		}
	}
	r.changed(&change{member: lsapi.InstanceMember("new"), sentAt: at(103)}, at(104))
	if _, ok := r.recent[lsapi.InstanceMember("proved")]; ok || len(r.recent) != 4 || r.recent[lsapi.InstanceMember("new")] != (period{at(103), at(104)}) {
		t.Errorf("the recent changes are %v", r.recent)
	}
}

func TestInstancesOfOpenChangesAreNotOutsideChanges(t *testing.T) {
	now := time.Now()
	r := &recordedMembers{known: true, members: map[lsapi.MemberID]bool{lsapi.InstanceMember("stays"): true, lsapi.InstanceMember("detaching"): true, lsapi.InstanceMember("gone"): true}, lookedAt: now.Add(-time.Minute)}
	members := map[lsapi.MemberID]bool{lsapi.InstanceMember("stays"): true, lsapi.InstanceMember("attaching"): true, lsapi.InstanceMember("came"): true}
	attaching, detaching := &change{member: lsapi.InstanceMember("attaching")}, &change{member: lsapi.InstanceMember("detaching")}
	event, ok := r.unexplained(members, now, now, attaching, detaching)
	if !ok || !slices.Equal(event.Added, []lsapi.MemberID{lsapi.InstanceMember("came")}) || !slices.Equal(event.Removed, []lsapi.MemberID{lsapi.InstanceMember("gone")}) {
		t.Errorf("got %+v, %t", event, ok)
	}
	delete(members, lsapi.InstanceMember("came"))
	members[lsapi.InstanceMember("gone")] = true
	if event, ok := r.unexplained(members, now, now, attaching, detaching); ok {
		t.Errorf("got %+v", event)
	}
}

func TestReadThatEndedBeforeTheLastLookExplainsNothing(t *testing.T) {
	began := time.Now()
	ended := began.Add(2 * time.Second)
	for looked, want := range map[time.Duration]bool{-time.Second: true, time.Second: true, 3 * time.Second: false} {
		r := &recordedMembers{known: true, lookedAt: began.Add(looked)}
		event, ok := r.unexplained(map[lsapi.MemberID]bool{lsapi.InstanceMember("i"): true}, began, ended)
		if ok != want || ok && event.Until.Before(event.Since) {
			t.Errorf("the last read was %v after the read began: %v, %+v", looked, ok, event)
		}
	}
}
