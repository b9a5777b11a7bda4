package record

import (
	"context"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// MembersAt implements Store.
func (r Record) MembersAt(ctx context.Context, pool lsapi.PoolID, at time.Time) (lsapi.MembershipAt, error) {
	return Read(ctx, r, func(t Tables) (lsapi.MembershipAt, error) {
		if at.IsZero() {
			return membersNow(ctx, t, pool)
		}
		if err := checkPast(ctx, t, pool, at); err != nil {
			return lsapi.MembershipAt{}, err
		}
		then := replay{tables: t, pool: pool, at: at.UTC()}
		if err := then.run(ctx); err != nil {
			return lsapi.MembershipAt{}, err
		}
		members, err := explain(ctx, t, pool, then.members)
		return lsapi.MembershipAt{Pool: pool, At: then.at, Members: members, Uncertain: then.uncertain}, err
	})
}

// membersNow returns the members at the end of the log, whatever its labels: those of a
// clock that was ahead may be in the future.
func membersNow(ctx context.Context, t Tables, pool lsapi.PoolID) (lsapi.MembershipAt, error) {
	log, err := t.Log(ctx, pool)
	if err != nil {
		return lsapi.MembershipAt{}, err
	}
	now := Exact(log.Clock.Labels)
	if !log.Known {
		return lsapi.MembershipAt{}, tooEarly(pool, now)
	}
	all, err := t.Members(ctx, pool, nil)
	if err != nil {
		return lsapi.MembershipAt{}, err
	}
	members, err := explain(ctx, t, pool, all)
	return lsapi.MembershipAt{Pool: pool, At: now, Members: members}, err
}

// checkPast returns ErrFuture for a time after the current millisecond of the labels,
// and after that of the last event: the labels' clock may have been set back since.
func checkPast(ctx context.Context, t Tables, pool lsapi.PoolID, at time.Time) error {
	log, err := t.Log(ctx, pool)
	if err == nil && at.Truncate(time.Millisecond).After(Latest(log.Clock.Labels, log.At)) {
		err = &lsapi.Error{Code: lsapi.CodeInvalid, Message: lsapi.ErrFuture.Error(), Err: lsapi.ErrFuture}
	}
	return err
}

func tooEarly(pool lsapi.PoolID, at time.Time) error {
	return lsapi.Errorf(lsapi.CodeNotFound, "the record of pool %s does not reach back to %s",
		pool.Name, at.Format(time.RFC3339))
}

// replay adds up a pool's events to its membership at a time.
type replay struct {
	tables Tables
	pool   lsapi.PoolID
	at     time.Time

	members   Members
	last      int64 // the number of the last added event
	uncertain []lsapi.Change
}

func (r *replay) run(ctx context.Context) error {
	checkpoint, err := r.tables.CheckpointUntil(ctx, r.pool, r.at)
	if err != nil {
		return err
	}
	if checkpoint == 0 {
		return tooEarly(r.pool, r.at)
	}
	err = eachEvent(ctx, r.tables, r.pool, checkpoint, func(row EventRow) (bool, error) {
		if row.At.After(r.at) {
			return false, nil
		}
		p, err := decode(row.Payload)
		if err == nil {
			r.add(p)
		}
		return true, err
	})
	if err != nil {
		return err
	}
	if r.members == nil {
		return tooEarly(r.pool, r.at)
	}
	return r.addObserved(ctx)
}

// addObserved adds what was observed until the time but recorded later, and notes what
// may have happened before or after it. The first look that began later is the end.
func (r *replay) addObserved(ctx context.Context) error {
	at := r.at.Add(time.Microsecond)
	for {
		rows, err := r.tables.ObservedFrom(ctx, r.pool, at, r.last, minCheckpointRoom)
		if err != nil {
			return err
		}
		for _, row := range rows {
			p, err := decode(row.Payload)
			if err != nil {
				return err
			}
			if !p.Since.Before(r.at) {
				return nil
			}
			r.add(p)
		}
		if len(rows) < minCheckpointRoom {
			return nil
		}
	}
}

func (r *replay) add(p *payload) {
	r.last = p.Seq
	e := effectsOf(p, nil)
	switch {
	case p.Kind == lsapi.EventCheckpoint:
		r.members = maps.Clone(p.Members)
	case p.Kind == lsapi.EventObserved && p.Until.After(r.at):
		r.uncertain = append(r.uncertain, changesOf(e.changes)...)
	case r.members != nil:
		r.members.apply(p.Seq, e)
	}
}

// explain returns members, sorted, with the changes that made them members where the
// record still has these.
func explain(ctx context.Context, t Tables, pool lsapi.PoolID, all Members) ([]lsapi.RecordedMember, error) {
	seqs := slices.Compact(slices.Sorted(maps.Values(all)))
	seqs = slices.DeleteFunc(seqs, func(seq int64) bool { return seq == 0 })
	events := make(map[int64]*payload, len(seqs))
	for some := range slices.Chunk(seqs, page) {
		rows, err := t.EventsAt(ctx, pool, some)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if events[row.Seq], err = decode(row.Payload); err != nil {
				return nil, err
			}
		}
	}
	found := make([]lsapi.RecordedMember, 0, len(all))
	for _, id := range slices.SortedFunc(maps.Keys(all), lsapi.MemberID.Compare) {
		member := lsapi.RecordedMember{Member: id}
		switch p := events[all[id]]; {
		case p == nil:
		case p.Kind == lsapi.EventObserved:
			member.Since, member.ChangeID, member.Source = p.Until, p.Added[id], lsapi.SourceExternal
		default:
			member.Since, member.ChangeID, member.Source = p.At, p.changeID(), lsapi.SourceLSAPI
		}
		found = append(found, member)
	}
	return found, nil
}

// MemberHistory implements Store.
func (r Record) MemberHistory(ctx context.Context, pool lsapi.PoolID, members []lsapi.MemberID) (map[lsapi.MemberID]lsapi.MemberHistory, error) {
	return Read(ctx, r, func(t Tables) (map[lsapi.MemberID]lsapi.MemberHistory, error) {
		return memberHistory(ctx, t, pool, members)
	})
}

func memberHistory(ctx context.Context, t Tables, pool lsapi.PoolID, ids []lsapi.MemberID) (map[lsapi.MemberID]lsapi.MemberHistory, error) {
	members, err := t.Members(ctx, pool, ids)
	if err != nil {
		return nil, err
	}
	healths, err := t.Health(ctx, pool, ids)
	if err != nil {
		return nil, err
	}
	if ids == nil {
		ids = slices.AppendSeq(slices.Collect(maps.Keys(members)), maps.Keys(healths))
		slices.SortFunc(ids, lsapi.MemberID.Compare)
		ids = slices.Compact(ids)
	}
	found := make(map[lsapi.MemberID]lsapi.MemberHistory, len(ids))
	for _, member := range ids {
		var history lsapi.MemberHistory
		if row, ok := healths[member]; ok {
			history.Health, history.HealthSince = &row.MemberHealth, row.Since
		}
		found[member] = history
	}
	explained, err := explain(ctx, t, pool, members)
	if err != nil {
		return nil, err
	}
	for _, m := range explained {
		history := found[m.Member]
		history.Member, history.Since, history.ChangeID, history.Source = true, m.Since, m.ChangeID, m.Source
		found[m.Member] = history
	}
	last, err := t.LastChanges(ctx, pool, ids)
	for _, c := range last {
		history := found[c.Member]
		history.LastChange = &c.Change
		found[c.Member] = history
	}
	return found, err
}
