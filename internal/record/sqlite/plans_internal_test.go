package sqlite

import (
	"strings"
	"testing"

	"lsapi"
)

func TestFiltersUseTheirIndexes(t *testing.T) {
	s := openOwn(t)
	for index, filter := range map[string]lsapi.ChangeFilter{
		"changes_by_pool":     {Pool: lsapi.ELB("web"), Action: lsapi.Attach},
		"changes_by_instance": {Pool: lsapi.ELB("web"), Member: lsapi.MemberID{Instance: "i-00000001", Port: 8080}},
		"changes_by_actor":    {Actor: "alice", Outcome: lsapi.OutcomeApplied},
		"changes_by_action":   {Action: lsapi.Attach},
		"changes_by_outcome":  {Outcome: lsapi.OutcomeUnknown, Actor: "alice"},
	} {
		query, arguments := findQuery(filter)
		wantPlan(t, s, "USING INDEX "+index, query, arguments...)
	}
}

// wantPlan checks that a query searches one index, without sorting.
func wantPlan(t *testing.T, s *store, want, query string, arguments ...any) {
	t.Helper()
	rows, err := s.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var steps []string
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
	if len(steps) != 1 || !strings.Contains(strings.ReplaceAll(steps[0], "COVERING ", ""), want+" ") {
		t.Errorf("the plan of %s is %q, want %q", query, steps, want)
	}
}
