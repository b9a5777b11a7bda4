package postgres

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

func TestFiltersUseTheirIndexes(t *testing.T) {
	url := postgrestest.URL(t)
	opened, err := Open(t.Context(), url+"&enable_seqscan=off", record.Options{}) // the table is empty
	if err != nil {
		t.Fatal(err)
	}
	s := opened.(*store)
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	for index, filter := range map[string]lsapi.ChangeFilter{
		"changes_by_pool":     {Pool: lsapi.ELB("web")},
		"changes_by_instance": {Member: lsapi.MemberID{Instance: "i-00000001", Port: 8080}},
		"changes_by_actor":    {Actor: "alice"},
		"changes_by_action":   {Action: lsapi.Attach},
		"changes_by_outcome":  {Outcome: lsapi.OutcomeUnknown},
	} {
		query, arguments := findQuery(filter)
		rows, err := s.pool.Query(t.Context(), "EXPLAIN "+query, arguments...)
		if err != nil {
			t.Fatal(err)
		}
		steps, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		if plan := strings.Join(steps, "\n"); !strings.Contains(plan, "using "+index+" ") || strings.Contains(plan, "Sort") {
			t.Errorf("the plan of %s is\n%s", query, plan)
		}
	}
}
