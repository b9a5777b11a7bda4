package snapshot

import (
	"context"
	"time"

	"lsapi"
)

// flight is a named read that readers wait for. It can be joined until it
// begins, never later: what it finds must have been asked for after its readers
// came. A page of the region's listing that began late enough lands it too.
type flight struct {
	name    string
	joined  time.Time // when the last reader joined
	readers int       // who wait for it; one that has none does not begin
	fresh   bool      // a reader wants every change that was answered before it came
	landed  chan struct{}
	err     error // set before it lands
}

// await reads a load balancer afresh, together with all who want the same. If fresh
// is set, what readers see afterwards includes what other processes have changed.
func (s *Snapshot) await(ctx context.Context, name string, fresh bool) error {
	f, err := s.join(name, fresh)
	if err != nil {
		return err
	}
	select {
	case <-f.landed:
		return f.err
	case <-ctx.Done():
		s.leave(f)
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: context.Cause(ctx)}
	case <-s.base.Done():
		return errStopping()
	}
}

// join gets on the load balancer's next flight. While one is under way, the next
// waits for it, so that all who come meanwhile share it.
func (s *Snapshot) join(name string, fresh bool) (*flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.waiting[name]
	if f == nil {
		if len(s.waiting) >= maxFlights {
			return nil, errTooManyReads()
		}
		f = &flight{name: name, landed: make(chan struct{})}
		s.waiting[name] = f
		if !s.flying[name] {
			s.enqueue(f)
		}
	}
	f.joined = time.Now()
	f.readers++
	f.fresh = f.fresh || fresh
	return f, nil
}

// leave ends a wait for a flight. One that has not begun and that nobody waits
// for any more never will.
func (s *Snapshot) leave(f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.readers--
	if f.readers == 0 && s.waiting[f.name] == f {
		delete(s.waiting, f.name) // begin passes it over
	}
}

// enqueue lets a flight begin as soon as a reader is free. The caller holds mu.
func (s *Snapshot) enqueue(f *flight) {
	s.queue = append(s.queue, f)
	if s.readers < maxNamedReads && s.work.Go(s.readNamed) {
		s.readers++
	}
}

// readNamed reads what waits in the queue until nothing does.
func (s *Snapshot) readNamed(ctx context.Context) {
	for f := s.begin(); f != nil; f = s.begin() {
		s.answer(f, s.readOne(ctx, f.name))
		s.end(f)
	}
}

// begin takes the next flight that has not landed. Nobody joins it any more.
func (s *Snapshot) begin() *flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 {
		f := s.queue[0]
		s.queue = s.queue[1:]
		if s.waiting[f.name] == f {
			delete(s.waiting, f.name)
			s.flying[f.name] = true
			return f
		}
	}
	s.readers--
	return nil
}

// end lets the next flight of a load balancer begin.
func (s *Snapshot) end(f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.flying, f.name)
	if next := s.waiting[f.name]; next != nil {
		s.enqueue(next)
	}
}

// landWaiting lands the flights whose readers are all satisfied by a read that
// began then, and of which result tells that and how.
func (s *Snapshot) landWaiting(began time.Time, result func(name string) (err error, landed bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, f := range s.waiting {
		if f.joined.After(began) {
			continue
		}
		if err, landed := result(name); landed {
			delete(s.waiting, name)
			s.answer(f, err)
		}
	}
}

// answer lands a flight that nobody can join any more. Every reader who waits is
// answered here, so that no fresh read is answered by what lacks a change of another
// process, whatever AWS call satisfied it. It never waits.
func (s *Snapshot) answer(f *flight, err error) {
	if err == nil && f.fresh {
		if s.work.Go(func(ctx context.Context) { f.land(s.catchUp(ctx, f.name)) }) {
			return
		}
		err = errStopping()
	}
	f.land(err)
}

func (f *flight) land(err error) {
	f.err = err
	close(f.landed)
}

// catchUp makes the entry of a load balancer include what other processes have
// changed until now.
func (s *Snapshot) catchUp(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	select {
	case s.catchUps <- struct{}{}:
		defer func() { <-s.catchUps }()
	case <-ctx.Done():
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
	}
	if err := s.o.CatchUp(ctx, name); err != nil {
		return err
	}
	e, _ := s.current(name)
	if e == nil {
		return nil // it was deleted meanwhile
	}
	// The overlay may have a change that Applied has not been called for yet.
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
	return s.o.Overlay(name, e.shown, e.AsOf)
}

// readOne reads one load balancer by name.
func (s *Snapshot) readOne(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, namedTimeout)
	defer cancel()
	began := time.Now()
	ids, err := s.o.Named.Members(ctx, name)
	if err != nil {
		if lsapi.ErrorCode(err) == lsapi.CodeNotFound && s.drop(name, began) {
			s.o.Gone(name, began)
		}
		return err
	}
	if err := s.facts.ensure(ctx, s.o.Named, s.o.Overlay(name, ids, began)); err != nil {
		return err
	}
	s.o.Saw(name, ids, began)
	s.publish(s.slotsFor(name)[0], lsapi.Pool{Name: name, Members: ids}, began)
	return nil
}
