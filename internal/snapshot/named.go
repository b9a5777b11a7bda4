package snapshot

import (
	"context"
	"time"

	"lsapi"
)

// namedRead is a read of one load balancer for waiting readers. They can join until it
// begins, because its request must be later than their calls. A page of a listing that
// began late enough finishes it too.
type namedRead struct {
	name    string
	joined  time.Time // of the last reader
	readers int       // waiting; without any it does not begin
	fresh   bool      // a reader needs the changes of all replicas
	done    chan struct{}
	err     error // set before done is closed
}

// await reads a load balancer by name, together with all waiting readers. If fresh is set,
// its entry then includes the changes of all replicas.
func (s *Snapshot) await(ctx context.Context, name string, fresh bool) error {
	f, err := s.join(name, fresh)
	if err != nil {
		return err
	}
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		s.leave(f)
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: context.Cause(ctx)}
	case <-s.base.Done():
		return errStopping()
	}
}

// join adds a reader to the load balancer's next named read, which begins after the one in
// progress.
func (s *Snapshot) join(name string, fresh bool) (*namedRead, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.waiting[name]
	if f == nil {
		if len(s.waiting) >= maxWaitedFor {
			return nil, errTooManyReads()
		}
		f = &namedRead{name: name, done: make(chan struct{})}
		s.waiting[name] = f
		if !s.reading[name] {
			s.enqueue(f)
		}
	}
	f.joined = time.Now()
	f.readers++
	f.fresh = f.fresh || fresh
	return f, nil
}

// leave removes a reader. A read that has not begun and loses its last reader never begins.
func (s *Snapshot) leave(f *namedRead) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.readers--
	if f.readers == 0 && s.waiting[f.name] == f {
		delete(s.waiting, f.name) // begin passes it over
	}
}

// enqueue lets a named read begin as soon as a goroutine is free. The caller holds mu.
func (s *Snapshot) enqueue(f *namedRead) {
	s.queue = append(s.queue, f)
	if s.readers < maxNamedReads && s.work.Go(s.readNamed) {
		s.readers++
	}
}

// readNamed makes the queued reads until the queue is empty.
func (s *Snapshot) readNamed(ctx context.Context) {
	for f := s.begin(); f != nil; f = s.begin() {
		s.answer(f, s.readOne(ctx, f.name))
		s.end(f)
	}
}

// begin takes the next read that is not finished from the queue. No reader can join it
// from now on.
func (s *Snapshot) begin() *namedRead {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 {
		f := s.queue[0]
		s.queue = s.queue[1:]
		if s.waiting[f.name] == f {
			delete(s.waiting, f.name)
			s.reading[f.name] = true
			return f
		}
	}
	s.readers--
	return nil
}

// end lets the next read of the load balancer begin.
func (s *Snapshot) end(f *namedRead) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.reading, f.name)
	if next := s.waiting[f.name]; next != nil {
		s.enqueue(next)
	}
}

// finishWaiting finishes the waiting reads whose readers all came before a read that began
// at a time, if result returns true for them.
func (s *Snapshot) finishWaiting(began time.Time, result func(name string) (err error, done bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, f := range s.waiting {
		if f.joined.After(began) {
			continue
		}
		if err, done := result(name); done {
			delete(s.waiting, name)
			s.answer(f, err)
		}
	}
}

// answer finishes a read that no reader can join any more. All readers are answered here,
// so that each fresh one gets the changes of all replicas, whichever AWS call served it. It
// does not block.
func (s *Snapshot) answer(f *namedRead, err error) {
	if err == nil && f.fresh {
		if s.work.Go(func(ctx context.Context) { f.finish(s.catchUp(ctx, f.name)) }) {
			return
		}
		err = errStopping()
	}
	f.finish(err)
}

func (f *namedRead) finish(err error) {
	f.err = err
	close(f.done)
}

// catchUp adds the changes of other replicas until now to an entry.
func (s *Snapshot) catchUp(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	select {
	case s.catchUps <- struct{}{}:
		defer func() { <-s.catchUps }()
	case <-ctx.Done():
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
	}
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
	ctx, cancel := context.WithTimeout(ctx, namedTimeout)
	defer cancel()
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
