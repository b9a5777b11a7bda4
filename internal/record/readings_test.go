package record_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

// readings returns all that a record returns of some pools, one thing a line.
func readings(t testing.TB, s record.Store, pools ...lsapi.PoolID) string {
	t.Helper()
	b := new(strings.Builder)
	changes, err := s.Changes(t.Context(), lsapi.ChangeFilter{Limit: 1000})
	must(t, err)
	for _, c := range changes {
		fmt.Fprintln(b, "change", changeText(c))
	}
	events, err := s.Events(t.Context(), lsapi.Position{}, 1000)
	must(t, err)
	for _, e := range events {
		fmt.Fprintln(b, "event", e.Position, e.Pool, eventText(e))
	}
	noted, err := s.ChainEnds(t.Context())
	must(t, err)
	for _, end := range noted {
		fmt.Fprintln(b, "checkpoint", end.Pool, end.Seq, end.Hash)
	}
	unfinished, err := s.Unfinished(t.Context(), time.Hour)
	must(t, err)
	populated, err := s.Populated(t.Context())
	must(t, err)
	fmt.Fprintln(b, "unfinished", unfinished)
	fmt.Fprintln(b, "populated", populated)
	for _, pool := range pools {
		state, err := s.LaneState(t.Context(), pool, time.Second)
		must(t, err)
		fmt.Fprintln(b, "state", pool, state.Known, state.Members, len(state.Open), len(state.Applied), state.ChainEnd.Seq, state.ChainEnd.Hash)
		history, err := s.MemberHistory(t.Context(), pool, nil)
		must(t, err)
		for _, member := range slices.SortedFunc(maps.Keys(history), lsapi.MemberID.Compare) {
			fmt.Fprintln(b, "member", pool, member, historyText(history[member]))
		}
		for _, after := range []time.Duration{0, time.Second, time.Minute, 72 * time.Second, 2 * time.Minute, 3 * time.Minute, 23 * time.Hour, 26 * time.Hour} {
			found, err := s.MembersAt(t.Context(), pool, noon.Add(after))
			must(t, err)
			fmt.Fprintln(b, "members", found.Pool, stamp(found.At))
			for _, m := range found.Members {
				fmt.Fprintln(b, " ", m.Member, stamp(m.Since), m.ChangeID, m.Source)
			}
			for _, c := range found.Uncertain {
				fmt.Fprintln(b, "  uncertain", changeText(c))
			}
		}
	}
	return b.String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func changeText(c lsapi.Change) string {
	count := func(n *int) string {
		if n == nil {
			return "?"
		}
		return fmt.Sprint(*n)
	}
	text := fmt.Sprintf("%s %s %s %s by %q for %q in %q: %s %s %q %q %q, times %s %s %s %s, members %s %s, %q %q %s %q",
		c.ID, c.Action, c.Pool, c.Member, c.Actor, c.Reason, c.RequestID, c.Source, c.Outcome, c.Code, c.Resolution, c.AWSRequestID,
		stamp(c.IntendedAt), stamp(c.NotBefore), stamp(c.Deadline), stamp(c.CompletedAt), count(c.MembersBefore), count(c.MembersAfter),
		c.Instance.ID, c.Instance.Type, stamp(c.Instance.LaunchTime), c.Instance.State)
	if c.Bulk != "" || c.Undoes != "" || c.IfMatch != "" || c.Guard != nil {
		text += fmt.Sprintf(", bulk %q, undoes %q, if match %q, guard %+v", c.Bulk, c.Undoes, c.IfMatch, c.Guard)
	}
	return text
}

func eventText(e lsapi.RecordedEvent) string {
	text := fmt.Sprintf("%s %s %s %s +%v -%v drained %v", e.Event.Kind, stamp(e.Event.At), stamp(e.Event.Since), stamp(e.Event.Until),
		e.Event.Added, e.Event.Removed, e.Event.Drained)
	if e.Event.Change.ID != "" {
		text += "\n  " + changeText(e.Event.Change)
	}
	for _, h := range e.Event.Health {
		text += "\n  " + healthText(h)
	}
	for _, c := range e.External {
		text += "\n  " + changeText(c)
	}
	return text
}

func healthText(h lsapi.MemberHealth) string {
	return strings.TrimSpace(fmt.Sprintf("health %s %s %q %q %v %s", h.Member, h.State, h.Reason, h.Description, h.Draining, h.AWSState))
}

func historyText(h lsapi.MemberHistory) string {
	text := fmt.Sprintln(h.Member, stamp(h.Since), h.ChangeID, h.Source, stamp(h.HealthSince))
	if h.LastChange != nil {
		text += "  " + changeText(*h.LastChange) + "\n"
	}
	if h.Health != nil {
		text += "  " + healthText(*h.Health) + "\n"
	}
	return strings.TrimSpace(text)
}
