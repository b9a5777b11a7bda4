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
	r.changed([]*change{{member: lsapi.InstanceMember("new"), sentAt: at(103)}}, at(104))
	if _, ok := r.recent[lsapi.InstanceMember("proved")]; ok || len(r.recent) != 4 || r.recent[lsapi.InstanceMember("new")] != (period{at(103), at(104)}) {
		t.Errorf("the recent changes are %v", r.recent)
	}
}

func TestInstancesOfOpenChangesAreNotOutsideChanges(t *testing.T) {
	now := time.Now()
	r := &recordedMembers{known: true, members: map[lsapi.MemberID]bool{lsapi.InstanceMember("stays"): true, lsapi.InstanceMember("detaching"): true, lsapi.InstanceMember("gone"): true}, lookedAt: now.Add(-time.Minute)}
	members := map[lsapi.MemberID]bool{lsapi.InstanceMember("stays"): true, lsapi.InstanceMember("attaching"): true, lsapi.InstanceMember("came"): true}
	attaching, detaching := &change{member: lsapi.InstanceMember("attaching")}, &change{member: lsapi.InstanceMember("detaching")}
	found := look{members: members, began: now, ended: now}
	events := r.unexplained(found, attaching, detaching)
	if len(events) != 1 || !slices.Equal(events[0].Added, []lsapi.MemberID{lsapi.InstanceMember("came")}) || !slices.Equal(events[0].Removed, []lsapi.MemberID{lsapi.InstanceMember("gone")}) {
		t.Errorf("got %+v", events)
	}
	delete(members, lsapi.InstanceMember("came"))
	members[lsapi.InstanceMember("gone")] = true
	if events := r.unexplained(found, attaching, detaching); len(events) > 0 {
		t.Errorf("got %+v", events)
	}
}

func TestReadThatEndedBeforeTheLastLookExplainsNothing(t *testing.T) {
	began := time.Now()
	ended := began.Add(2 * time.Second)
	for looked, want := range map[time.Duration]bool{-time.Second: true, time.Second: true, 3 * time.Second: false} {
		r := &recordedMembers{known: true, lookedAt: began.Add(looked)}
		for incarnation, wanted := range map[string]int{"": 1, "other": 2} { // in the second case another pool
			r.incarnation, r.members = "same", map[lsapi.MemberID]bool{lsapi.InstanceMember("j"): true}
			if incarnation == "" {
				r.members = nil
			}
			found := look{members: map[lsapi.MemberID]bool{lsapi.InstanceMember("i"): true}, incarnation: incarnation, began: began, ended: ended}
			if got := r.isReplacedBy(found); got != (want && incarnation != "") {
				t.Errorf("the last read was %v after the read began: another pool is %t", looked, got)
			}
			events := r.unexplained(found)
			if len(events) > 0 != want || want && (len(events) != wanted || events[0].Until.Before(events[0].Since)) {
				t.Errorf("the last read was %v after the read began: %+v", looked, events)
			}
		}
	}
}

func TestAnotherIncarnationHasNoRecentChanges(t *testing.T) {
	r := &recordedMembers{recent: map[lsapi.MemberID]period{lsapi.InstanceMember("i"): {}}}
	for _, step := range []struct {
		incarnation string
		want        int
	}{{"", 1}, {"a", 1}, {"", 1}, {"a", 1}, {"b", 0}} {
		r.note([]lsapi.Event{{Kind: lsapi.EventCheckpoint, Incarnation: step.incarnation}})
		if len(r.recent) != step.want {
			t.Errorf("%q has %d recent changes, want %d", step.incarnation, len(r.recent), step.want)
		}
	}
}
