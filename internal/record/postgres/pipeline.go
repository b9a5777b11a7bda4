package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pipeline is a transaction whose writes are kept back until something is read, or
// until its end, and then sent together: an append is a few round trips, however
// many rows it writes. It is a postgresdb.DBTX; what Exec fails is told later.
type pipeline struct {
	tx    pgx.Tx
	batch *pgx.Batch
}

func newPipeline(tx pgx.Tx) *pipeline { return &pipeline{tx: tx, batch: new(pgx.Batch)} }

// Exec keeps a write back. Its tag is empty.
func (p *pipeline) Exec(_ context.Context, query string, arguments ...any) (pgconn.CommandTag, error) {
	p.batch.Queue(query, arguments...)
	return pgconn.CommandTag{}, nil
}

// Query reads what the writes have made.
func (p *pipeline) Query(ctx context.Context, query string, arguments ...any) (pgx.Rows, error) {
	if err := p.flush(ctx); err != nil {
		return nil, err
	}
	return p.tx.Query(ctx, query, arguments...)
}

// QueryRow reads what the writes have made.
func (p *pipeline) QueryRow(ctx context.Context, query string, arguments ...any) pgx.Row {
	if err := p.flush(ctx); err != nil {
		return failedRow{err}
	}
	return p.tx.QueryRow(ctx, query, arguments...)
}

// flush sends what was kept back.
func (p *pipeline) flush(ctx context.Context) error {
	if p.batch.Len() == 0 {
		return nil
	}
	batch := p.batch
	p.batch = new(pgx.Batch)
	return p.tx.SendBatch(ctx, batch).Close()
}

// failedRow is a row that could not be asked for.
type failedRow struct{ err error }

// Scan implements pgx.Row.
func (r failedRow) Scan(...any) error { return r.err }
