package record

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lsapi"
	"lsapi/internal/record/postgresdb"
)

// takeTurn takes a lease. Nothing is locked, and nothing written, while somebody else
// has it.
const takeTurn = `
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
type postgresTurns struct {
	*postgresEngine
	holder string // this process
	wakes  *wakes
}

// take waits for a lease.
func (t *postgresTurns) take(ctx context.Context, name string) (lsapi.Lease, error) {
	woken, forget := t.wakes.wait(name)
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
		timer := time.NewTimer(turnPoll)
		select {
		case <-woken:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return lsapi.Lease{}, errEnded(ctx)
		}
	}
}

// try takes a lease unless somebody else has it.
func (t *postgresTurns) try(ctx context.Context, name string) (lease lsapi.Lease, taken bool, err error) {
	began := time.Now()
	err = t.within(ctx, func(ctx context.Context) (err error) {
		lease, taken, err = t.tryOnce(ctx, name)
		if sqlState(err) == stateLockTimeout {
			return nil // somebody who has it is recording
		}
		return err
	})
	lease.Until = began.Add(turnLease - turnMargin)
	return lease, taken, err
}

func (t *postgresTurns) tryOnce(ctx context.Context, name string) (lease lsapi.Lease, taken bool, err error) {
	lease = lsapi.Lease{LoadBalancer: name}
	log := logRow{loadBalancer: name}
	batch := new(pgx.Batch)
	batch.Queue(takeTurn, name, t.holder, turnLease.Microseconds()).Query(func(rows pgx.Rows) error {
		epochs, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err == nil && len(epochs) > 0 {
			lease.Epoch, taken = epochs[0], true
		}
		return err
	})
	batch.Queue(logEnd, name).Query(func(rows pgx.Rows) error {
		var sum []byte
		_, err := pgx.ForEachRow(rows, []any{&log.last, &sum}, func() (err error) {
			log.hash, err = toHash(sum)
			return err
		})
		return err
	})
	err = t.pool.SendBatch(ctx, batch).Close()
	lease.Head = log.head()
	return lease, taken, err
}

// queue asks for a lease to be kept for this process once it is free.
func (t *postgresTurns) queue(ctx context.Context, name string) error {
	return t.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
		err := q.WaitForTurn(ctx, postgresdb.WaitForTurnParams{Name: name, Holder: t.holder, Grace: turnGrace.Microseconds()})
		if sqlState(err) == stateLockTimeout {
			return nil
		}
		return err
	})
}

// trim corrects a lease that a clock lets last too long that was set back since. Its
// holder, if there is one, has as much time as one of now.
func (t *postgresTurns) trim(ctx context.Context, name string) error {
	return t.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
		err := q.TrimTurn(ctx, postgresdb.TrimTurnParams{Name: name, Lease: turnLease.Microseconds(), Grace: turnGrace.Microseconds()})
		if sqlState(err) == stateLockTimeout {
			return nil
		}
		return err
	})
}

// extend gives a lease as much time as a new one has. It must be on disk, because
// AWS is called next.
func (t *postgresTurns) extend(ctx context.Context, lease lsapi.Lease) (lsapi.Lease, error) {
	began := time.Now()
	var epochs []int64
	err := t.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) (err error) {
		epochs, err = q.ExtendTurn(ctx, postgresdb.ExtendTurnParams{
			Name: lease.LoadBalancer, Holder: t.holder, Epoch: lease.Epoch, Lease: turnLease.Microseconds(),
		})
		return err
	})
	if err != nil {
		return lsapi.Lease{}, err
	}
	if len(epochs) == 0 {
		return lsapi.Lease{}, errLeaseLost(lease.LoadBalancer)
	}
	lease.Until = began.Add(turnLease - turnMargin)
	return lease, nil
}

// give gives a lease back. That of a load balancer without a log leaves nothing.
func (t *postgresTurns) give(ctx context.Context, lease lsapi.Lease) error {
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
func (t *postgresTurns) hold(ctx context.Context, in *postgresTables, lease lsapi.Lease) (now time.Time, err error) {
	rows, err := in.queries.LockTurn(ctx, postgresdb.LockTurnParams{Name: lease.LoadBalancer, Holder: t.holder, Epoch: lease.Epoch})
	if err != nil {
		return time.Time{}, err
	}
	if len(rows) == 0 {
		return time.Time{}, errLeaseLost(lease.LoadBalancer)
	}
	return rows[0], nil
}
