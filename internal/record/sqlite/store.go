package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

// sqliteStore is a record in a SQLite file. The process that holds the file's lock
// owns it and all turns; any other is a standby, which reads, and becomes the
// owner when the lock is free.
type store struct {
	record.Record
	*readers
	file  file
	log   *slog.Logger
	learn func(loadBalancer string, changes []lsapi.AppliedChange)
	wakes *record.Hints
	stop  context.CancelFunc
	ended chan struct{} // closed when nothing tries to own the file any more
	proof record.Proof

	mu     sync.Mutex
	owner  *ownership
	why    *lsapi.Error     // why this process does not own the file
	epoch  int64            // of the last lease that was taken
	leases map[string]int64 // the epochs of those that are held
	// unknown are the load balancers with an append that was given up after it had
	// begun: it may still be kept.
	unknown map[string]bool
}

// ownership is what only the owner of the file has.
type ownership struct {
	lock   *os.File
	writer *writer
	group  *group
}

// openSQLite opens the record in a file. A file that does not exist is created. CodeInvalid:
// the folder does not exist; the file is something else or damaged; a newer lsapi has
// made it, or an older one and it is opened read-only. The file is not altered then.
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
	s := &store{readers: readers, file: file, log: o.Logger(), learn: o.Learn, wakes: record.NewHints(), ended: make(chan struct{}), leases: make(map[string]int64), unknown: make(map[string]bool)}
	s.Record = record.New(s, s.log)
	if err := s.start(ctx, exists, o.ReadOnly); err != nil {
		return nil, errors.Join(err, readers.close())
	}
	return s, nil
}

// start makes this process the owner, or a standby that waits to be. A file that
// does not exist yet must be made now.
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

// wait tries to own the file until it does.
func (s *store) wait(ctx context.Context) {
	ticker := time.NewTicker(lockPoll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := s.own(ctx); err == nil {
			s.log.Info("this process owns the record of changes now", "file", s.file.path)
			return
		}
	}
}

// own makes this process the owner of the file, or says why it is not.
func (s *store) own(ctx context.Context) error {
	owner, err := s.take(ctx)
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

func (s *store) take(ctx context.Context) (*ownership, error) {
	held, err := lock(s.file.path)
	if errors.Is(err, errHeld) {
		return nil, err
	}
	if err != nil {
		return nil, errUnwritable(err)
	}
	writer, err := s.file.own(ctx, s.machine, s.log)
	if err == nil {
		err = writer.identify(s.file.path, held)
	}
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
	if s.file.forOthers() {
		s.log.Warn("other users of this machine can read the record of changes, or hold up who writes it; chmod 600 the file and those beside it",
			"file", s.file.path)
	}
	return &ownership{lock: held, writer: writer, group: newGroup(writer.commit)}, nil
}

// owned returns what the owner has, or the coded error of who is not.
func (s *store) owned() (*ownership, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owner == nil {
		return nil, s.why
	}
	return s.owner, nil
}

// update implements engine.
func (s *store) Update(ctx context.Context, write func(context.Context, record.Tables) error) error {
	owner, err := s.owned()
	if err != nil {
		return err
	}
	return owner.group.do(ctx, write)
}

// Take implements Store: it never waits.
func (s *store) Acquire(ctx context.Context, loadBalancer string) (lsapi.Lease, error) {
	owner, err := s.owned()
	if err != nil {
		return lsapi.Lease{}, err
	}
	lease := lsapi.Lease{LoadBalancer: loadBalancer, Epoch: s.nextEpoch(loadBalancer, owner.writer.generation)}
	log, err := s.logEnd(ctx, loadBalancer)
	if err != nil {
		return lsapi.Lease{}, errors.Join(err, s.Release(ctx, lease))
	}
	lease.Head = log.Head()
	return lease, nil
}

// logEnd reads the end of a log. What was given up is waited for: nothing may be
// appended behind what the holder of the lease has not seen.
func (s *store) logEnd(ctx context.Context, loadBalancer string) (record.LogRow, error) {
	s.mu.Lock()
	unknown := s.unknown[loadBalancer]
	s.mu.Unlock()
	if unknown {
		if err := s.Update(ctx, func(context.Context, record.Tables) error { return nil }); err != nil {
			return record.LogRow{}, err
		}
		s.mu.Lock()
		delete(s.unknown, loadBalancer)
		s.mu.Unlock()
	}
	return record.Read(ctx, s.Record, func(t record.Tables) (record.LogRow, error) { return t.Log(ctx, loadBalancer) })
}

func (s *store) nextEpoch(loadBalancer string, generation int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch = max(s.epoch, generation<<32) + 1
	s.leases[loadBalancer] = s.epoch
	return s.epoch
}

// Extend implements Store: the turns of the file's owner do not end.
func (s *store) Renew(_ context.Context, lease lsapi.Lease) (lsapi.Lease, error) {
	if !s.current(lease) {
		return lsapi.Lease{}, record.LeaseLost(lease.LoadBalancer)
	}
	return lease, nil
}

// Give implements Store.
func (s *store) Release(_ context.Context, given lsapi.Lease) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leases[given.LoadBalancer] == given.Epoch {
		delete(s.leases, given.LoadBalancer)
	}
	return nil
}

// current reports whether a lease is held, and nobody has taken it since.
func (s *store) current(t lsapi.Lease) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	epoch, held := s.leases[t.LoadBalancer]
	return held && epoch == t.Epoch
}

// Append implements Store.
func (s *store) Append(ctx context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.Head, error) {
	var head lsapi.Head
	err := s.Update(ctx, func(ctx context.Context, t record.Tables) (err error) {
		if !s.current(lease) {
			return record.LeaseLost(lease.LoadBalancer)
		}
		_, head, err = record.AppendEvents(ctx, t, lease.LoadBalancer, events)
		return err
	})
	if err != nil {
		s.noteUnknown(lease.LoadBalancer, err)
		return lsapi.Head{}, err
	}
	s.proof.Note()
	if record.HasNews(events) {
		s.wakes.Wake(eventsHint)
	}
	return head, nil
}

// noteUnknown notes that an append may still be kept, if its error says so.
func (s *store) noteUnknown(loadBalancer string, err error) {
	if lsapi.ErrorCode(err) != lsapi.CodeTimeout {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unknown[loadBalancer] = true
}

// Ready implements Store.
func (s *store) Ready(ctx context.Context) error {
	owner, err := s.owned()
	if err != nil {
		return err
	}
	if err := record.Within(ctx, func(context.Context) error { return owner.writer.intact() }); err != nil {
		return err
	}
	if owner.writer.lastKept() && s.proof.Holds() {
		return nil
	}
	err = owner.group.do(ctx, func(ctx context.Context, t record.Tables) error { return t.Probe(ctx) })
	if err == nil {
		s.proof.Note()
	}
	return err
}

// Close implements Store. What does not end by then goes on alone, and keeps the
// lock until this process ends.
func (s *store) Close(ctx context.Context) error {
	return record.Within(ctx, s.shut)
}

func (s *store) shut(ctx context.Context) error {
	s.stop()
	<-s.ended
	s.mu.Lock()
	owner := s.owner
	s.owner, s.why = nil, record.Closed()
	s.mu.Unlock()
	err := s.close()
	s.wakes.WakeAll()
	if owner == nil {
		return err
	}
	if failed := errors.Join(err, owner.close(ctx)); failed != nil {
		return fmt.Errorf("closing the record of changes: %w", failed)
	}
	return nil
}

// close commits what waits, and lets a standby take over.
func (o *ownership) close(ctx context.Context) error {
	if err := o.group.close(ctx); err != nil {
		return err
	}
	return errors.Join(o.writer.close(), o.lock.Close())
}
