package overlay

import (
	"slices"
	"testing"
	"time"

	"lsapi"
)

func TestChangesKeepTheOrderOfAWSAndListEachMemberOnce(t *testing.T) {
	start := time.Now()
	c := changes{
		lsapi.InstanceMember("shown"):    {member: true, at: start.Add(1)},
		lsapi.InstanceMember("missing2"): {member: true, at: start.Add(3)},
		lsapi.InstanceMember("missing1"): {member: true, at: start.Add(2)},
		lsapi.InstanceMember("detached"): {at: start.Add(1)},
		lsapi.InstanceMember("old"):      {at: start.Add(-1)},
		lsapi.InstanceMember("older"):    {member: true, at: start.Add(-1)},
		lsapi.InstanceMember("voided"):   {member: true, at: start.Add(1), void: true},
	}
	got := c.over([]lsapi.MemberID{lsapi.InstanceMember("shown"), lsapi.InstanceMember("detached"), lsapi.InstanceMember("old"), lsapi.InstanceMember("other")}, start)
	if want := []lsapi.MemberID{lsapi.InstanceMember("shown"), lsapi.InstanceMember("old"), lsapi.InstanceMember("other"), lsapi.InstanceMember("missing1"), lsapi.InstanceMember("missing2")}; !slices.Equal(got, want) {
		t.Errorf("the members are %v, want %v", got, want)
	}
}

func TestChangesTakeOnlyLaterOnes(t *testing.T) {
	start := time.Now()
	recorded := func(id string, seq int64, at time.Time) lsapi.AppliedChange {
		return lsapi.AppliedChange{Change: lsapi.Change{ID: id, Action: lsapi.Attach, Member: lsapi.InstanceMember("i")}, Seq: seq, At: at}
	}
	outside := func(seq int64) lsapi.AppliedChange {
		c := lsapi.Change{ID: "outside", Action: lsapi.Detach, Member: lsapi.InstanceMember("i"), Source: lsapi.SourceExternal}
		return lsapi.AppliedChange{Change: c, Seq: seq, At: start}
	}
	own := applied{at: start, change: "own", seq: 7}
	for _, test := range []struct {
		name  string
		c     lsapi.AppliedChange
		later bool
		want  applied
	}{
		{"the event before the own change", recorded("other", 7, start.Add(-time.Hour)), false, own},
		{"a later change that is stamped earlier", recorded("other", 9, start.Add(-time.Hour)), true, applied{member: true, at: start.Add(-time.Hour), change: "other", seq: 9}},
		{"itself", recorded("own", 8, start), false, own},
		{"itself, stamped later", recorded("own", 8, start.Add(time.Hour)), false, own},
		{"itself, stamped earlier", recorded("own", 8, start.Add(-time.Second)), false, applied{at: start.Add(-time.Second), change: "own", seq: 7}},
		{"an outside change that was observed later", outside(9), false, applied{at: start, change: "outside", seq: 9, void: true}},
		{"an outside change that was observed before", outside(6), false, own},
	} {
		c := changes{lsapi.InstanceMember("i"): own}
		if later := c.lay(test.c); later != test.later || c[lsapi.InstanceMember("i")] != test.want {
			t.Errorf("%s: later %v, the changes hold %+v, want %+v", test.name, later, c[lsapi.InstanceMember("i")], test.want)
		}
	}
}
