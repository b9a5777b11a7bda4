package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lsapi"
	"lsapi/internal/store/postgresdb"
)

// takeTurn takes a turn. Nothing is locked, and nothing written, while somebody else
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
// so that it never believes in a turn that somebody else may take.
type postgresTurns struct {
	*postgresEngine
	holder string // this process
	wakes  *wakes
}

// take waits for a turn.
func (t *postgresTurns) take(ctx context.Context, name string) (lsapi.Turn, error) {
	woken, forget := t.wakes.wait(name)
	defer forget()
	for {
		turn, taken, err := t.try(ctx, name)
		if err != nil || taken {
			return turn, err
		}
		if err := t.trim(ctx, name); err != nil {
			return lsapi.Turn{}, err
		}
		if err := t.queue(ctx, name); err != nil {
			return lsapi.Turn{}, err
		}
		timer := time.NewTimer(turnPoll)
		select {
		case <-woken:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return lsapi.Turn{}, errEnded(ctx)
		}
	}
}

// try takes a turn unless somebody else has it.
func (t *postgresTurns) try(ctx context.Context, name string) (turn lsapi.Turn, taken bool, err error) {
	began := time.Now()
	err = t.within(ctx, func(ctx context.Context) (err error) {
		turn, taken, err = t.tryOnce(ctx, name)
		if sqlState(err) == stateLockTimeout {
			return nil // somebody who has it is recording
		}
		return err
	})
	turn.Until = began.Add(turnLease - turnMargin)
	return turn, taken, err
}

func (t *postgresTurns) tryOnce(ctx context.Context, name string) (turn lsapi.Turn, taken bool, err error) {
	turn = lsapi.Turn{LoadBalancer: name}
	log := logRow{loadBalancer: name}
	batch := new(pgx.Batch)
	batch.Queue(takeTurn, name, t.holder, turnLease.Microseconds()).Query(func(rows pgx.Rows) error {
		epochs, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err == nil && len(epochs) > 0 {
			turn.Epoch, taken = epochs[0], true
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
	turn.Head = log.head()
	return turn, taken, err
}

// queue asks for a turn to be kept for this process once it is free.
func (t *postgresTurns) queue(ctx context.Context, name string) error {
	return t.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
		err := q.WaitForTurn(ctx, postgresdb.WaitForTurnParams{Name: name, Holder: t.holder, Grace: turnGrace.Microseconds()})
		if sqlState(err) == stateLockTimeout {
			return nil
		}
		return err
	})
}

// trim corrects a turn that a clock lets last too long that was set back since. Its
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

// extend gives a turn as much time as a new one has. It must be on disk, because
// AWS is called next.
func (t *postgresTurns) extend(ctx context.Context, turn lsapi.Turn) (lsapi.Turn, error) {
	began := time.Now()
	var epochs []int64
	err := t.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) (err error) {
		epochs, err = q.ExtendTurn(ctx, postgresdb.ExtendTurnParams{
			Name: turn.LoadBalancer, Holder: t.holder, Epoch: turn.Epoch, Lease: turnLease.Microseconds(),
		})
		return err
	})
	if err != nil {
		return lsapi.Turn{}, err
	}
	if len(epochs) == 0 {
		return lsapi.Turn{}, errTurnLost(turn.LoadBalancer)
	}
	turn.Until = began.Add(turnLease - turnMargin)
	return turn, nil
}

// give gives a turn back. That of a load balancer without a log leaves nothing.
func (t *postgresTurns) give(ctx context.Context, turn lsapi.Turn) error {
	return t.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
		if turn.Head.Seq == 0 {
			dropped, err := q.DropTurn(ctx, postgresdb.DropTurnParams{Name: turn.LoadBalancer, Holder: t.holder, Epoch: turn.Epoch})
			if err != nil || dropped > 0 {
				return err
			}
		}
		return q.GiveTurn(ctx, postgresdb.GiveTurnParams{Name: turn.LoadBalancer, Holder: t.holder, Epoch: turn.Epoch})
	})
}

// hold locks a turn's row until the transaction ends, and returns the database's
// clock. It fails when somebody else has taken the turn.
func (t *postgresTurns) hold(ctx context.Context, in *postgresTables, turn lsapi.Turn) (now time.Time, err error) {
	rows, err := in.queries.LockTurn(ctx, postgresdb.LockTurnParams{Name: turn.LoadBalancer, Holder: t.holder, Epoch: turn.Epoch})
	if err != nil {
		return time.Time{}, err
	}
	if len(rows) == 0 {
		return time.Time{}, errTurnLost(turn.LoadBalancer)
	}
	return rows[0], nil
}
