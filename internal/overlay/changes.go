package overlay

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// changes are the recent changes of a pool, the last of each instance.
type changes map[lsapi.MemberID]applied

// applied is the last change of an instance.
type applied struct {
	member bool
	at     time.Time // on this process's clock, with its monotonic reading
	change string    // its id
	// seq is the number of the event that completed the change; for a change of this
	// process, that of the last event that was appended with it.
	seq int64
	// void marks a change that reads no longer miss: the pool was deleted since, or the
	// change was observed. It stays, so that no earlier change comes back.
	void bool
}

// over returns ids with the changes after since laid over them. New members come last,
// in the order of their changes.
func (c changes) over(ids []lsapi.MemberID, since time.Time) []lsapi.MemberID {
	result := make([]lsapi.MemberID, 0, len(ids)+len(c))
	listed := make(map[lsapi.MemberID]bool, len(ids))
	for _, id := range ids {
		if change := c[id]; !change.void && !change.member && change.at.After(since) {
			continue
		}
		listed[id] = true
		result = append(result, id)
	}
	for _, id := range c.inOrder() {
		if change := c[id]; !change.void && change.member && change.at.After(since) && !listed[id] {
			result = append(result, id)
		}
	}
	return result
}

func (c changes) inOrder() []lsapi.MemberID {
	return slices.SortedFunc(maps.Keys(c), func(a, b lsapi.MemberID) int {
		return cmp.Or(c[a].at.Compare(c[b].at), a.Compare(b))
	})
}

// lay adds a change that is on record and reports whether it is later, by the order of
// the log, than the one that is there. The same change never becomes younger.
func (c changes) lay(recorded lsapi.AppliedChange) (later bool) {
	last := c[recorded.Member]
	if last.change == recorded.ID && recorded.At.Before(last.at) {
		last.at = recorded.At // neither is too early
		c[recorded.Member] = last
	}
	if last.change == recorded.ID || recorded.Seq <= last.seq {
		return false
	}
	return c.put(recorded)
}

// put adds the last change of an instance, and reports whether reads may miss it: they
// show one that was observed.
func (c changes) put(last lsapi.AppliedChange) bool {
	observed := last.Source == lsapi.SourceExternal
	c[last.Member] = applied{member: last.Action == lsapi.Attach, at: last.At, change: last.ID, seq: last.Seq, void: observed}
	return !observed
}

// invalidate voids the changes before then.
func (c changes) invalidate(then time.Time) {
	for id, change := range c {
		change.void = change.void || change.at.Before(then)
		c[id] = change
	}
}

// prune drops the changes before then.
func (c changes) prune(then time.Time) {
	maps.DeleteFunc(c, func(_ lsapi.MemberID, change applied) bool { return change.at.Before(then) })
}
