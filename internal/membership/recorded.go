package membership

import (
	"maps"
	"slices"
	"time"

	"lsapi"
)

// recordedMembers is the membership as the record adds up to it. It is true of one
// end of the log, and so only while nobody else can append.
type recordedMembers struct {
	head     lsapi.Head
	known    bool // the record has ever seen the membership
	members  map[string]bool
	lookedAt time.Time // the last time at which AWS said the same, as far as its reads can be trusted
	// recent is when the last change of an instance took effect. Looks prove nothing
	// about the instance until the overlay window has passed since.
	recent map[string]period
	window time.Duration
}

// period is between when and when something happened.
type period struct{ from, to time.Time }

func recordedMembersOf(state lsapi.LaneState, window time.Duration) *recordedMembers {
	r := &recordedMembers{
		head: state.Head, known: state.Known, members: state.Members, lookedAt: state.LookedAt,
		recent: make(map[string]period), window: window,
	}
	if r.members == nil {
		r.members = make(map[string]bool)
	}
	for _, c := range state.Applied {
		r.recent[c.InstanceID] = period{c.At.Add(-tookOf(c.Change)), c.At}
	}
	return r
}

// tookOf is how long a change took, at most: the times are labels, by clocks that
// differ by the tolerance.
func tookOf(c lsapi.Change) time.Duration {
	return min(max(0, c.CompletedAt.Sub(c.IntendedAt))+lsapi.ClockTolerance, maxChange)
}

// note follows what was recorded.
func (r *recordedMembers) note(events []lsapi.Event) {
	for _, e := range events {
		switch {
		case e.Kind == lsapi.EventCheckpoint:
			r.known, r.members = true, setOf(e.Members)
			r.looked(e.Until)
		case e.Kind == lsapi.EventObserved:
			r.looked(e.Until)
			for _, id := range e.Added {
				r.members[id] = true
			}
			for _, id := range e.Removed {
				delete(r.members, id)
			}
		case e.Change.Outcome == lsapi.OutcomeApplied && e.Change.Action == lsapi.Attach:
			r.members[e.Change.InstanceID] = true
		case e.Change.Outcome == lsapi.OutcomeApplied:
			delete(r.members, e.Change.InstanceID)
		}
	}
}

// looked moves the time of the last look on.
func (r *recordedMembers) looked(at time.Time) { r.lookedAt = later(r.lookedAt, at) }

// count is how many members there are; nil when that is not known.
func (r *recordedMembers) count() *int {
	if !r.known {
		return nil
	}
	return new(len(r.members))
}

// unexplained returns the event that leads from the record to members, which a
// read from began to ended has found; false when the record says the same, or a later
// read has. Instances of open changes are left out: what the read shows of them may be
// the change's effect, although it may not have been fresh enough to settle the change.
func (r *recordedMembers) unexplained(members map[string]bool, began, ended time.Time, open ...*change) (lsapi.Event, bool) {
	event := lsapi.Event{Kind: lsapi.EventObserved, At: time.Now(), Since: r.lookedAt, Until: began}
	if !r.known {
		event.Kind, event.Members = lsapi.EventCheckpoint, sorted(members)
		return event, true
	}
	added, removed := maps.Clone(members), maps.Clone(r.members)
	for id := range r.members {
		delete(added, id)
	}
	for id := range members {
		delete(removed, id)
	}
	for _, c := range open {
		delete(added, c.instance.ID)
		delete(removed, c.instance.ID)
	}
	event.Added, event.Removed = sorted(added), sorted(removed)
	event.Since = r.unchangedUntil(append(slices.Clone(event.Added), event.Removed...))
	if event.Since.After(began) { // another read began later, and was answered sooner
		event.Until = ended
	}
	return event, len(added)+len(removed) > 0 && !event.Since.After(event.Until)
}

// unchangedUntil is until when the instances were certainly as the record says: the
// last look, unless it was so soon after a change that it may not have shown it, and
// only the overlay made it agree.
func (r *recordedMembers) unchangedUntil(ids []string) time.Time {
	until := r.lookedAt
	for _, id := range ids {
		if changed := r.recent[id]; !r.proves(changed) && changed.from.Before(until) {
			until = changed.from
		}
	}
	return until
}

// proves reports whether the last look has shown what became of a change.
func (r *recordedMembers) proves(changed period) bool {
	return !r.lookedAt.Before(changed.to.Add(r.window))
}

// changed notes when the instance of a change was sent and took effect, and forgets the
// changes that a look has proved.
func (r *recordedMembers) changed(c *change, at time.Time) {
	maps.DeleteFunc(r.recent, func(_ string, changed period) bool { return r.proves(changed) })
	r.recent[c.instance.ID] = period{c.sentAt, at}
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
