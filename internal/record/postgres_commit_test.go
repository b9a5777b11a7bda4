package record_test

import (
	"errors"
	"slices"
	"testing"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

// A connection that is lost at the commit leaves open whether the page was
// recorded. Appended again, it is there once, either way.
func TestRetriedBatchIsRecordedOnce(t *testing.T) {
	for _, fate := range []fate{lost, unanswered} {
		t.Run(string(fate), func(t *testing.T) {
			direct := postgrestest.URL(t)
			network, url := proxied(t, direct)
			s, witness := openURL(t, url, record.Options{}), openURL(t, direct, record.Options{ReadOnly: true})
			l := newLane(t, s, lsapi.ELB("web"))
			l.know(one)
			c := l.intend(l.change(lsapi.Attach, two))
			c.Outcome, c.MembersAfter = lsapi.OutcomeApplied, new(2)
			page := []lsapi.Event{
				{Kind: lsapi.EventCompleted, At: l.now, Change: c},
				{Kind: lsapi.EventObserved, At: l.now, Since: noon, Until: l.after(1).now, Added: []lsapi.MemberID{three}},
			}
			before := chainEnds(t, witness)
			network.commits <- fate
			_, err := s.Append(t.Context(), l.lease, page)
			wantCode(t, err, lsapi.CodeTimeout)
			recorded := func() bool { return !slices.Equal(chainEnds(t, witness), before) }
			if fate == unanswered {
				soon(t, "the batch to be recorded", recorded)
			} else if recorded() {
				t.Fatal("the page was recorded")
			}
			l.append(page...)
			after := chainEnds(t, witness)
			l.append(page...)
			if again := chainEnds(t, witness); !slices.Equal(again, after) || after[0].Seq != before[0].Seq+2 {
				t.Errorf("from %+v the log went to %+v and to %+v", before, after, again)
			}
			wantWhole(t, s)
		})
	}
}

// Whatever is cut when, no event is recorded twice and none that was acknowledged
// is missing.
func TestConnectionsCutAtCommitsLoseNoEvent(t *testing.T) {
	network, url := proxied(t, postgrestest.URL(t))
	s := openURL(t, url, record.Options{})
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	var want []string
	for i := range 60 {
		fates := []fate{lost, unanswered, "", ""}
		if f := fates[i%len(fates)]; f != "" {
			network.commits <- f
		}
		c := l.change(lsapi.Attach, one)
		page := []lsapi.Event{{Kind: lsapi.EventIntended, At: l.now, Change: c}}
		for {
			_, err := s.Append(t.Context(), l.lease, page)
			if err == nil {
				break
			}
			if code := lsapi.ErrorCode(err); code != lsapi.CodeTimeout && code != lsapi.CodeUnavailable || errors.Is(err, lsapi.ErrLeaseLost) {
				t.Fatal(err)
			}
		}
		want = append(want, c.ID)
	}
	var got []string
	for _, c := range l.state().Open {
		got = append(got, c.ID)
	}
	slices.Sort(want)
	slices.Sort(got)
	wantEqual(t, got, want...)
	if found := wantWhole(t, s); found.Changes != len(want) {
		t.Errorf("there are %d changes, want %d", found.Changes, len(want))
	}
}
