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
	log          LogRow
	members      Members
	open         map[string]ChangeRow
	// healths are nil when the record does not reach back to where they were told.
	healths Healths
	// done is told of each change that is complete, in order.
	done func(ChangeRow)
}

func newFold(loadBalancer string, done func(ChangeRow)) *fold {
	return &fold{loadBalancer: loadBalancer, open: make(map[string]ChangeRow), done: done}
}

// add adds an event whose own hash has been checked. It returns what is wrong with
// it, empty for nothing.
func (f *fold) add(row EventRow, p *payload) string {
	if why := f.outOfPlace(row, p); why != "" {
		return why
	}
	if row.Seq == 1 {
		f.healths = make(Healths)
	}
	var before *ChangeRow
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
	f.log.follow(p, row.Hash)
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
	if f.log.Known {
		f.members.apply(p.Seq, does)
	}
	return ""
}

// outOfPlace looks at what the event says of its place, which its hash covers.
func (f *fold) outOfPlace(row EventRow, p *payload) string {
	switch {
	case p.LoadBalancer != f.loadBalancer || p.Seq != row.Seq:
		return fmt.Sprintf("it says to be event %d of load balancer %s", p.Seq, p.LoadBalancer)
	case !p.At.Equal(row.At) || p.Kind != row.Kind || p.changeID() != row.ChangeID:
		return "its time, kind or change is not what was hashed"
	case f.log.Last == 0:
		return outOfBeginning(row)
	case row.Seq != f.log.Last+1:
		return fmt.Sprintf("the events before it are missing, from %d on", f.log.Last+1)
	case row.Prev != f.log.Hash:
		return "it does not follow the event before it"
	case p.At.Before(f.log.At):
		return "it is older than the event before it"
	}
	return ""
}

// outOfBeginning looks at the first event that is kept.
func outOfBeginning(row EventRow) string {
	switch {
	case row.Seq == 1 && row.Prev != Hash{}:
		return "it is the first event, but follows another"
	case row.Seq > 1 && row.Kind != lsapi.EventCheckpoint:
		return "what was before it is gone, but it is no checkpoint"
	}
	return ""
}

// restated compares a checkpoint with what the events before it add up to. Where
// the record begins it is taken at its word.
func (f *fold) restated(p *payload) string {
	open, healths := p.open(), p.stated()
	switch {
	case f.log.Last == 0:
		f.open = open
	case f.log.Known && !maps.Equal(f.members, p.Members):
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

func sameChange(a, b ChangeRow) bool {
	sameCount := func(a, b *int) bool { return a == b || a != nil && b != nil && *a == *b }
	if !sameCount(a.MembersBefore, b.MembersBefore) || !sameCount(a.MembersAfter, b.MembersAfter) {
		return false
	}
	a.MembersBefore, a.MembersAfter, b.MembersBefore, b.MembersAfter = nil, nil, nil, nil
	return a == b
}

// finished returns how the log's row differs from the events that were added.
func (f *fold) finished(log LogRow) string {
	switch {
	case f.log.Last != log.Last:
		return fmt.Sprintf("the log ends at event %d, and ended at %d", f.log.Last, log.Last)
	case f.log.Hash != log.Hash || f.log.First != log.First || !f.log.At.Equal(log.At) || f.log.Known != log.Known:
		return "the end of the log is not what was noted when it was written"
	}
	return ""
}
