package membership

import (
	"maps"
	"slices"
	"time"

	"lsapi"
)

// roster is the membership as the record adds up to it.
type roster struct {
	loaded   bool // what follows is what the record says
	known    bool // the record has ever seen the membership
	members  map[string]bool
	lookedAt time.Time // the last time at which AWS said the same
}

// note follows what was recorded.
func (r *roster) note(events []lsapi.Event) {
	for _, e := range events {
		switch {
		case e.Kind == lsapi.EventCheckpoint:
			r.known, r.members, r.lookedAt = true, setOf(e.Members), e.Until
		case e.Kind == lsapi.EventObserved:
			r.lookedAt = e.Until
			r.add(e.Added...)
			r.remove(e.Removed...)
		case e.Change.Outcome == lsapi.OutcomeApplied && e.Change.Action == lsapi.Attach:
			r.add(e.Change.InstanceID)
		case e.Change.Outcome == lsapi.OutcomeApplied:
			r.remove(e.Change.InstanceID)
		}
	}
}

func (r *roster) add(ids ...string) {
	if r.members == nil {
		r.members = make(map[string]bool)
	}
	for _, id := range ids {
		r.members[id] = true
	}
}

func (r *roster) remove(ids ...string) {
	for _, id := range ids {
		delete(r.members, id)
	}
}

// count is how many members there are; nil when that is not known.
func (r *roster) count() *int {
	if !r.known {
		return nil
	}
	return new(len(r.members))
}

// unexplained returns the event that leads from the record to members, which a
// read from began on has found; false when there is nothing to tell. Open changes
// need no regard: as soon as one shows, it is settled, before this is asked.
func (r *roster) unexplained(members map[string]bool, began time.Time) (lsapi.Event, bool) {
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
	event.Added, event.Removed = sorted(added), sorted(removed)
	return event, len(added)+len(removed) > 0
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
