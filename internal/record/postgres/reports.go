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

// ClaimHealth implements Replicas.
func (s *store) ClaimHealth(ctx context.Context, loadBalancer string, every time.Duration) (claimed bool, err error) {
	err = s.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
		given, err := q.ClaimHealth(ctx, postgresdb.ClaimHealthParams{LoadBalancer: loadBalancer, Every: every.Microseconds()})
		claimed = len(given) > 0
		return err
	})
	return claimed, err
}

// sharedReport is what a report says, as replicas share it.
type sharedReport struct {
	Members []record.HealthPayload `json:"members"`
	Absent  []string               `json:"silent,omitempty"`
}

// PublishHealth implements Replicas.
func (s *store) PublishHealth(ctx context.Context, report lsapi.HealthReport) error {
	shared := sharedReport{Members: make([]record.HealthPayload, len(report.Members)), Absent: report.Absent}
	for i, h := range report.Members {
		shared.Members[i] = record.NewHealthPayload(h)
	}
	text, err := json.Marshal(shared)
	if err != nil {
		return fmt.Errorf("encoding a health report: %w", err)
	}
	var versions []int64
	err = s.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
		now, err := q.Clock(ctx)
		if err != nil {
			return err
		}
		// The database's clock was read before this one is: the report is made older by
		// the time between, never younger.
		asOf := now.Add(-time.Since(report.AsOf))
		versions, err = q.PublishHealth(ctx, postgresdb.PublishHealthParams{LoadBalancer: report.LoadBalancer, AsOf: asOf, Report: text})
		return err
	})
	if err == nil && len(versions) > 0 {
		s.notifier.notify(healthChannel, "")
	}
	return err
}

// PublishedHealth implements Replicas.
func (s *store) PublishedHealth(ctx context.Context, after int64) ([]lsapi.HealthReport, int64, error) {
	ctx, done := s.open(ctx)
	defer done()
	hints, forget := s.wakes.Wait(healthChannel)
	defer forget()
	for {
		reports, version, err := s.reports(ctx, after)
		if err != nil || len(reports) > 0 {
			return reports, version, err
		}
		timer := time.NewTimer(record.LookEvery)
		select {
		case <-hints:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil, after, record.Ended(ctx)
		}
	}
}

// reports returns what was published later than a version, and the version of the
// last of it.
func (s *store) reports(ctx context.Context, after int64) (reports []lsapi.HealthReport, version int64, err error) {
	err = s.read(ctx, 1, func(views []*tables) error {
		began := time.Now()
		rows, err := views[0].queries.HealthReports(ctx, after)
		if err != nil {
			return err
		}
		version = after
		for i := range rows {
			version = rows[i].Version
			if rows[i].AsOf.After(rows[i].Now) {
				continue // the clock was set back: its age is not known, and a next one comes soon
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

// decodeReport decodes a report. This clock was read before the database's was: the
// report is made older by the time between, never younger.
func decodeReport(row *postgresdb.HealthReportsRow, began time.Time) (lsapi.HealthReport, error) {
	var shared sharedReport
	if err := json.Unmarshal(row.Report, &shared); err != nil {
		return lsapi.HealthReport{}, record.Damaged("decoding a health report", err)
	}
	report := lsapi.HealthReport{
		LoadBalancer: row.LoadBalancer, Members: make([]lsapi.MemberHealth, len(shared.Members)),
		Absent: shared.Absent, AsOf: began.Add(-row.Now.Sub(row.AsOf)),
	}
	for i, h := range shared.Members {
		report.Members[i] = h.MemberHealth()
	}
	return report, nil
}

// Prune implements Store.
func (s *store) Prune(ctx context.Context, keep time.Duration) error {
	if err := s.Record.Prune(ctx, keep); err != nil {
		return err
	}
	return s.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) error {
		if err := q.DropHealthReports(ctx, reportLifetime.Microseconds()); err != nil {
			return err
		}
		if err := q.DropHealthClaims(ctx, reportLifetime.Microseconds()); err != nil {
			return err
		}
		return q.DropTurns(ctx, leaseLifetime.Microseconds())
	})
}
