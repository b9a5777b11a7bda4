package record

import (
	"fmt"
	"maps"

	"lsapi"
)

// fold adds the events of one log up, as appending did, and finds the first that
// does not follow from those before.
type fold struct {
	loadBalancer string
	log          logRow
	members      members
	open         map[string]recorded
	// healths are nil when the record does not reach back to where they were told.
	healths healths
	// done is told of each change that is complete, in order.
	done func(recorded)
}

func newFold(loadBalancer string, done func(recorded)) *fold {
	return &fold{loadBalancer: loadBalancer, open: make(map[string]recorded), done: done}
}

// add adds an event whose own hash has been checked. It returns what is wrong with
// it, empty for nothing.
func (f *fold) add(row eventRow, p *payload) string {
	if why := f.outOfPlace(row, p); why != "" {
		return why
	}
	if row.seq == 1 {
		f.healths = make(healths)
	}
	var before *recorded
	if p.Change != nil {
		if known, ok := f.open[p.Change.ID]; ok {
			before = &known
		}
	}
	if p.Kind == lsapi.EventCheckpoint {
		if why := f.restated(p); why != "" {
			return why
		}
	}
	does := effectsOf(p, before)
	f.log.follow(p, row.hash)
	for _, c := range does.changes {
		if c.Outcome == "" {
			f.open[c.ID] = c
			continue
		}
		delete(f.open, c.ID)
		f.done(c)
	}
	if f.healths != nil {
		f.healths.apply(does)
	}
	if f.log.known {
		f.members.apply(p.Seq, does)
	}
	return ""
}

// outOfPlace looks at what the event says of its place, which its hash covers.
func (f *fold) outOfPlace(row eventRow, p *payload) string {
	switch {
	case p.LoadBalancer != f.loadBalancer || p.Seq != row.seq:
		return fmt.Sprintf("it says to be event %d of load balancer %s", p.Seq, p.LoadBalancer)
	case !p.At.Equal(row.at) || p.Kind != row.kind || p.changeID() != row.changeID:
		return "its time, kind or change is not what was hashed"
	case f.log.last == 0:
		return outOfBeginning(row)
	case row.seq != f.log.last+1:
		return fmt.Sprintf("the events before it are missing, from %d on", f.log.last+1)
	case row.prev != f.log.hash:
		return "it does not follow the event before it"
	case p.At.Before(f.log.at):
		return "it is older than the event before it"
	}
	return ""
}

// outOfBeginning looks at the first event that is kept.
func outOfBeginning(row eventRow) string {
	switch {
	case row.seq == 1 && row.prev != hash{}:
		return "it is the first event, but follows another"
	case row.seq > 1 && row.kind != lsapi.EventCheckpoint:
		return "what was before it is gone, but it is no checkpoint"
	}
	return ""
}

// restated compares a checkpoint with what the events before it add up to. Where
// the record begins it is taken at its word.
func (f *fold) restated(p *payload) string {
	open, healths := p.open(), p.stated()
	switch {
	case f.log.last == 0:
		f.open = open
	case f.log.known && !maps.Equal(f.members, p.Members):
		return "the membership in this checkpoint is not what the events before it add up to"
	case !maps.EqualFunc(f.open, open, sameChange):
		return "the open changes in this checkpoint are not those of the events before it"
	case healths != nil && f.healths != nil && !maps.Equal(f.healths, healths):
		return "the health in this checkpoint is not what the events before it add up to"
	}
	f.members = maps.Clone(p.Members)
	if healths != nil {
		f.healths = healths
	}
	return ""
}

func sameChange(a, b recorded) bool {
	sameCount := func(a, b *int) bool { return a == b || a != nil && b != nil && *a == *b }
	if !sameCount(a.MembersBefore, b.MembersBefore) || !sameCount(a.MembersAfter, b.MembersAfter) {
		return false
	}
	a.MembersBefore, a.MembersAfter, b.MembersBefore, b.MembersAfter = nil, nil, nil, nil
	return a == b
}

// finished returns how the log's row differs from the events that were added.
func (f *fold) finished(log logRow) string {
	switch {
	case f.log.last != log.last:
		return fmt.Sprintf("the log ends at event %d, and ended at %d", f.log.last, log.last)
	case f.log.hash != log.hash || f.log.first != log.first || !f.log.at.Equal(log.at) || f.log.known != log.known:
		return "the end of the log is not what was noted when it was written"
	}
	return ""
}
