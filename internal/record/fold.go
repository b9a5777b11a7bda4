package record

import (
	"context"
	"fmt"
	"maps"

	"lsapi"
)

// fold adds up the events of one log as appending did, and finds the first that does not
// follow from those before.
type fold struct {
	pool     lsapi.PoolID
	log      LogRow
	members  Members
	detached Detached // without the times
	open     map[string]ChangeRow
	healths  Healths         // nil when the kept events do not reach back to all health
	done     func(ChangeRow) // receives each complete change, in order
}

func newFold(pool lsapi.PoolID, done func(ChangeRow)) *fold {
	return &fold{pool: pool, detached: make(Detached), open: make(map[string]ChangeRow), done: done}
}

// add adds an event whose own hash is right. It returns what is wrong with the event,
// empty for nothing.
func (f *fold) add(row EventRow, p *payload) string {
	if why := f.misplaced(row, p); why != "" {
		return why
	}
	if row.Seq == 1 {
		f.healths = make(Healths)
	}
	var before *ChangeRow
	if p.Change != nil {
		if open, ok := f.open[p.Change.ID]; ok {
			before = &open
		}
	}
	if p.Kind == lsapi.EventCheckpoint {
		if why := f.restated(p); why != "" {
			return why
		}
	}
	e := effectsOf(p, before)
	f.log.follow(p, row.Hash)
	for _, c := range e.changes {
		if c.Outcome == "" {
			f.open[c.ID] = c
			continue
		}
		delete(f.open, c.ID)
		f.done(c)
	}
	f.detached.apply(p.Seq, e)
	if f.healths != nil {
		f.healths.apply(e)
	}
	if f.log.Known {
		f.members.apply(p.Seq, e)
	}
	return ""
}

// misplaced compares the event's place with what its hash covers and the event before.
func (f *fold) misplaced(row EventRow, p *payload) string {
	switch {
	case p.Pool != f.pool || p.Seq != row.Seq:
		return fmt.Sprintf("it says to be event %d of pool %s", p.Seq, p.Pool)
	case !p.At.Equal(row.At) || p.Kind != row.Kind || p.changeID() != row.ChangeID:
		return "its time, kind or change is not what was hashed"
	case f.log.Last == 0:
		return misplacedFirst(row)
	case row.Seq != f.log.Last+1:
		return fmt.Sprintf("the events before it are missing, from %d on", f.log.Last+1)
	case row.Prev != f.log.Hash:
		return "it does not follow the event before it"
	case p.At.Before(f.log.At):
		return "it is older than the event before it"
	case f.log.Incarnation != "" && p.Replaces != f.log.isReplacedBy(p.Incarnation):
		return "it is about another incarnation of the pool than the event before it"
	}
	return ""
}

// misplacedFirst is misplaced for the first kept event.
func misplacedFirst(row EventRow) string {
	switch {
	case row.Seq == 1 && row.Prev != Hash{}:
		return "it is the first event, but follows another"
	case row.Seq > 1 && row.Kind != lsapi.EventCheckpoint:
		return "the events before it are gone, but it is no checkpoint"
	}
	return ""
}

// restated compares a checkpoint with the events before it. The first kept one is
// accepted as it is.
func (f *fold) restated(p *payload) string {
	open, healths := p.open(), p.healths()
	switch {
	case f.log.Last == 0:
		f.open = open
	case f.log.Known && !maps.Equal(f.members, p.Members):
		return "the membership in this checkpoint is not what the events before it add up to"
	case !maps.EqualFunc(f.open, open, sameChange):
		return "the open changes in this checkpoint are not those of the events before it"
	case healths != nil && f.healths != nil && !p.Replaces && !maps.Equal(f.healths, healths):
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
	if newGuardPayload(a.Guard) != newGuardPayload(b.Guard) {
		return false
	}
	a.Guard, b.Guard = nil, nil
	return a == b
}

func (f *fold) finished(log LogRow) string {
	switch {
	case f.log.Last != log.Last:
		return fmt.Sprintf("the log ends at event %d, and ended at %d", f.log.Last, log.Last)
	case f.log.Hash != log.Hash || f.log.First != log.First || !f.log.At.Equal(log.At) || f.log.Known != log.Known:
		return "the end of the log is not what was noted when it was written"
	case f.log.Incarnation != log.Incarnation && (f.log.Incarnation != "" || log.First == 1),
		f.log.Replaced != log.Replaced && max(f.log.Replaced, log.Replaced) >= log.First:
		return "the incarnation of the pool is not the last one that its events name"
	}
	return ""
}

// eachPage passes a log's events from a number on to do, a page at a time, until it returns
// false.
func eachPage(ctx context.Context, t Tables, pool lsapi.PoolID, from int64, do func([]EventRow) (more bool, err error)) error {
	for {
		rows, err := t.Events(ctx, pool, from, page)
		if err != nil {
			return err
		}
		if more, err := do(rows); err != nil || !more || len(rows) < page {
			return err
		}
		from = rows[len(rows)-1].Seq + 1
	}
}

// eachEvent passes a log's events from a number on to do, until it returns false.
func eachEvent(ctx context.Context, t Tables, pool lsapi.PoolID, from int64, do func(EventRow) (more bool, err error)) error {
	return eachPage(ctx, t, pool, from, func(rows []EventRow) (bool, error) {
		for _, row := range rows {
			if more, err := do(row); err != nil || !more {
				return false, err
			}
		}
		return true, nil
	})
}

// eachChange passes changes in the order of their ids to do, of all pools for the
// zero pool.
func eachChange(ctx context.Context, t Tables, pool lsapi.PoolID, do func(*ChangeRow)) error {
	for last := ""; ; {
		rows, err := t.ChangesAfter(ctx, pool, last, page)
		if err != nil {
			return err
		}
		for i := range rows {
			do(&rows[i])
			last = rows[i].ID
		}
		if len(rows) < page {
			return nil
		}
	}
}
