// Package postgres keeps a record of changes in a PostgreSQL database, which replicas
// share.
package postgres

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgres/postgresdb"
)

type store struct {
	record.Record
	*engine
	leases   *leases
	hints    record.Hints
	notifier *notifier
	feed     *record.Feed // nil when nothing learns
	refresh  *refresh
	latest   latestListings
	base     context.Context //nolint:containedctx // it is what Close ends
	stop     context.CancelFunc
	work     sync.WaitGroup
	closing  sync.Once
	replicas replicas
}

// Open opens the record at a postgres:// URL: see open.URL.
func Open(ctx context.Context, url string, o record.Options) (record.Store, error) {
	database, err := parseURL(url, o.ReadOnly)
	if err != nil {
		return nil, err
	}
	pool, err := database.open(ctx)
	if err != nil {
		return nil, err
	}
	e := &engine{pool: pool, queries: postgresdb.New(pool), database: database, log: o.Logger()}
	s := &store{Record: record.New(e, e.log), engine: e, notifier: newNotifier(e)}
	s.base, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.leases = &leases{engine: e, holder: uuid.NewString(), hints: &s.hints}
	s.feed = record.NewFeed(s.Record, o.Learn)
	s.refresh = newRefresh(s.leases)
	s.replicas = replicas{engine: e, id: s.leases.holder, changed: o.Replicas}
	if o.ReadOnly {
		return s, nil
	}
	if err := retry(ctx, s.join); err != nil {
		s.stop()
		pool.Close()
		return nil, database.openError(err)
	}
	s.start()
	s.log.Info("this process shares the record of changes", "database", database.name, "replica", s.leases.holder)
	return s, nil
}

func (s *store) join(ctx context.Context) error {
	if err := s.replicas.beat(ctx); err != nil {
		return err
	}
	// A record that was restored on a server with lower transaction ids continues its
	// positions where they ended.
	if err := s.exec(ctx, func(ctx context.Context, q *postgresdb.Queries) error { return q.KeepPlaces(ctx) }); err != nil {
		return err
	}
	if s.feed == nil {
		return nil
	}
	return bounded(ctx, func(ctx context.Context) error { return s.feed.Begin(ctx, 0) })
}

func (s *store) start() {
	if s.feed != nil {
		hints, forget := s.hints.Wait(changesChannel)
		s.work.Go(func() {
			defer forget()
			s.feed.Run(s.base, hints)
		})
	}
	s.work.Go(func() { s.replicas.run(s.base) })
	s.work.Go(func() { s.notifier.run(s.base) })
	s.work.Go(func() { s.listen(s.base, &s.hints) })
}

// whileOpen returns a context that also ends when the record is closed.
func (s *store) whileOpen(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.base, func() { cancel(record.Closed()) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// Acquire implements record.Store.
func (s *store) Acquire(ctx context.Context, pool lsapi.PoolID) (lsapi.Lease, error) {
	ctx, done := s.whileOpen(ctx)
	defer done()
	return s.leases.acquire(ctx, pool)
}

// Renew implements record.Store.
func (s *store) Renew(ctx context.Context, lease lsapi.Lease) (lsapi.Lease, error) {
	return s.leases.renew(ctx, lease)
}

// Release implements record.Store.
func (s *store) Release(ctx context.Context, lease lsapi.Lease) error {
	err := s.leases.release(ctx, lease)
	if err == nil {
		s.notifier.notify(leasesChannel, lease.Pool.String())
	}
	return err
}

// Append implements record.Store. It locks the lease's row until the commit: no other
// process can acquire the lease before.
func (s *store) Append(ctx context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.ChainEnd, error) {
	var before int64
	var end lsapi.ChainEnd
	err := s.write(ctx, func(ctx context.Context, t *tables) (err error) {
		if _, err = s.leases.hold(ctx, t, lease); err != nil {
			return err
		}
		if err := t.readAhead(ctx, events); err != nil {
			return err
		}
		before, end, err = record.AppendEvents(ctx, t, lease.Pool, events)
		return err
	})
	if err != nil {
		return lsapi.ChainEnd{}, err
	}
	s.proof.Note()
	if s.feed != nil {
		s.feed.Skip(lease.Pool, before, end.Seq)
	}
	if !record.HasNews(events) {
		return end, nil
	}
	if slices.ContainsFunc(events, func(e lsapi.Event) bool { return e.Change.Outcome == lsapi.OutcomeApplied }) {
		s.notifier.notify(changesChannel, lease.Pool.String())
	} else {
		s.notifier.notify(eventsChannel, "")
	}
	s.hints.Wake(eventsChannel) // of this process, at once
	return end, nil
}

// News implements record.Store.
func (s *store) News(ctx context.Context, after lsapi.Position) error {
	ctx, done := s.whileOpen(ctx)
	defer done()
	hints, forget := s.hints.Wait(eventsChannel)
	defer forget()
	return s.AwaitNews(ctx, after, hints)
}

// Clock returns the time of the database's clock, which all replicas share. Records in
// files have no such method.
func (s *store) Clock(ctx context.Context) (time.Time, error) {
	return ask(ctx, s.engine, func(ctx context.Context, q *postgresdb.Queries) (time.Time, error) { return q.Clock(ctx) })
}

// Unfinished implements record.Store. It also corrects the stamps of a clock that was set
// back since, which would count as recent until the clock reaches them.
func (s *store) Unfinished(ctx context.Context, within time.Duration) ([]lsapi.PoolID, error) {
	var pools []lsapi.PoolID
	var ahead []string
	err := s.read(ctx, func(t *tables) (err error) {
		if pools, err = t.Unfinished(ctx, within); err == nil {
			ahead, err = t.queries.Ahead(ctx)
		}
		return err
	})
	if err != nil || len(ahead) == 0 {
		return pools, err
	}
	err = s.write(ctx, func(ctx context.Context, t *tables) error { return t.queries.Restamp(ctx) })
	if lsapi.ErrorCode(err) == lsapi.CodeUnavailable {
		return pools, nil // they count as recent until the database is writable
	}
	return pools, err
}

// ClaimDelivery implements record.Deliveries.
func (s *store) ClaimDelivery(ctx context.Context, receiver, holder string) (lsapi.Delivery, bool, error) {
	return s.Claim(ctx, receiver, holder, record.DeliveryLease)
}

// Prune implements record.Store.
func (s *store) Prune(ctx context.Context, keep time.Duration) error {
	if err := s.Record.Prune(ctx, keep); err != nil {
		return err
	}
	return s.exec(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
		if err := q.DropHealthReports(ctx, reportLifetime.Microseconds()); err != nil {
			return err
		}
		if err := q.DropHealthClaims(ctx, reportLifetime.Microseconds()); err != nil {
			return err
		}
		return q.DropLeases(ctx, leaseLifetime.Microseconds())
	})
}

// Ready implements record.Store.
func (s *store) Ready(ctx context.Context) error {
	if !s.database.readOnly && !s.closed.Load() && !s.away.Load() && s.proof.Holds() {
		return nil
	}
	err := s.write(ctx, func(ctx context.Context, t *tables) error { return t.Probe(ctx) })
	if err == nil {
		s.proof.Note()
	}
	return err
}

// Close implements record.Store. Held leases expire.
func (s *store) Close(ctx context.Context) error {
	s.stop()
	return record.Within(ctx, func(ctx context.Context) error {
		s.closing.Do(func() {
			s.work.Wait()
			if !s.database.readOnly {
				s.leave(ctx)
			}
			s.closed.Store(true)
			s.pool.Close()
		})
		return nil
	})
}

// leave releases what others would wait for. If it fails, that expires.
func (s *store) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	if err := s.refresh.release(ctx); err != nil {
		s.log.Warn("the right to refresh could not be given back", "error", err)
	}
	if err := s.replicas.leave(ctx); err != nil {
		s.log.Warn("the other replicas could not be notified that this one ends", "error", err)
	}
}
