package store

import (
	"context"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/store/postgresdb"
)

// postgresTurns are the turns that this process takes: rows, which expire by the
// database's clock. This process reckons from before it asked, and less a margin,
// so that it never believes in a turn that somebody else may take.
type postgresTurns struct {
	*postgresEngine
	holder string // this process
	wakes  *wakes

	mu     sync.Mutex
	epochs map[string]int64 // of the last turn of this process, by name
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
	var epochs []int64
	err = t.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) (err error) {
		epochs, err = q.TakeTurn(ctx, postgresdb.TakeTurnParams{Name: name, Holder: t.holder, Lease: turnLease.Microseconds()})
		if sqlState(err) == stateLockTimeout {
			return nil // somebody who has it is recording
		}
		return err
	})
	if err != nil || len(epochs) == 0 {
		return lsapi.Turn{}, false, err
	}
	return lsapi.Turn{LoadBalancer: name, Epoch: epochs[0], Until: began.Add(turnLease - turnMargin), Resumed: t.note(name, epochs[0])}, true, nil
}

// note keeps the epoch of a turn, and reports whether nobody else has had one since
// the last.
func (t *postgresTurns) note(name string, epoch int64) (resumed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, had := t.epochs[name]
	t.epochs[name] = epoch
	return had && epoch == last+1
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

func (t *postgresTurns) give(ctx context.Context, turn lsapi.Turn) error {
	return t.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
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
