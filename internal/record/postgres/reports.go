package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgres/postgresdb"
)

// ClaimHealth implements record.Replicas.
func (s *store) ClaimHealth(ctx context.Context, pool lsapi.PoolID, every time.Duration) (claimed bool, err error) {
	granted, err := ask(ctx, s.engine, func(ctx context.Context, q *postgresdb.Queries) ([]string, error) {
		return q.ClaimHealth(ctx, postgresdb.ClaimHealthParams{Pool: pool.String(), Every: every.Microseconds()})
	})
	return len(granted) > 0, err
}

type sharedReport struct {
	Members []record.HealthPayload `json:"members"`
	Absent  []lsapi.MemberID       `json:"absent,omitempty"`
	Whole   bool                   `json:"whole,omitempty"`
	// Incarnation is empty if unknown.
	Incarnation string `json:"incarnation,omitempty"`
}

// PublishHealth implements record.Replicas.
func (s *store) PublishHealth(ctx context.Context, report lsapi.HealthReport) error {
	shared := sharedReport{Members: make([]record.HealthPayload, len(report.Members)), Absent: report.Absent, Whole: report.Whole, Incarnation: record.Clean(report.Incarnation)}
	for i, h := range report.Members {
		shared.Members[i] = record.NewHealthPayload(h)
	}
	text, err := json.Marshal(shared)
	if err != nil {
		return fmt.Errorf("encoding a health report: %w", err)
	}
	versions, err := ask(ctx, s.engine, func(ctx context.Context, q *postgresdb.Queries) ([]int64, error) {
		now, err := q.Clock(ctx)
		if err != nil {
			return nil, err
		}
		// The database's clock was read before this process's: the report becomes older by
		// the difference, never newer.
		asOf := now.Add(-time.Since(report.AsOf))
		return q.PublishHealth(ctx, postgresdb.PublishHealthParams{Pool: report.Pool.String(), AsOf: asOf, Report: text})
	})
	if len(versions) > 0 {
		s.notifier.notify(healthChannel, "")
	}
	return err
}

// PublishedHealth implements record.Replicas.
func (s *store) PublishedHealth(ctx context.Context, after int64) (reports []lsapi.HealthReport, version int64, err error) {
	err = s.await(ctx, healthChannel, func(ctx context.Context) (done bool, err error) {
		reports, version, err = s.reports(ctx, after)
		return len(reports) > 0, err
	})
	return reports, version, err
}

// reports returns the reports published after a version, and the version of the last.
func (s *store) reports(ctx context.Context, after int64) (reports []lsapi.HealthReport, version int64, err error) {
	version = after
	err = s.read(ctx, func(t *tables) error {
		began := time.Now()
		rows, err := t.queries.HealthReports(ctx, after)
		if err != nil {
			return err
		}
		for i := range rows {
			version = rows[i].Version
			if rows[i].AsOf.After(rows[i].Now) {
				continue // the clock was set back: its age is unknown, and another one follows soon
			}
			report, err := decodeReport(&rows[i], began)
			if err != nil {
				return err
			}
			reports = append(reports, report)
		}
		return nil
	})
	return reports, version, err
}

// decodeReport decodes a report. This process's clock was read before the database's: the
// report becomes older by the difference, never newer.
func decodeReport(row *postgresdb.HealthReportsRow, began time.Time) (lsapi.HealthReport, error) {
	var shared sharedReport
	if err := json.Unmarshal(row.Report, &shared); err != nil {
		return lsapi.HealthReport{}, record.Damaged("decoding a health report", err)
	}
	pool, err := record.PoolOf(row.Pool)
	if err != nil {
		return lsapi.HealthReport{}, err
	}
	report := lsapi.HealthReport{
		Pool: pool, Members: make([]lsapi.MemberHealth, len(shared.Members)),
		Absent: shared.Absent, Whole: shared.Whole, Incarnation: shared.Incarnation, AsOf: began.Add(-row.Now.Sub(row.AsOf)),
	}
	for i, h := range shared.Members {
		report.Members[i] = h.MemberHealth()
	}
	return report, nil
}
