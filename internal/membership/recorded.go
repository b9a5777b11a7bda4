package membership

import (
	"maps"
	"slices"
	"time"

	"lsapi"
)

// recordedMembers is the membership as the record adds up to it, at one end of the log. It
// holds as long as no other process can append.
type recordedMembers struct {
	end     lsapi.ChainEnd
	known   bool // the record has the membership at all
	members map[lsapi.MemberID]bool
	// incarnation is that of the pool with these members. Empty is unknown.
	incarnation string
	lookedAt    time.Time // when the last read began that agrees, as far as AWS's reads can be trusted
	stored      time.Time // lookedAt, as far as the log has it
	// recent has the last change of a member. Reads prove nothing about it until the window
	// has passed since.
	recent map[lsapi.MemberID]period
	// detached has the former members whose last change is a detach by lsapi, as in LaneState,
	// and taken the last detaches that a read of health may miss, of members too.
	detached, taken map[lsapi.MemberID]time.Time
	window          time.Duration
}

// look is what a read of a pool found.
type look struct {
	members      map[lsapi.MemberID]bool
	incarnation  string // empty if unknown
	began, ended time.Time
}

// period is the time between the beginning and the end of something.
type period struct{ from, to time.Time }

func recordedMembersOf(state lsapi.LaneState, window time.Duration) *recordedMembers {
	r := &recordedMembers{
		end: state.ChainEnd, known: state.Known, members: state.Members, incarnation: state.Incarnation,
		lookedAt: state.LookedAt, stored: state.LookedAt, recent: make(map[lsapi.MemberID]period), window: window,
		detached: maps.Clone(state.Detached), taken: make(map[lsapi.MemberID]time.Time),
	}
	if r.detached == nil {
		r.detached = make(map[lsapi.MemberID]time.Time)
	}
	if r.members == nil {
		r.members = make(map[lsapi.MemberID]bool)
	}
	for _, c := range state.Applied {
		if c.Action == lsapi.Detach {
			r.taken[c.Member] = c.At
		}
		if c.Source == lsapi.SourceExternal {
			continue // a look has shown it
		}
		r.recent[c.Member] = period{c.At.Add(-tookOf(c.Change)), c.At}
	}
	return r
}

// tookOf returns how long a change took, at most. Its times are labels, by clocks that
// differ by the tolerance.
func tookOf(c lsapi.Change) time.Duration {
	return min(max(0, c.CompletedAt.Sub(c.IntendedAt))+lsapi.ClockTolerance, maxChange)
}

// note follows what was recorded.
func (r *recordedMembers) note(events []lsapi.Event) {
	for _, e := range events {
		r.stored = later(r.stored, e.Until)
		r.name(e.Incarnation)
		switch {
		case e.Kind == lsapi.EventCheckpoint:
			r.known, r.members = true, setOf(e.Members)
			r.looked(e.Until)
		case e.Kind == lsapi.EventObserved:
			r.looked(e.Until)
			for _, id := range e.Added {
				r.members[id] = true
				delete(r.detached, id)
			}
			for _, id := range e.Removed {
				delete(r.members, id)
				r.taken[id] = time.Now()
			}
		case e.Change.Outcome == lsapi.OutcomeApplied && e.Change.Action == lsapi.Attach:
			r.members[e.Change.Member] = true
			delete(r.detached, e.Change.Member)
		case e.Change.Outcome == lsapi.OutcomeApplied:
			delete(r.members, e.Change.Member)
			r.detached[e.Change.Member] = time.Now()
			r.taken[e.Change.Member] = time.Now()
		}
	}
}

// name follows an event that names an incarnation. Another one has had no changes.
func (r *recordedMembers) name(incarnation string) {
	if incarnation == "" || incarnation == r.incarnation {
		return
	}
	if r.incarnation != "" {
		clear(r.recent)
		r.forgetDetached()
	}
	r.incarnation = incarnation
}

func (r *recordedMembers) forgetDetached() {
	clear(r.detached)
	clear(r.taken)
}

// addLook adds the time of the last read to the last of the events, for the log, if it does
// not have it. Otherwise what is read at the next start would grow without bound while
// conflicts alone are recorded.
func (r *recordedMembers) addLook(events []lsapi.Event) {
	last := &events[len(events)-1]
	if last.Until.IsZero() && r.lookedAt.After(r.stored) {
		last.Until = r.lookedAt
	}
}

// looked moves the time of the last read on.
func (r *recordedMembers) looked(at time.Time) { r.lookedAt = later(r.lookedAt, at) }

// count returns the number of members; nil if it is not known.
func (r *recordedMembers) count() *int {
	if !r.known {
		return nil
	}
	return new(len(r.members))
}

// unexplained returns the events that lead from the record to what a read found; none if
// the record says the same, or a later read was recorded. Members of open changes are left
// out: what the read found of them may be the change's effect, although the read may have
// begun too early to settle the change.
func (r *recordedMembers) unexplained(found look, open ...*change) []lsapi.Event {
	added, removed := diff(r.members, found.members, setOf(membersOf(open)))
	switch {
	case !r.known:
		return []lsapi.Event{checkpoint(found.members, found)}
	case r.isReplacedBy(found):
		return r.replacement(found)
	case len(added)+len(removed) > 0:
		return r.observed(found, found.incarnation, added, removed)
	case r.incarnation == "" && found.incarnation != "" && !r.lookedAt.After(found.began):
		return []lsapi.Event{checkpoint(r.members, found)}
	}
	return nil
}

// isReplacedBy reports whether a read found another pool under the name, unless a later
// read was recorded.
func (r *recordedMembers) isReplacedBy(found look) bool {
	return r.isOther(found.incarnation) && !r.lookedAt.After(found.ended)
}

// isOther reports whether an incarnation is certainly not the recorded one.
func (r *recordedMembers) isOther(incarnation string) bool {
	return incarnation != "" && r.incarnation != "" && incarnation != r.incarnation
}

// replacement returns the events that end the memberships of one pool, and begin those of
// another under its name: a member of both has no history in the new one.
func (r *recordedMembers) replacement(found look) []lsapi.Event {
	all := func(set map[lsapi.MemberID]bool) []lsapi.MemberID {
		return slices.SortedFunc(maps.Keys(set), lsapi.MemberID.Compare)
	}
	events := r.observed(found, r.incarnation, nil, all(r.members))
	if len(found.members) == 0 {
		return append(events, checkpoint(nil, found))
	}
	return append(events, r.observed(found, found.incarnation, all(found.members), nil)...)
}

// observed returns the event of changes that a read found; none if there are none, or a
// later read was recorded.
func (r *recordedMembers) observed(found look, incarnation string, added, removed []lsapi.MemberID) []lsapi.Event {
	event := lsapi.Event{
		Kind: lsapi.EventObserved, At: time.Now(), Incarnation: incarnation, Added: added, Removed: removed,
		Since: r.unchangedUntil(slices.Concat(added, removed)), Until: found.began,
	}
	if event.Since.After(found.began) { // another read began later, and was answered sooner
		event.Until = found.ended
	}
	if len(added)+len(removed) == 0 || event.Since.After(event.Until) {
		return nil
	}
	return []lsapi.Event{event}
}

// checkpoint returns an event with all members, as of a read.
func checkpoint(members map[lsapi.MemberID]bool, found look) lsapi.Event {
	return lsapi.Event{
		Kind: lsapi.EventCheckpoint, At: time.Now(), Until: found.began, Incarnation: found.incarnation,
		Members: slices.SortedFunc(maps.Keys(members), lsapi.MemberID.Compare),
	}
}

// diff returns what leads from one membership to another, sorted, without the members
// that are held.
func diff(from, to, held map[lsapi.MemberID]bool) (added, removed []lsapi.MemberID) {
	return missing(to, from, held), missing(from, to, held)
}

// missing returns the elements of a set that other ones lack, sorted.
func missing(set map[lsapi.MemberID]bool, others ...map[lsapi.MemberID]bool) (ids []lsapi.MemberID) {
	for _, id := range slices.SortedFunc(maps.Keys(set), lsapi.MemberID.Compare) {
		if !slices.ContainsFunc(others, func(other map[lsapi.MemberID]bool) bool { return other[id] }) {
			ids = append(ids, id)
		}
	}
	return ids
}

// unchangedUntil returns the time until which the members were certainly as recorded:
// that of the last read, unless it may have missed a recent change and agreed only under
// the overlay.
func (r *recordedMembers) unchangedUntil(ids []lsapi.MemberID) time.Time {
	until := r.lookedAt
	for _, id := range ids {
		if changed := r.recent[id]; !r.proves(changed) && changed.from.Before(until) {
			until = changed.from
		}
	}
	return until
}

// proves reports whether the last read has shown the result of a change.
func (r *recordedMembers) proves(changed period) bool {
	return !r.lookedAt.Before(changed.to.Add(r.window))
}

// changed notes changes that took effect then, and drops those that the last read proves.
func (r *recordedMembers) changed(changes []*change, at time.Time) {
	maps.DeleteFunc(r.taken, func(_ lsapi.MemberID, taken time.Time) bool { return !r.lookedAt.Before(taken.Add(r.window)) })
	maps.DeleteFunc(r.recent, func(_ lsapi.MemberID, changed period) bool { return r.proves(changed) })
	for _, c := range changes {
		r.recent[c.member] = period{c.sentAt, at}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
