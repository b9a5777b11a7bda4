package membership

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// overlay remembers a lane's recent changes, because AWS's reads may lag behind
// them. Of several changes of an instance only the last counts.
type overlay map[string]applied

// applied is what became of an instance, and when AWS said so.
type applied struct {
	member bool
	at     time.Time // on this process's clock, with its monotonic reading
	change string    // the change's id
	// seq is the number of the event that completed the change; for one of the lane's
	// own, that of the last event before it.
	seq int64
	// void: it was a change of a load balancer that was deleted since. It is kept, so
	// that the record, which may not say so yet, cannot bring it back.
	void bool
}

// over returns ids with the changes since then laid over them. Those who became
// members come last, in the order in which they did.
func (o overlay) over(ids []string, since time.Time) []string {
	result := make([]string, 0, len(ids)+len(o))
	listed := make(map[string]bool, len(ids))
	for _, id := range ids {
		if change := o[id]; !change.void && !change.member && change.at.After(since) {
			continue
		}
		listed[id] = true
		result = append(result, id)
	}
	for _, id := range o.inOrder() {
		if change := o[id]; !change.void && change.member && change.at.After(since) && !listed[id] {
			result = append(result, id)
		}
	}
	return result
}

// lay adds a change that the record has, and reports whether it is news: a later
// one may be there, by the order of the log, or the same, which grows no younger by
// being read again.
func (o overlay) lay(c lsapi.AppliedChange) bool {
	last := o[c.InstanceID]
	if last.change == c.ID && c.At.Before(last.at) {
		last.at = c.At // neither is too early
		o[c.InstanceID] = last
	}
	if last.change == c.ID || c.Seq <= last.seq {
		return false
	}
	o[c.InstanceID] = applied{member: c.Action == lsapi.Attach, at: c.At, change: c.ID, seq: c.Seq}
	return true
}

func (o overlay) inOrder() []string {
	return slices.SortedFunc(maps.Keys(o), func(a, b string) int {
		return cmp.Or(o[a].at.Compare(o[b].at), cmp.Compare(a, b))
	})
}

// invalidate takes that the load balancer did not exist then.
func (o overlay) invalidate(then time.Time) {
	for id, change := range o {
		change.void = change.void || change.at.Before(then)
		o[id] = change
	}
}

// prune forgets what happened before then.
func (o overlay) prune(before time.Time) {
	maps.DeleteFunc(o, func(_ string, change applied) bool { return change.at.Before(before) })
}
