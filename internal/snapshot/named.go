package snapshot

import (
	"context"
	"time"

	"lsapi"
)

// withoutValue returns a call of one key, for its effect.
func withoutValue(call func(ctx context.Context, name string) error) func(context.Context, []string) (map[string]struct{}, error) {
	return func(ctx context.Context, names []string) (map[string]struct{}, error) {
		return nil, call(ctx, names[0])
	}
}

// await reads a load balancer by name, together with all waiting readers. A page of a
// listing that began late enough answers them too. If fresh is set, the entry then includes
// the changes of all replicas, whichever AWS call answered.
func (s *Snapshot) await(ctx context.Context, name string, fresh bool) error {
	if _, err := s.named.Do(ctx, name); err != nil || !fresh {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	_, err := s.catchUps.Do(ctx, name)
	return err
}

// catchUp adds the changes of other replicas until now to an entry.
func (s *Snapshot) catchUp(ctx context.Context, name string) error {
	if err := s.o.Overlay.CatchUp(ctx, name); err != nil {
		return err
	}
	e, _ := s.current(name)
	if e == nil {
		return nil // deleted meanwhile
	}
	// The overlay may have a change before Applied receives it.
	if err := s.facts.ensure(ctx, s.o.Named, s.overlaid(name, e)); err != nil {
		return err
	}
	s.update(s.slotsFor(name)[0], func(sl *slot, old *entry) {
		if old != nil {
			sl.store(s.made(s.overlaid(name, old), old), old.AsOf)
		}
	})
	return nil
}

// overlaid returns the ids of an entry's members with the overlay of now: it may have
// lost changes that it had when the entry was made.
func (s *Snapshot) overlaid(name string, e *entry) []string {
	return s.o.Overlay.Over(name, e.shown, e.AsOf)
}

// readOne reads one load balancer by name.
func (s *Snapshot) readOne(ctx context.Context, name string) error {
	began := time.Now()
	ids, err := s.o.Named.Members(ctx, name)
	if err != nil {
		if lsapi.ErrorCode(err) == lsapi.CodeNotFound && s.drop(name, began) {
			s.o.Observer.ObserveGone(name, began)
		}
		return err
	}
	if err := s.facts.ensure(ctx, s.o.Named, s.o.Overlay.Over(name, ids, began)); err != nil {
		return err
	}
	s.o.Observer.Observe(name, ids, began)
	s.publish(s.slotsFor(name)[0], lsapi.Pool{Name: name, Members: ids}, began)
	return nil
}
