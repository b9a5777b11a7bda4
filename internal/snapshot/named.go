package snapshot

import (
	"context"
	"time"

	"lsapi"
)

// withoutValue returns a call of one key, for its effect.
func withoutValue(call func(ctx context.Context, pool lsapi.PoolID) error) func(context.Context, []lsapi.PoolID) (map[lsapi.PoolID]struct{}, error) {
	return func(ctx context.Context, pools []lsapi.PoolID) (map[lsapi.PoolID]struct{}, error) {
		return nil, call(ctx, pools[0])
	}
}

// await reads a pool by name, together with all waiting readers. A page of a listing that
// began late enough answers them too. If fresh is set, the entry then includes the changes
// of all replicas, whichever AWS call answered.
func (s *Snapshot) await(ctx context.Context, pool lsapi.PoolID, fresh bool) error {
	if _, err := s.named.Do(ctx, pool); err != nil || !fresh {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	_, err := s.catchUps.Do(ctx, pool)
	return err
}

// catchUp adds the changes of other replicas until now to an entry.
func (s *Snapshot) catchUp(ctx context.Context, pool lsapi.PoolID) error {
	if err := s.o.Overlay.CatchUp(ctx, pool); err != nil {
		return err
	}
	return s.overlayAnew(ctx, pool)
}

// overlayAnew lays the overlay of now over an entry: it may have a change before Applied
// receives it.
func (s *Snapshot) overlayAnew(ctx context.Context, pool lsapi.PoolID) error {
	e, _ := s.current(pool)
	if e == nil {
		return nil // deleted meanwhile
	}
	if err := s.facts.ensure(ctx, s.o.Named, instancesOf(s.overlaid(pool, e))); err != nil {
		return err
	}
	s.update(s.slotsFor(pool)[0], func(sl *slot, old *entry) {
		if old != nil {
			s.store(sl, s.made(sl, s.overlaid(pool, old), old), old.AsOf)
		}
	})
	return nil
}

// overlaid returns the ids of an entry's members with the overlay of now: it may have
// lost changes that it had when the entry was made.
func (s *Snapshot) overlaid(pool lsapi.PoolID, e *entry) []lsapi.MemberID {
	return s.o.Overlay.Over(pool, e.shown, e.AsOf)
}

// readOne reads one pool by name, and notes a failure.
func (s *Snapshot) readOne(ctx context.Context, pool lsapi.PoolID) error {
	err := s.readByName(ctx, pool)
	if err == nil || lsapi.ErrorCode(err) == lsapi.CodeNotFound {
		return err
	}
	if sl := (*s.slots.Load())[pool]; sl != nil {
		sl.failed.Store(&failure{err, s.stamp(time.Now())})
		s.announce()
	}
	return err
}

// readByName is readOne without the note.
func (s *Snapshot) readByName(ctx context.Context, pool lsapi.PoolID) error {
	began := time.Now()
	read, err := s.o.Named.Members(ctx, pool)
	if err != nil {
		if lsapi.ErrorCode(err) == lsapi.CodeNotFound && s.drop(pool, began) {
			s.o.Observer.ObserveGone(pool, began)
		}
		return err
	}
	if err := s.facts.ensure(ctx, s.o.Named, instancesOf(s.o.Overlay.Over(pool, read.Members, began))); err != nil {
		return err
	}
	s.o.Observer.Observe(pool, read, began)
	s.publish(s.slotsFor(pool)[0], read.Members, reportOf(pool, read, began), began)
	return nil
}
