package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgres/postgresdb"
)

// takeTurn takes a lease. Nothing is locked, and nothing written, while somebody else
// has it.
const acquireLease = `
INSERT INTO turns (name, holder, epoch, expires_at, next, next_until)
SELECT $1, $2, 1, clock_timestamp() + $3::bigint * interval '1 microsecond', '', 'epoch'
WHERE set_config('synchronous_commit', 'off', true) <> '' AND set_config('lock_timeout', '1s', true) <> ''
    AND NOT EXISTS (
        SELECT FROM turns AS t
        WHERE t.name = $1 AND t.holder <> $2 AND (t.expires_at > clock_timestamp()
            OR t.next NOT IN ('', $2) AND t.next_until > clock_timestamp())
    )
ON CONFLICT (name) DO UPDATE SET
    holder = excluded.holder, epoch = turns.epoch + 1, expires_at = excluded.expires_at,
    next = CASE turns.next WHEN excluded.holder THEN '' ELSE turns.next END
WHERE turns.holder = excluded.holder OR turns.expires_at <= clock_timestamp()
    AND (turns.next IN ('', excluded.holder) OR turns.next_until <= clock_timestamp())
RETURNING epoch`

// logEnd reads the end of a log. It is a statement of its own behind takeTurn, because
// that sees nothing of what was recorded while it waited for the row.
const logEnd = `SELECT last_seq, last_hash FROM logs WHERE load_balancer = $1`

// postgresTurns are the turns that this process takes: rows, which expire by the
// database's clock. This process reckons from before it asked, and less a margin,
// so that it never believes in a lease that somebody else may take.
type leases struct {
	*engine
	holder string // this process
	wakes  *record.Hints
}

// take waits for a lease.
func (t *leases) acquire(ctx context.Context, name string) (lsapi.Lease, error) {
	woken, forget := t.wakes.Wait(name)
	defer forget()
	for {
		lease, taken, err := t.try(ctx, name)
		if err != nil || taken {
			return lease, err
		}
		if err := t.trim(ctx, name); err != nil {
			return lsapi.Lease{}, err
		}
		if err := t.queue(ctx, name); err != nil {
			return lsapi.Lease{}, err
		}
		timer := time.NewTimer(leasePoll)
		select {
		case <-woken:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return lsapi.Lease{}, record.Ended(ctx)
		}
	}
}

// try takes a lease unless somebody else has it.
func (t *leases) try(ctx context.Context, name string) (lease lsapi.Lease, taken bool, err error) {
	began := time.Now()
	err = t.within(ctx, func(ctx context.Context) (err error) {
		lease, taken, err = t.tryOnce(ctx, name)
		if sqlState(err) == stateLockTimeout {
			return nil // somebody who has it is recording
		}
		return err
	})
	lease.Until = began.Add(leaseDuration - leaseMargin)
	return lease, taken, err
}

func (t *leases) tryOnce(ctx context.Context, name string) (lease lsapi.Lease, taken bool, err error) {
	lease = lsapi.Lease{LoadBalancer: name}
	log := record.LogRow{LoadBalancer: name}
	batch := new(pgx.Batch)
	batch.Queue(acquireLease, name, t.holder, leaseDuration.Microseconds()).Query(func(rows pgx.Rows) error {
		epochs, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err == nil && len(epochs) > 0 {
			lease.Epoch, taken = epochs[0], true
		}
		return err
	})
	batch.Queue(logEnd, name).Query(func(rows pgx.Rows) error {
		var sum []byte
		_, err := pgx.ForEachRow(rows, []any{&log.Last, &sum}, func() (err error) {
			log.Hash, err = record.ParseHash(sum)
			return err
		})
		return err
	})
	err = t.pool.SendBatch(ctx, batch).Close()
	lease.Head = log.Head()
	return lease, taken, err
}

// queue asks for a lease to be kept for this process once it is free.
func (t *leases) queue(ctx context.Context, name string) error {
	return t.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
		err := q.WaitForTurn(ctx, postgresdb.WaitForTurnParams{Name: name, Holder: t.holder, Grace: leaseGrace.Microseconds()})
		if sqlState(err) == stateLockTimeout {
			return nil
		}
		return err
	})
}

// trim corrects a lease that a clock lets last too long that was set back since. Its
// holder, if there is one, has as much time as one of now.
func (t *leases) trim(ctx context.Context, name string) error {
	return t.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
		err := q.TrimTurn(ctx, postgresdb.TrimTurnParams{Name: name, Lease: leaseDuration.Microseconds(), Grace: leaseGrace.Microseconds()})
		if sqlState(err) == stateLockTimeout {
			return nil
		}
		return err
	})
}

// extend gives a lease as much time as a new one has. It must be on disk, because
// AWS is called next.
func (t *leases) renew(ctx context.Context, lease lsapi.Lease) (lsapi.Lease, error) {
	began := time.Now()
	var epochs []int64
	err := t.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) (err error) {
		epochs, err = q.ExtendTurn(ctx, postgresdb.ExtendTurnParams{
			Name: lease.LoadBalancer, Holder: t.holder, Epoch: lease.Epoch, Lease: leaseDuration.Microseconds(),
		})
		return err
	})
	if err != nil {
		return lsapi.Lease{}, err
	}
	if len(epochs) == 0 {
		return lsapi.Lease{}, record.LeaseLost(lease.LoadBalancer)
	}
	lease.Until = began.Add(leaseDuration - leaseMargin)
	return lease, nil
}

// give gives a lease back. That of a load balancer without a log leaves nothing.
func (t *leases) release(ctx context.Context, lease lsapi.Lease) error {
	return t.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
		if lease.Head.Seq == 0 {
			dropped, err := q.DropTurn(ctx, postgresdb.DropTurnParams{Name: lease.LoadBalancer, Holder: t.holder, Epoch: lease.Epoch})
			if err != nil || dropped > 0 {
				return err
			}
		}
		return q.GiveTurn(ctx, postgresdb.GiveTurnParams{Name: lease.LoadBalancer, Holder: t.holder, Epoch: lease.Epoch})
	})
}

// hold locks a lease's row until the transaction ends, and returns the database's
// clock. It fails when somebody else has taken the lease.
func (t *leases) hold(ctx context.Context, in *tables, lease lsapi.Lease) (now time.Time, err error) {
	rows, err := in.queries.LockTurn(ctx, postgresdb.LockTurnParams{Name: lease.LoadBalancer, Holder: t.holder, Epoch: lease.Epoch})
	if err != nil {
		return time.Time{}, err
	}
	if len(rows) == 0 {
		return time.Time{}, record.LeaseLost(lease.LoadBalancer)
	}
	return rows[0], nil
}
