package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgres/postgresdb"
)

// acquireLease acquires a lease. While another process holds it, nothing is locked or
// written.
const acquireLease = `
INSERT INTO leases (name, holder, epoch, expires_at, next, next_until)
SELECT $1, $2, 1, clock_timestamp() + $3::bigint * interval '1 microsecond', '', 'epoch'
WHERE set_config('synchronous_commit', 'off', true) <> '' AND set_config('lock_timeout', '1s', true) <> ''
    AND NOT EXISTS (
        SELECT FROM leases AS held
        WHERE held.name = $1 AND held.holder <> $2 AND (held.expires_at > clock_timestamp()
            OR held.next NOT IN ('', $2) AND held.next_until > clock_timestamp())
    )
ON CONFLICT (name) DO UPDATE SET
    holder = excluded.holder, epoch = leases.epoch + 1, expires_at = excluded.expires_at,
    next = CASE leases.next WHEN excluded.holder THEN '' ELSE leases.next END
WHERE leases.holder = excluded.holder OR leases.expires_at <= clock_timestamp()
    AND (leases.next IN ('', excluded.holder) OR leases.next_until <= clock_timestamp())
RETURNING epoch`

// logEnd reads the end of a log, in a statement of its own behind acquireLease: that does
// not see events that were recorded while it waited for the row.
const logEnd = `SELECT last_seq, last_hash FROM logs WHERE pool = $1`

// leases are this process's leases: rows that expire by the database's clock. The process
// measures from before its query and subtracts a margin, and so never relies on a lease
// that another process can acquire.
type leases struct {
	*engine
	holder string // this process
	hints  *record.Hints
}

func (l *leases) acquire(ctx context.Context, pool lsapi.PoolID) (lsapi.Lease, error) {
	woken, forget := l.hints.Wait(pool.String())
	defer forget()
	for {
		lease, acquired, err := l.try(ctx, pool)
		if err != nil || acquired {
			return lease, err
		}
		if err := l.trim(ctx, pool); err != nil {
			return lsapi.Lease{}, err
		}
		if err := l.queue(ctx, pool); err != nil {
			return lsapi.Lease{}, err
		}
		if err := record.Pause(ctx, woken, leasePoll); err != nil {
			return lsapi.Lease{}, err
		}
	}
}

func (l *leases) try(ctx context.Context, pool lsapi.PoolID) (lease lsapi.Lease, acquired bool, err error) {
	began := time.Now()
	err = l.exec(ctx, func(ctx context.Context, _ *postgresdb.Queries) (err error) {
		lease, acquired, err = l.tryOnce(ctx, pool)
		return unlessLocked(err) // the holder is recording
	})
	lease.Until = began.Add(leaseDuration - leaseMargin)
	return lease, acquired, err
}

func (l *leases) tryOnce(ctx context.Context, pool lsapi.PoolID) (lease lsapi.Lease, acquired bool, err error) {
	lease = lsapi.Lease{Pool: pool}
	log := record.LogRow{Pool: pool}
	batch := new(pgx.Batch)
	batch.Queue(acquireLease, pool.String(), l.holder, leaseDuration.Microseconds()).Query(func(rows pgx.Rows) error {
		epochs, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err == nil && len(epochs) > 0 {
			lease.Epoch, acquired = epochs[0], true
		}
		return err
	})
	batch.Queue(logEnd, pool.String()).Query(func(rows pgx.Rows) error {
		var sum []byte
		_, err := pgx.ForEachRow(rows, []any{&log.Last, &sum}, func() (err error) {
			log.Hash, err = record.ParseHash(sum)
			return err
		})
		return err
	})
	err = l.pool.SendBatch(ctx, batch).Close()
	lease.ChainEnd = log.ChainEnd()
	return lease, acquired, err
}

// unlessLocked drops the error of a row that another process locks.
func unlessLocked(err error) error {
	if sqlState(err) == stateLockTimeout {
		return nil
	}
	return err
}

// queue reserves a lease for this process once it is free.
func (l *leases) queue(ctx context.Context, pool lsapi.PoolID) error {
	return l.exec(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
		return unlessLocked(q.QueueForLease(ctx, postgresdb.QueueForLeaseParams{Name: pool.String(), Holder: l.holder, Grace: leaseGrace.Microseconds()}))
	})
}

// trim shortens a lease that would last too long, because the clock was set back, to a
// new one's duration.
func (l *leases) trim(ctx context.Context, pool lsapi.PoolID) error {
	return l.exec(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
		return unlessLocked(q.TrimLease(ctx, postgresdb.TrimLeaseParams{Name: pool.String(), Lease: leaseDuration.Microseconds(), Grace: leaseGrace.Microseconds()}))
	})
}

// renew extends a lease to its full duration, durably: a call of AWS follows.
func (l *leases) renew(ctx context.Context, lease lsapi.Lease) (lsapi.Lease, error) {
	began := time.Now()
	epochs, err := ask(ctx, l.engine, func(ctx context.Context, q *postgresdb.Queries) ([]int64, error) {
		return q.RenewLease(ctx, postgresdb.RenewLeaseParams{
			Name: lease.Pool.String(), Holder: l.holder, Epoch: lease.Epoch, Lease: leaseDuration.Microseconds(),
		})
	})
	if err != nil {
		return lsapi.Lease{}, err
	}
	if len(epochs) == 0 {
		return lsapi.Lease{}, record.LeaseLost(lease.Pool)
	}
	lease.Until = began.Add(leaseDuration - leaseMargin)
	return lease, nil
}

// release gives up a lease. That of a pool without a log leaves no row.
func (l *leases) release(ctx context.Context, lease lsapi.Lease) error {
	return l.exec(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
		if lease.ChainEnd.Seq == 0 {
			dropped, err := q.DropLease(ctx, postgresdb.DropLeaseParams{Name: lease.Pool.String(), Holder: l.holder, Epoch: lease.Epoch})
			if err != nil || dropped > 0 {
				return err
			}
		}
		return q.ReleaseLease(ctx, postgresdb.ReleaseLeaseParams{Name: lease.Pool.String(), Holder: l.holder, Epoch: lease.Epoch})
	})
}

// hold locks a lease's row until the transaction ends, and returns the database's time.
func (l *leases) hold(ctx context.Context, in *tables, lease lsapi.Lease) (now time.Time, err error) {
	rows, err := in.queries.LockLease(ctx, postgresdb.LockLeaseParams{Name: lease.Pool.String(), Holder: l.holder, Epoch: lease.Epoch})
	if err != nil {
		return time.Time{}, err
	}
	if len(rows) == 0 {
		return time.Time{}, record.LeaseLost(lease.Pool)
	}
	return rows[0], nil
}
