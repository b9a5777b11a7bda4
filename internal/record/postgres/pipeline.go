package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pipeline is a transaction, and a postgresdb.DBTX, that sends queued writes together
// before the next read or its end: an append takes few round trips. Errors of Exec are
// returned then.
type pipeline struct {
	tx    pgx.Tx
	batch *pgx.Batch
}

func newPipeline(tx pgx.Tx) *pipeline { return &pipeline{tx: tx, batch: new(pgx.Batch)} }

// Exec queues a write. Its tag is empty.
func (p *pipeline) Exec(_ context.Context, query string, arguments ...any) (pgconn.CommandTag, error) {
	p.batch.Queue(query, arguments...)
	return pgconn.CommandTag{}, nil
}

// Query reads after the queued writes.
func (p *pipeline) Query(ctx context.Context, query string, arguments ...any) (pgx.Rows, error) {
	if err := p.flush(ctx); err != nil {
		return nil, err
	}
	return p.tx.Query(ctx, query, arguments...)
}

// QueryRow reads after the queued writes.
func (p *pipeline) QueryRow(ctx context.Context, query string, arguments ...any) pgx.Row {
	if err := p.flush(ctx); err != nil {
		return failedRow{err}
	}
	return p.tx.QueryRow(ctx, query, arguments...)
}

func (p *pipeline) flush(ctx context.Context) error {
	if p.batch.Len() == 0 {
		return nil
	}
	batch := p.batch
	p.batch = new(pgx.Batch)
	return p.tx.SendBatch(ctx, batch).Close()
}

type failedRow struct{ err error }

// Scan implements pgx.Row.
func (r failedRow) Scan(...any) error { return r.err }
