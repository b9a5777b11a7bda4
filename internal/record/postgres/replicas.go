package postgres

import (
	"context"
	"fmt"
	"time"

	"lsapi/internal/record/postgres/postgresdb"
)

// replicas counts the live replicas, this process included.
type replicas struct {
	*engine
	id      string
	changed func(live int)
	live    int // as last reported
}

func (r *replicas) run(ctx context.Context) {
	ticker := time.NewTicker(beatEvery) // a slow beat does not delay the next
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = r.beat(ctx) // while the database is unreachable the last number stands
		case <-ctx.Done():
			return
		}
	}
}

func (r *replicas) beat(ctx context.Context) error {
	live, err := ask(ctx, r.engine, func(ctx context.Context, q *postgresdb.Queries) (int64, error) {
		if err := q.Beat(ctx, r.id); err != nil {
			return 0, err
		}
		return q.Replicas(ctx, deadAfter.Microseconds())
	})
	if err != nil {
		return fmt.Errorf("counting the replicas: %w", err)
	}
	if n := max(1, int(live)); n != r.live {
		r.live = n
		if r.changed != nil {
			r.changed(n)
		}
	}
	return nil
}

func (r *replicas) leave(ctx context.Context) error {
	return r.exec(ctx, func(ctx context.Context, q *postgresdb.Queries) error { return q.LeaveReplicas(ctx, r.id) })
}
