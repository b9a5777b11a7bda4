package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"lsapi"
	"lsapi/internal/record/sqlite/sqlitedb"
)

func TestFiltersUseTheirIndexes(t *testing.T) {
	s := openOwn(t)
	for index, filter := range map[string]lsapi.ChangeFilter{
		"changes_by_pool":     {Pool: lsapi.ELB("web"), Action: lsapi.Attach},
		"changes_by_instance": {Pool: lsapi.ELB("web"), Member: lsapi.MemberID{Instance: "i-00000001", Port: 8080}},
		"changes_by_actor":    {Actor: "alice", Outcome: lsapi.OutcomeApplied},
		"changes_by_action":   {Action: lsapi.Attach},
		"changes_by_bulk":     {Pool: lsapi.ELB("web"), Member: lsapi.InstanceMember("i-00000001"), Bulk: "01a20ee8-6140-7a11-8000-0123456789aa"},
		"changes_by_outcome":  {Outcome: lsapi.OutcomeUnknown, Actor: "alice"},
	} {
		query, arguments := findQuery(filter)
		wantPlan(t, s, "USING INDEX "+index, query, arguments...)
	}
}

func TestQueriesOfMembersUseTheirIndexes(t *testing.T) {
	s := openOwn(t)
	for want, ask := range map[string]func(*sqlitedb.Queries) error{
		"SEARCH detached USING INDEX detached_by_time (pool=? AND recorded_at>?)": func(q *sqlitedb.Queries) error {
			_, err := q.DetachedSince(t.Context(), sqlitedb.DetachedSinceParams{})
			return err
		},
		"SEARCH changes USING INDEX changes_open (pool=?)": func(q *sqlitedb.Queries) error {
			_, err := q.OpenChanges(t.Context(), "")
			return err
		},
		"SEARCH changes USING INDEX changes_by_instance (instance=? AND id>?)": func(q *sqlitedb.Queries) error {
			_, err := q.Later(t.Context(), sqlitedb.LaterParams{})
			return err
		},
	} {
		seen := new(captured)
		if err := ask(sqlitedb.New(seen)); !errors.Is(err, errCaptured) {
			t.Fatal(err)
		}
		if steps := plan(t, s, seen.query, seen.arguments...); steps[0] != want {
			t.Errorf("the plan of %s is %q, want %q", seen.query, steps, want)
		}
	}
}

// captured keeps a query instead of sending it.
type captured struct {
	sqlitedb.DBTX
	query     string
	arguments []any
}

var errCaptured = errors.New("the query was captured")

func (c *captured) QueryContext(_ context.Context, query string, arguments ...any) (*sql.Rows, error) {
	c.query, c.arguments = query, arguments
	return nil, errCaptured
}

// wantPlan checks that a query searches one index, without sorting.
func wantPlan(t *testing.T, s *store, want, query string, arguments ...any) {
	t.Helper()
	steps := plan(t, s, query, arguments...)
	if len(steps) != 1 || !strings.Contains(strings.ReplaceAll(steps[0], "COVERING ", ""), want+" ") {
		t.Errorf("the plan of %s is %q, want %q", query, steps, want)
	}
}

// plan returns the steps of a query.
func plan(t *testing.T, s *store, query string, arguments ...any) (steps []string) {
	t.Helper()
	rows, err := s.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}
