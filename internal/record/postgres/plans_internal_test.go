package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgres/postgresdb"
	"lsapi/internal/record/postgrestest"
)

func TestFiltersUseTheirIndexes(t *testing.T) {
	s := openEmpty(t)
	for index, filter := range map[string]lsapi.ChangeFilter{
		"changes_by_pool":     {Pool: lsapi.ELB("web")},
		"changes_by_instance": {Member: lsapi.MemberID{Instance: "i-00000001", Port: 8080}},
		"changes_by_actor":    {Actor: "alice"},
		"changes_by_action":   {Action: lsapi.Attach},
		"changes_by_bulk":     {Bulk: "01a20ee8-6140-7a11-8000-0123456789aa"},
		"changes_by_outcome":  {Outcome: lsapi.OutcomeUnknown},
	} {
		query, arguments := findQuery(filter)
		if plan := plan(t, s, query, arguments...); !strings.Contains(plan, "using "+index+" ") || strings.Contains(plan, "Sort") {
			t.Errorf("the plan of %s is\n%s", query, plan)
		}
	}
}

func TestQueriesOfMembersUseTheirIndexes(t *testing.T) {
	s := openEmpty(t)
	for want, ask := range map[string]func(*postgresdb.Queries) error{
		"Index Scan using detached_by_time ": func(q *postgresdb.Queries) error {
			_, err := q.DetachedSince(t.Context(), postgresdb.DetachedSinceParams{RecordedAt: new(time.Now())})
			return err
		},
		"Index Scan using changes_by_instance ": func(q *postgresdb.Queries) error {
			_, err := q.Later(t.Context(), postgresdb.LaterParams{})
			return err
		},
	} {
		seen := new(captured)
		if err := ask(postgresdb.New(seen)); !errors.Is(err, errCaptured) {
			t.Fatal(err)
		}
		if plan := plan(t, s, seen.query, seen.arguments...); !strings.Contains(plan, want) {
			t.Errorf("the plan of %s is\n%s", seen.query, plan)
		}
	}
}

// captured keeps a query instead of sending it.
type captured struct {
	postgresdb.DBTX
	query     string
	arguments []any
}

var errCaptured = errors.New("the query was captured")

func (c *captured) Query(_ context.Context, query string, arguments ...any) (pgx.Rows, error) {
	c.query, c.arguments = query, arguments
	return nil, errCaptured
}

// openEmpty opens a record without rows, of which queries use indexes nevertheless.
func openEmpty(t *testing.T) *store {
	t.Helper()
	opened, err := Open(t.Context(), postgrestest.URL(t)+"&enable_seqscan=off&enable_bitmapscan=off", record.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := opened.(*store)
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	return s
}

// plan returns the plan of a query.
func plan(t *testing.T, s *store, query string, arguments ...any) string {
	t.Helper()
	rows, err := s.pool.Query(t.Context(), "EXPLAIN "+query, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(steps, "\n")
}
