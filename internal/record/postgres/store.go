package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgres/postgresdb"
)

// postgresStore is a record in a PostgreSQL database, which several replicas
// share.
type store struct {
	record.Record
	*engine
	leases   *leases
	wakes    *record.Hints
	notifier *notifier
	feed     *record.Feed
	refresh  *refresh
	seen     sighting
	base     context.Context //nolint:containedctx // it is what Close ends
	stop     context.CancelFunc
	work     sync.WaitGroup
	closing  sync.Once
	replicas replicas
}

func Open(ctx context.Context, url string, o record.Options) (record.Store, error) {
	database, err := parseURL(url, o.ReadOnly)
	if err != nil {
		return nil, err
	}
	pool, err := database.open(ctx, o.ReadOnly)
	if err != nil {
		return nil, err
	}
	engine := &engine{pool: pool, queries: postgresdb.New(pool), database: database, readOnly: o.ReadOnly, log: o.Logger()}
	s := &store{Record: record.New(engine, engine.log), engine: engine, wakes: record.NewHints(), notifier: newNotifier(engine)}
	s.base, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.leases = &leases{engine: engine, holder: uuid.NewString(), wakes: s.wakes}
	s.feed = record.NewFeed(s.Record, o.Learn)
	s.refresh = newRefresh(s.leases)
	s.replicas = replicas{engine: engine, id: s.leases.holder, tell: o.Replicas}
	if o.ReadOnly {
		return s, nil
	}
	if err := retried(ctx, s.join); err != nil {
		s.stop()
		pool.Close()
		return nil, database.unopened(err)
	}
	s.start()
	s.log.Info("this process shares the record of changes", "database", database.name, "replica", s.leases.holder)
	return s, nil
}

// join makes this process one of the replicas.
func (s *store) join(ctx context.Context) error {
	if err := s.replicas.beat(ctx); err != nil {
		return err
	}
	if err := s.keepPlaces(ctx); err != nil {
		return err
	}
	if s.feed == nil {
		return nil
	}
	return s.feed.Begin(ctx, 0)
}

// start begins what goes on beside the calls, until Close.
func (s *store) start() {
	if s.feed != nil {
		hints, forget := s.wakes.Wait(changesChannel)
		s.work.Go(func() {
			defer forget()
			s.feed.Run(s.base, hints)
		})
	}
	s.work.Go(func() { s.replicas.run(s.base) })
	s.work.Go(func() { s.notifier.run(s.base) })
	s.work.Go(func() { s.listen(s.base, s.wakes) })
}

// Take implements Store.
func (s *store) Acquire(ctx context.Context, loadBalancer string) (lsapi.Lease, error) {
	ctx, done := s.open(ctx)
	defer done()
	return s.leases.acquire(ctx, loadBalancer)
}

// open ends a wait when the record is closed.
func (s *store) open(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.base, func() { cancel(record.Closed()) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// Extend implements Store.
func (s *store) Renew(ctx context.Context, lease lsapi.Lease) (lsapi.Lease, error) {
	return s.leases.renew(ctx, lease)
}

// Give implements Store.
func (s *store) Release(ctx context.Context, lease lsapi.Lease) error {
	err := s.leases.release(ctx, lease)
	if err == nil {
		s.notifier.notify(leasesChannel, lease.LoadBalancer)
	}
	return err
}

// Append implements Store. The lease's row is locked until the commit, so that
// nobody can take the lease before it.
func (s *store) Append(ctx context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.Head, error) {
	var before int64
	var head lsapi.Head
	err := s.write(ctx, func(ctx context.Context, t *tables) (err error) {
		if _, err = s.leases.hold(ctx, t, lease); err != nil {
			return err
		}
		if err := t.expect(ctx, events); err != nil {
			return err
		}
		before, head, err = record.AppendEvents(ctx, t, lease.LoadBalancer, events)
		return err
	})
	if err != nil {
		return lsapi.Head{}, err
	}
	s.proof.Note()
	if s.feed != nil {
		s.feed.Skip(lease.LoadBalancer, before, head.Seq)
	}
	switch {
	case apply(events):
		s.notifier.notify(changesChannel, lease.LoadBalancer)
	case record.HasNews(events):
		s.notifier.notify(eventsChannel, "")
	default:
		return head, nil
	}
	s.wakes.Wake(eventsChannel) // this process hears of it at once
	return head, nil
}

// apply reports whether events tell of changes that were applied.
func apply(events []lsapi.Event) bool {
	for i := range events {
		if events[i].Change.Outcome == lsapi.OutcomeApplied {
			return true
		}
	}
	return false
}

// Ready implements Store.
func (s *store) Ready(ctx context.Context) error {
	if !s.readOnly && !s.closed.Load() && !s.away.Load() && s.proof.Holds() {
		return nil
	}
	err := s.Update(ctx, func(ctx context.Context, t record.Tables) error { return t.Probe(ctx) })
	if err == nil {
		s.proof.Note()
	}
	return err
}

// Close implements Store. Turns that are held end by themselves.
func (s *store) Close(ctx context.Context) error {
	s.stop()
	return record.Within(ctx, func(ctx context.Context) error {
		s.closing.Do(func() {
			s.work.Wait()
			if !s.readOnly {
				s.leave(ctx)
			}
			s.closed.Store(true)
			s.pool.Close()
		})
		return nil
	})
}

// leave gives up what others would wait for. If it cannot, it ends by itself.
func (s *store) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.refresh.release(ctx); err != nil {
		s.log.Warn("the right to refresh could not be given back", "error", err)
	}
	if err := s.replicas.leave(ctx); err != nil {
		s.log.Warn("the other replicas could not be told that this one ends", "error", err)
	}
}

// replicas says that this process is alive, and counts those that are.
type replicas struct {
	*engine
	id   string
	tell func(live int)
	live int // as was told last
}

func (r *replicas) run(ctx context.Context) {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		_ = r.beat(ctx) // while the database is away, the last number stands
	}
}

func (r *replicas) beat(ctx context.Context) error {
	var live int64
	err := r.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) (err error) {
		if err = q.Beat(ctx, r.id); err == nil {
			live, err = q.Replicas(ctx, deadAfter.Microseconds())
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("counting the replicas: %w", err)
	}
	if n := max(1, int(live)); n != r.live {
		r.live = n
		if r.tell != nil {
			r.tell(n)
		}
	}
	return nil
}

func (r *replicas) leave(ctx context.Context) error {
	return r.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) error { return q.LeaveReplicas(ctx, r.id) })
}
