package record

import (
	"context"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// MembersAt implements Store.
func (r Record) MembersAt(ctx context.Context, loadBalancer string, at time.Time) (lsapi.MembershipAt, error) {
	if at.IsZero() {
		return Read(ctx, r, func(t Tables) (lsapi.MembershipAt, error) { return membersNow(ctx, t, loadBalancer) })
	}
	at = at.UTC()
	return Read(ctx, r, func(t Tables) (lsapi.MembershipAt, error) {
		then := replay{tables: t, loadBalancer: loadBalancer, at: at}
		if err := then.run(ctx); err != nil {
			return lsapi.MembershipAt{}, err
		}
		members, err := explain(ctx, t, loadBalancer, then.members)
		return lsapi.MembershipAt{LoadBalancer: loadBalancer, At: at, Members: members, Uncertain: then.uncertain}, err
	})
}

// membersNow returns the members at the end of the log. Labels do not matter: those of
// a clock that was ahead may be of a time to come.
func membersNow(ctx context.Context, t Tables, loadBalancer string) (lsapi.MembershipAt, error) {
	log, err := t.Log(ctx, loadBalancer)
	if err != nil {
		return lsapi.MembershipAt{}, err
	}
	now := Exact(log.Clock.Labels)
	if !log.Known {
		return lsapi.MembershipAt{}, errTooEarly(loadBalancer, now)
	}
	all, err := t.Members(ctx, loadBalancer)
	if err != nil {
		return lsapi.MembershipAt{}, err
	}
	members, err := explain(ctx, t, loadBalancer, all)
	return lsapi.MembershipAt{LoadBalancer: loadBalancer, At: now, Members: members}, err
}

// replay adds the events of a load balancer up to what was true at a time.
type replay struct {
	tables       Tables
	loadBalancer string
	at           time.Time

	members   Members
	last      int64 // the number of the last event that was added
	uncertain []lsapi.Change
}

func (r *replay) run(ctx context.Context) error {
	checkpoint, err := r.tables.CheckpointUntil(ctx, r.loadBalancer, r.at)
	if err != nil {
		return err
	}
	if checkpoint == 0 {
		return errTooEarly(r.loadBalancer, r.at)
	}
	if err := r.until(ctx, checkpoint); err != nil {
		return err
	}
	if r.members == nil {
		return errTooEarly(r.loadBalancer, r.at)
	}
	return r.seenLater(ctx)
}

// until adds the events from a checkpoint to the time.
func (r *replay) until(ctx context.Context, checkpoint int64) error {
	for from := checkpoint; ; from += page {
		rows, err := r.tables.Events(ctx, r.loadBalancer, from, page)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.At.After(r.at) {
				return nil
			}
			p, err := decode(row.Payload)
			if err != nil {
				return err
			}
			r.add(p)
		}
		if len(rows) < page {
			return nil
		}
	}
}

// seenLater adds what was observed until the time, but recorded later, and keeps
// what may have happened on either side of it. Looks follow one another, so that
// the first that began later ends it.
func (r *replay) seenLater(ctx context.Context) error {
	at := r.at.Add(time.Microsecond)
	for {
		rows, err := r.tables.ObservedFrom(ctx, r.loadBalancer, at, r.last, minCheckpointRoom)
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
	does := effectsOf(p, nil)
	switch {
	case p.Kind == lsapi.EventCheckpoint:
		r.members = maps.Clone(p.Members)
		return
	case p.Kind == lsapi.EventObserved && p.Until.After(r.at):
		r.uncertain = append(r.uncertain, plain(does.changes)...)
		return
	case r.members == nil:
		return
	}
	r.members.apply(p.Seq, does)
}

// apply makes the members what they are after an event.
func (m Members) apply(seq int64, does effects) {
	for _, instance := range does.joined {
		m[instance] = seq
	}
	for _, instance := range does.left {
		delete(m, instance)
	}
}

// explain returns members with the changes that made them so, as far as the record
// goes back, sorted.
func explain(ctx context.Context, t Tables, loadBalancer string, all Members) ([]lsapi.RecordedMember, error) {
	told, err := tellers(ctx, t, loadBalancer, all)
	if err != nil {
		return nil, err
	}
	found := make([]lsapi.RecordedMember, 0, len(all))
	for _, instance := range slices.Sorted(maps.Keys(all)) {
		member := lsapi.RecordedMember{InstanceID: instance}
		if p, kept := told[all[instance]]; kept {
			attribute(&member, p)
		}
		found = append(found, member)
	}
	return found, nil
}

// tellers returns the events that made instances members, by number, as far as they
// are kept.
func tellers(ctx context.Context, t Tables, loadBalancer string, all Members) (map[int64]*payload, error) {
	seqs := slices.Sorted(maps.Values(all))
	seqs = slices.DeleteFunc(slices.Compact(seqs), func(seq int64) bool { return seq == 0 })
	told := make(map[int64]*payload, len(seqs))
	for some := range slices.Chunk(seqs, page) {
		rows, err := t.EventsAt(ctx, loadBalancer, some)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if told[row.Seq], err = decode(row.Payload); err != nil {
				return nil, err
			}
		}
	}
	return told, nil
}

// attribute says which change of an event made an instance a member.
func attribute(member *lsapi.RecordedMember, p *payload) {
	if p.Kind == lsapi.EventObserved {
		member.Since, member.ChangeID, member.Source = p.Until, p.Added[member.InstanceID], lsapi.SourceExternal
		return
	}
	member.Since, member.ChangeID, member.Source = p.At, p.changeID(), lsapi.SourceLSAPI
}

func errTooEarly(loadBalancer string, at time.Time) error {
	return lsapi.Errorf(lsapi.CodeNotFound, "the record of load balancer %s does not reach back to %s",
		loadBalancer, at.Format(time.RFC3339))
}
