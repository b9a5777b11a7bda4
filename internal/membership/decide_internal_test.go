package membership

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lsapi"
)

func TestDecideChecksTheInstanceBeforeTheMembership(t *testing.T) {
	running := lsapi.Instance{ID: "i", Type: "t2.micro", State: lsapi.StateRunning}
	stopped := lsapi.Instance{ID: "i", Type: "t2.micro", State: "stopped"}
	unknown := lsapi.Instance{ID: "i"}
	for _, test := range []struct {
		action   lsapi.Action
		instance lsapi.Instance
		isMember bool
		want     lsapi.Code
	}{
		{lsapi.Attach, running, false, ""},
		{lsapi.Attach, running, true, lsapi.CodeConflict},
		{lsapi.Attach, stopped, false, lsapi.CodeInvalid},
		{lsapi.Attach, stopped, true, lsapi.CodeInvalid},
		{lsapi.Attach, unknown, false, lsapi.CodeInvalid},
		{lsapi.Detach, running, true, ""},
		{lsapi.Detach, stopped, true, ""},
		{lsapi.Detach, unknown, true, ""},
		{lsapi.Detach, running, false, lsapi.CodeConflict},
		{lsapi.Detach, unknown, false, lsapi.CodeConflict},
	} {
		var got lsapi.Code
		if err := decide(test.action, lsapi.InstanceMember("i"), test.instance, test.isMember, lsapi.ELB("web")); err != nil {
			got = err.Code
		}
		if got != test.want {
			t.Errorf("%s of %+v, a member %v: %q, want %q", test.action, test.instance, test.isMember, got, test.want)
		}
	}
}

func TestJudgeSettlesWhatAReadProves(t *testing.T) {
	const window = 10 * time.Second
	start := time.Now()
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	with, without := map[lsapi.MemberID]bool{lsapi.InstanceMember("i"): true}, map[lsapi.MemberID]bool{lsapi.InstanceMember("other"): true}
	gone, failed := &lsapi.Error{Code: lsapi.CodeNotFound}, errors.New("AWS failed")
	for name, test := range map[string]struct {
		action lsapi.Action
		v      view // of a call that ends at 10 s; reads are trusted from 5 s on
		want   lsapi.Outcome
	}{
		"an attach that shows":                      {lsapi.Attach, view{began: at(5), shown: with}, lsapi.OutcomeApplied},
		"a detach that shows":                       {lsapi.Detach, view{began: at(5), shown: without}, lsapi.OutcomeApplied},
		"a read that lags behind the change before": {lsapi.Attach, view{began: at(4), shown: with}, stillOpen},
		"an attach that may still take effect":      {lsapi.Attach, view{began: at(20), shown: without}, stillOpen},
		"an attach that can no longer take effect":  {lsapi.Attach, view{began: at(21), shown: without}, lsapi.OutcomeFailed},
		"a detach that can no longer take effect":   {lsapi.Detach, view{began: at(21), shown: with}, lsapi.OutcomeFailed},
		"a late effect":                             {lsapi.Attach, view{began: at(21), shown: with}, lsapi.OutcomeApplied},
		"a deleted load balancer":                   {lsapi.Attach, view{began: at(5), err: gone}, lsapi.OutcomeUnknown},
		"a failed read":                             {lsapi.Attach, view{began: at(30), err: failed}, stillOpen},
		"failed reads for too long":                 {lsapi.Attach, view{began: at(31), err: failed}, lsapi.OutcomeUnknown},
		"a read of the members without the lookups": {lsapi.Attach, view{began: at(5), shown: with, err: failed}, lsapi.OutcomeApplied},
	} {
		c := &change{action: test.action, member: lsapi.InstanceMember("i"), deadline: at(10), trusted: at(5)}
		if got := judge(c, test.v, window); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestDiffLeadsFromOneMembershipToAnother(t *testing.T) {
	for _, test := range []struct{ from, to, added, removed []lsapi.MemberID }{
		{nil, nil, nil, nil},
		{[]lsapi.MemberID{lsapi.InstanceMember("a")}, []lsapi.MemberID{lsapi.InstanceMember("a")}, nil, nil},
		{nil, []lsapi.MemberID{lsapi.InstanceMember("b"), lsapi.InstanceMember("a")}, []lsapi.MemberID{lsapi.InstanceMember("a"), lsapi.InstanceMember("b")}, nil},
		{[]lsapi.MemberID{lsapi.InstanceMember("b"), lsapi.InstanceMember("a")}, nil, nil, []lsapi.MemberID{lsapi.InstanceMember("a"), lsapi.InstanceMember("b")}},
		{[]lsapi.MemberID{lsapi.InstanceMember("a"), lsapi.InstanceMember("b")}, []lsapi.MemberID{lsapi.InstanceMember("c"), lsapi.InstanceMember("b")}, []lsapi.MemberID{lsapi.InstanceMember("c")}, []lsapi.MemberID{lsapi.InstanceMember("a")}},
		{[]lsapi.MemberID{lsapi.InstanceMember("a"), lsapi.InstanceMember("held")}, nil, nil, []lsapi.MemberID{lsapi.InstanceMember("a")}},
		{nil, []lsapi.MemberID{lsapi.InstanceMember("held")}, nil, nil},
	} {
		added, removed := diff(setOf(test.from), setOf(test.to), setOf([]lsapi.MemberID{lsapi.InstanceMember("held")}))
		if !slices.Equal(added, test.added) || !slices.Equal(removed, test.removed) || added != nil && len(added) == 0 {
			t.Errorf("from %v to %v: +%v -%v, want +%v -%v", test.from, test.to, added, removed, test.added, test.removed)
		}
	}
}

// queued returns a queue of requests, each "instance" or "-instance" for a detach.
func queued(requests ...string) *queue {
	q := &queue{shared: &shared{stopping: context.Background()}, pool: lsapi.ELB("web")}
	for _, id := range requests {
		r := lsapi.Request{Action: lsapi.Attach, Member: lsapi.InstanceMember(id)}
		if id[0] == '-' {
			r = lsapi.Request{Action: lsapi.Detach, Member: lsapi.InstanceMember(id[1:])}
		}
		q.waiting = append(q.waiting, newCaller(context.Background(), r, ""))
	}
	return q
}

func names(callers []*caller) []string {
	var ids []string
	for _, c := range callers {
		for _, item := range c.Items {
			if item.Action == lsapi.Detach {
				ids = append(ids, "-"+item.Member.String())
			} else {
				ids = append(ids, item.Member.String())
			}
		}
	}
	return ids
}

func TestQueueGivesARoundOneDirectionOfEachInstance(t *testing.T) {
	many := make([]string, 0, maxBatch+1)
	for i := range maxBatch + 1 {
		many = append(many, string(rune('A'+i)))
	}
	for name, test := range map[string]struct{ queue, held, batch, rest []string }{
		"all at once":            {[]string{"a", "-b", "a"}, nil, []string{"a", "-b", "a"}, nil},
		"a reversal":             {[]string{"a", "-a", "b"}, nil, []string{"a"}, []string{"-a", "b"}},
		"a held instance":        {[]string{"a", "b", "a"}, []string{"a"}, []string{"b"}, []string{"a", "a"}},
		"held before a reversal": {[]string{"a", "b", "-b"}, []string{"a"}, []string{"b"}, []string{"a", "-b"}},
		"more than a batch":      {many, nil, many[:maxBatch], many[maxBatch:]},
		"nothing":                {nil, nil, nil, nil},
	} {
		q := queued(test.queue...)
		var open []*change
		for _, id := range test.held {
			open = append(open, &change{member: lsapi.InstanceMember(id)})
		}
		batch := q.take(open)
		if !slices.Equal(names(batch), test.batch) || !slices.Equal(names(q.waiting), test.rest) {
			t.Errorf("%s: the batch is %v, and %v wait", name, names(batch), names(q.waiting))
		}
	}
}

// A caller is "+a" or "-a" of one change, several of them of a bulk, "=a b" of a desired set,
// "*" in front for a precondition, and "?" for a dry run.
func callerOf(text string) *caller {
	text, dryRun := strings.CutPrefix(text, "?")
	text, matches := strings.CutPrefix(text, "*")
	members, isDesired := strings.CutPrefix(text, "=")
	b := lsapi.Bulk{BulkID: "bulk", Pool: lsapi.ELB("web"), Terms: lsapi.Terms{DryRun: dryRun}}
	if matches {
		b.IfMatch = []string{"version"}
	}
	if isDesired {
		b.Desired = new(lsapi.DesiredMembers)
	}
	for id := range strings.FieldsSeq(members) {
		member, isDetach := strings.CutPrefix(id, "-")
		item := lsapi.BulkItem{Action: lsapi.Attach, Member: lsapi.InstanceMember(strings.TrimPrefix(member, "+"))}
		if isDetach {
			item.Action = lsapi.Detach
		}
		b.Items = append(b.Items, item)
	}
	if len(b.Items) == 1 && !isDesired {
		return newCaller(context.Background(), lsapi.Request{Action: b.Items[0].Action, Pool: b.Pool, Member: b.Items[0].Member, Terms: b.Terms}, "")
	}
	return newBulkCaller(context.Background(), b, "")
}

func TestRoundHasCallersThatDoNotDependOnEachOther(t *testing.T) {
	large := "+x"
	for i := range maxBatch {
		large += fmt.Sprint(" +x", i)
	}
	for name, test := range map[string]struct {
		callers, open []string
		taken         int   // of the first round
		rest          []int // that wait, by number
	}{
		"a bulk beside others":                    {[]string{"+a", "+b -c", "+d"}, nil, 3, nil},
		"a bulk with a member of one before it":   {[]string{"+a", "+a +b"}, nil, 1, []int{1}},
		"requests for changes of a bulk":          {[]string{"+a -b", "+a", "-b"}, nil, 3, nil},
		"a reversal of one of a bulk":             {[]string{"+a -b", "+b"}, nil, 1, []int{1}},
		"a precondition is first":                 {[]string{"*+a", "+b", "*+c"}, nil, 2, []int{2}},
		"a desired set is alone":                  {[]string{"=a b", "+c"}, nil, 1, []int{1}},
		"a desired set behind others":             {[]string{"+c", "=a b"}, nil, 1, []int{1}},
		"a dry run behind a change of its member": {[]string{"+a", "?+a"}, nil, 1, []int{1}},
		"changes of the member of a dry run":      {[]string{"?+a", "-a", "+b"}, nil, 3, nil},
		"a large bulk is alone":                   {[]string{large, "+a"}, nil, 1, []int{1}},
		"a large bulk behind others":              {[]string{"+a", large}, nil, 1, []int{1}},
		"a bulk with an open change":              {[]string{"+a +b", "-b", "+c"}, []string{"a"}, 1, []int{0, 1}},
		"all members with an open change":         {[]string{"=a", "*+b", "+c"}, []string{"z"}, 1, []int{0, 1}},
	} {
		q := queued()
		var all []*caller
		for _, text := range test.callers {
			all = append(all, callerOf(text))
		}
		q.waiting = slices.Clone(all)
		var open []*change
		for _, id := range test.open {
			open = append(open, &change{member: lsapi.InstanceMember(id)})
		}
		taken := q.take(open)
		var rest []int
		for _, c := range q.waiting {
			rest = append(rest, slices.Index(all, c))
		}
		if len(taken) != test.taken || !slices.Equal(rest, test.rest) {
			t.Errorf("%s: %d are taken, and %v wait", name, len(taken), rest)
		}
	}
}

func TestQueueKeepsWithdrawnRequestsApart(t *testing.T) {
	q := queued("a", "b")
	q.waiting[0].stage.Store(stageWithdrawn)
	left := q.waiting[0]
	if batch := q.take(nil); !slices.Equal(names(batch), []string{"b"}) || !q.hasWithdrawn() {
		t.Errorf("the batch is %v", names(batch))
	}
	withdrawn := q.takeWithdrawn()
	if len(withdrawn) != 1 || !slices.Equal(withdrawn[0], left.requests) || q.hasWithdrawn() {
		t.Errorf("withdrawn are %v", withdrawn)
	}
	q.keepWithdrawn(withdrawn)
	if !q.hasWithdrawn() || q.len() != 0 {
		t.Error("the withdrawn request is lost")
	}
}

func TestRequeuedRequestsComeFirst(t *testing.T) {
	q := queued("b")
	q.requeue(queued("a").waiting)
	if got := names(q.takeWaiting()); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%v wait", got)
	}
}

func TestOpenChangesFollowTheRecord(t *testing.T) {
	mine := func(id string) *change {
		return &change{member: lsapi.InstanceMember("i-" + id), recorded: lsapi.Change{ID: id}}
	}
	a, b := mine("a"), mine("b")
	var open openChanges
	open.add(a)
	open.add(b)
	settled := open.reconcile([]lsapi.Change{{ID: "other"}, {ID: "b"}}, func(c lsapi.Change) *change { return mine(c.ID) })
	if !slices.Equal(settled, []*change{a}) || len(open.changes) != 2 || open.changes[1] != b || !slices.Equal(membersOf(open.changes), []lsapi.MemberID{lsapi.InstanceMember("i-other"), lsapi.InstanceMember("i-b")}) {
		t.Errorf("settled are %v, open %v", settled, open.changes)
	}
	open.drop([]withdrawal{{{changeID: "b"}}})
	if len(open.changes) != 1 || open.changes[0] == b {
		t.Errorf("open are %v", open.changes)
	}
}
