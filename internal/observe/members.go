package observe

import (
	"maps"
	"slices"
	"time"

	"lsapi"
)

// says reports whether it has all that a later one found. The changes laid over them
// count: if AWS still differs once these have expired, that is another finding.
func (o Observation) says(later Observation) bool {
	return o.Gone == later.Gone && slices.Equal(o.Members, later.Members) && (later.Incarnation == "" || o.Incarnation == later.Incarnation)
}

// Observe takes what a read from began on found. Its members must not be changed
// afterwards.
func (i *Inbox) Observe(pool lsapi.PoolID, read lsapi.PoolRead, began time.Time) {
	o := Observation{IDs: read.Members, Incarnation: read.Incarnation, Began: began, Members: i.overlay.Over(pool, read.Members, began)}
	i.put(pool, func(p *Pending) bool {
		if began.Before(i.deleted[pool]) {
			return false
		}
		if began.After(i.gone[pool]) {
			delete(i.gone, pool)
		}
		return i.add(p, pool, o)
	})
}

// ObserveGone takes that a read from began on found no such pool: a new one under its
// name has none of its members and recent changes. No later read repeats that, so it is
// kept until it is on record.
func (i *Inbox) ObserveGone(pool lsapi.PoolID, began time.Time) {
	i.overlay.Invalidate(pool, began)
	i.put(pool, func(p *Pending) bool {
		i.gone[pool] = began
		i.noteDeletion(pool, began)
		return i.add(p, pool, Observation{Began: began, Gone: true})
	})
}

// Deleted takes from a lane that a read from began on found no such pool.
func (i *Inbox) Deleted(pool lsapi.PoolID, began time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.noteDeletion(pool, began)
}

// noteDeletion makes Observe ignore reads from before a deletion: no later one would correct
// what they found. The caller holds mu.
func (i *Inbox) noteDeletion(pool lsapi.PoolID, began time.Time) {
	maps.DeleteFunc(i.deleted, func(_ lsapi.PoolID, at time.Time) bool { return time.Since(at) > readLifetime })
	i.deleted[pool] = later(i.deleted[pool], began)
}

// RetryGone notifies the lanes of the deleted pools that are not on record as deleted.
func (i *Inbox) RetryGone() {
	i.mu.Lock()
	gone := maps.Clone(i.gone)
	i.mu.Unlock()
	for pool, began := range gone {
		i.put(pool, func(p *Pending) bool {
			return i.gone[pool].Equal(began) && i.add(p, pool, Observation{Began: began, Gone: true})
		})
	}
}

// add adds an observation, unless it says what is on record. The caller holds mu.
func (i *Inbox) add(p *Pending, pool lsapi.PoolID, o Observation) bool {
	if !i.isOpen() {
		return false
	}
	last, ok := i.last[pool]
	if !ok || !last.says(o) {
		p.Members = withLast(p.Members, o)
		return true
	}
	last.Began = later(last.Began, o.Began)
	i.last[pool] = last
	return false
}

// withLast returns the last two of the observations with o that differ.
func withLast(observations []Observation, o Observation) []Observation {
	if n := len(observations); n > 0 && observations[n-1].says(o) {
		o.Incarnation = observations[n-1].Incarnation
		observations = observations[:n-1]
	}
	observations = append(observations, o)
	return observations[max(0, len(observations)-2):]
}

// Recorded takes from a lane that an observation is on record, at that end of the log.
// lookedAt is when the last read that agrees with the record began: an older observation
// is dropped.
func (i *Inbox) Recorded(pool lsapi.PoolID, o Observation, end lsapi.ChainEnd, lookedAt time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.gone[pool].After(o.Began) {
		delete(i.gone, pool)
	}
	if o.Gone || o.Began.Before(lookedAt) {
		return
	}
	i.last[pool] = recorded{o, end}
}

// LastRead returns when the last read began that found what that end of the log says; the
// zero time if none did.
func (i *Inbox) LastRead(pool lsapi.PoolID, end lsapi.ChainEnd) time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	if last := i.last[pool]; last.end == end {
		return last.Began
	}
	return time.Time{}
}

// Advance moves what reads found on to another end of the log, after events that do not
// concern the membership.
func (i *Inbox) Advance(pool lsapi.PoolID, from, to lsapi.ChainEnd) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if last, ok := i.last[pool]; ok && last.end == from {
		last.end = to
		i.last[pool] = last
	}
}

// Forget drops what is known to be on record: the record has moved on, and the next
// observation is news.
func (i *Inbox) Forget(pool lsapi.PoolID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.last, pool)
	delete(i.stale, pool)
}
