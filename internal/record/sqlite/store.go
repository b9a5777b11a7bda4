// Package sqlite keeps a record of changes in a SQLite file, which one process owns.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"lsapi"
	"lsapi/internal/record"
)

// store is a record.Store. The process that holds the file's lock owns the file and all
// leases. Others are standbys, which read, and own the file once the lock is free.
type store struct {
	record.Record
	*readers
	file  file
	log   *slog.Logger
	feed  *record.Feed // nil when nothing learns
	hints record.Hints
	stop  context.CancelFunc
	ended chan struct{} // closed when nothing tries to own the file any more
	proof record.Proof

	mu     sync.Mutex
	owner  *ownership
	why    *lsapi.Error           // why this process does not own the file
	epoch  int64                  // of the last lease
	leases map[lsapi.PoolID]int64 // the epochs of held leases
	// unknown are the pools with an append that was abandoned after it began: it
	// may still be kept.
	unknown map[lsapi.PoolID]bool
}

type ownership struct {
	lock   *os.File
	writer *writer
	group  *group
}

// eventsHint is the name of hints of new events.
const eventsHint = "events"

// Open opens the record in the file at a path: see open.URL.
func Open(ctx context.Context, path string, o record.Options) (record.Store, error) {
	return openOn(ctx, thisMachine(), path, o)
}

// openOn opens the record. One that is opened after ctx has ended is closed again.
func openOn(ctx context.Context, m machine, path string, o record.Options) (record.Store, error) {
	opened := make(chan *store, 1)
	err := record.Within(ctx, func(ctx context.Context) error {
		s, err := openFile(ctx, m, path, o)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return errors.Join(record.TimedOut(ctx), s.shut(context.WithoutCancel(ctx)))
		}
		opened <- s
		return nil
	})
	if err != nil {
		return nil, err
	}
	return <-opened, nil
}

func openFile(ctx context.Context, m machine, path string, o record.Options) (*store, error) {
	file, err := find(path)
	if err != nil {
		return nil, err
	}
	exists, err := file.exists()
	if err != nil {
		return nil, err
	}
	if !exists && o.ReadOnly {
		return nil, lsapi.Errorf(lsapi.CodeInvalid, "there is no record of changes in %s; name the file of a running lsapi", file.path)
	}
	readers, err := file.openReaders(ctx, &m, exists, o.ReadOnly)
	if err != nil {
		return nil, err
	}
	s := &store{
		readers: readers, file: file, log: o.Logger(), ended: make(chan struct{}),
		leases: make(map[lsapi.PoolID]int64), unknown: make(map[lsapi.PoolID]bool),
	}
	s.Record = record.New(s, s.log)
	s.feed = record.NewFeed(s.Record, o.Learn)
	if err := s.start(ctx, exists, o.ReadOnly); err != nil {
		return nil, errors.Join(err, readers.close())
	}
	return s, nil
}

// start makes this process the owner or a standby. A missing file must be created now.
func (s *store) start(ctx context.Context, exists, readOnly bool) error {
	waiting, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	if readOnly {
		s.why = record.ReadOnly()
		close(s.ended)
		return nil
	}
	err := s.own(ctx)
	switch {
	case err == nil:
		close(s.ended)
		return nil
	case lsapi.ErrorCode(err) == lsapi.CodeInvalid, !exists && !errors.Is(err, errHeld):
		stop()
		return err
	}
	go s.standBy(waiting)
	return nil
}

// own makes this process the file's owner, or keeps the reason why it is not.
func (s *store) own(ctx context.Context) error {
	owner, err := s.lockAndOpen(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.owner, s.why = owner, nil
		return nil
	}
	why := errStandby()
	if !errors.Is(err, errHeld) {
		why = lsapi.AsError(err)
	}
	if s.why == nil || s.why.Error() != why.Error() {
		s.log.Warn("this process cannot write the record of changes yet", "file", s.file.path, "why", why)
	}
	s.why = why
	return err
}

func (s *store) lockAndOpen(ctx context.Context) (*ownership, error) {
	held, err := lock(s.file.path)
	if errors.Is(err, errHeld) {
		return nil, err
	}
	if err != nil {
		return nil, errUnwritable(err)
	}
	writer, err := s.file.own(ctx, held, s.machine, s.log)
	if err == nil {
		err = s.reopen(s.file)
	}
	if err != nil {
		err = errors.Join(err, held.Close())
		if lsapi.ErrorCode(err) == lsapi.CodeInternal {
			err = errUnwritable(err)
		}
		return nil, err
	}
	if info, err := os.Stat(s.file.path); err == nil && info.Mode()&0o077 != 0 {
		s.log.Warn("other users of this machine can read the record of changes, or lock it; chmod 600 the file and those beside it",
			"file", s.file.path)
	}
	return &ownership{lock: held, writer: writer, group: newGroup(writer.commit)}, nil
}

// owned returns the owner's state, or the error of a standby.
func (s *store) owned() (*ownership, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owner == nil {
		return nil, s.why
	}
	return s.owner, nil
}

// Update implements record.Engine.
func (s *store) Update(ctx context.Context, write func(context.Context, record.Tables) error) error {
	owner, err := s.owned()
	if err != nil {
		return err
	}
	return owner.group.do(ctx, write)
}

// Acquire implements record.Store, without waiting.
func (s *store) Acquire(ctx context.Context, pool lsapi.PoolID) (lsapi.Lease, error) {
	owner, err := s.owned()
	if err != nil {
		return lsapi.Lease{}, err
	}
	s.mu.Lock()
	s.epoch = max(s.epoch, owner.writer.generation<<32) + 1
	s.leases[pool] = s.epoch
	lease, unknown := lsapi.Lease{Pool: pool, Epoch: s.epoch}, s.unknown[pool]
	s.mu.Unlock()
	if unknown { // the lease's holder must see what was abandoned
		if err := s.Update(ctx, func(context.Context, record.Tables) error { return nil }); err != nil {
			return lsapi.Lease{}, errors.Join(err, s.Release(ctx, lease))
		}
		s.mu.Lock()
		delete(s.unknown, pool)
		s.mu.Unlock()
	}
	log, err := record.Read(ctx, s.Record, func(t record.Tables) (record.LogRow, error) { return t.Log(ctx, pool) })
	if err != nil {
		return lsapi.Lease{}, errors.Join(err, s.Release(ctx, lease))
	}
	lease.ChainEnd = log.ChainEnd()
	return lease, nil
}

// Renew implements record.Store. The owner's leases do not expire.
func (s *store) Renew(_ context.Context, lease lsapi.Lease) (lsapi.Lease, error) {
	if !s.holds(lease) {
		return lsapi.Lease{}, record.LeaseLost(lease.Pool)
	}
	return lease, nil
}

// Release implements record.Store.
func (s *store) Release(_ context.Context, lease lsapi.Lease) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leases[lease.Pool] == lease.Epoch {
		delete(s.leases, lease.Pool)
	}
	return nil
}

func (s *store) holds(lease lsapi.Lease) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	epoch, held := s.leases[lease.Pool]
	return held && epoch == lease.Epoch
}

// Append implements record.Store.
func (s *store) Append(ctx context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.ChainEnd, error) {
	var end lsapi.ChainEnd
	err := s.Update(ctx, func(ctx context.Context, t record.Tables) (err error) {
		if !s.holds(lease) {
			return record.LeaseLost(lease.Pool)
		}
		_, end, err = record.AppendEvents(ctx, t, lease.Pool, events)
		return err
	})
	if err != nil {
		s.noteUnknown(lease.Pool, err)
		return lsapi.ChainEnd{}, err
	}
	s.proof.Note()
	if record.HasNews(events) {
		s.hints.Wake(eventsHint)
	}
	return end, nil
}

// noteUnknown notes an append that may still be kept.
func (s *store) noteUnknown(pool lsapi.PoolID, err error) {
	if lsapi.ErrorCode(err) != lsapi.CodeTimeout {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unknown[pool] = true
}

// News implements record.Store. Without the hints of an owner in this process it looks at
// intervals.
func (s *store) News(ctx context.Context, after lsapi.Position) error {
	hints, forget := s.hints.Wait(eventsHint)
	defer forget()
	return s.AwaitNews(ctx, after, hints)
}

// Ready implements record.Store.
func (s *store) Ready(ctx context.Context) error {
	owner, err := s.owned()
	if err != nil {
		return err
	}
	if err := record.Within(ctx, func(context.Context) error { return owner.writer.intact() }); err != nil {
		return err
	}
	if !owner.writer.failed.Load() && s.proof.Holds() {
		return nil
	}
	err = owner.group.do(ctx, func(ctx context.Context, t record.Tables) error { return t.Probe(ctx) })
	if err == nil {
		s.proof.Note()
	}
	return err
}

// Close implements record.Store. After CodeTimeout it continues, and holds the lock until
// this process ends.
func (s *store) Close(ctx context.Context) error { return record.Within(ctx, s.shut) }

func (s *store) shut(ctx context.Context) error {
	s.stop()
	<-s.ended
	s.mu.Lock()
	owner := s.owner
	s.owner, s.why = nil, record.Closed()
	s.mu.Unlock()
	err := s.close()
	s.hints.WakeAll()
	if owner == nil {
		return err
	}
	if failed := errors.Join(err, owner.close(ctx)); failed != nil {
		return fmt.Errorf("closing the record of changes: %w", failed)
	}
	return nil
}

// close commits pending writes, and lets a standby take over.
func (o *ownership) close(ctx context.Context) error {
	if err := o.group.close(ctx); err != nil {
		return err
	}
	return errors.Join(o.writer.close(), o.lock.Close())
}
