package postgres

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgres/postgresdb"
)

// postgresFind is the query that finds what a filter asks for. It is put together
// here because each filter has an index of its own, which no one query could use.
func findQuery(f lsapi.ChangeFilter) (query string, arguments []any) {
	var where []string
	add := func(condition string, argument any) {
		arguments = append(arguments, argument)
		where = append(where, fmt.Sprintf("%s $%d", condition, len(arguments)))
	}
	for _, filter := range []struct{ column, want string }{
		{"load_balancer", f.LoadBalancer},
		{"instance_id", f.InstanceID},
		{"actor", f.Actor},
		{"action", string(f.Action)},
		{"outcome", string(f.Outcome)},
	} {
		switch {
		case filter.want == "":
		case filter.column == "outcome" && f.Outcome == lsapi.OutcomeOpen:
			where = append(where, "outcome = ''") // which has an index of its own
		default:
			add(filter.column+" =", filter.want)
		}
	}
	if !f.From.IsZero() {
		add("id >=", record.FirstID(f.From))
	}
	if !f.To.IsZero() {
		add("id <", record.FirstID(f.To))
	}
	if before, ok := record.ParseID(f.Before); ok {
		add("id <", before)
	}
	query = "SELECT id FROM changes"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	arguments = append(arguments, f.Limit)
	return fmt.Sprintf("%s ORDER BY id DESC LIMIT $%d", query, len(arguments)), arguments
}

func (t *tables) Find(ctx context.Context, filter lsapi.ChangeFilter) ([]record.ChangeRow, error) {
	query, arguments := findQuery(filter)
	rows, err := t.db.Query(ctx, query, arguments...)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	found, err := t.queries.ChangesByID(ctx, ids)
	slices.SortFunc(found, func(a, b postgresdb.Change) int { return bytes.Compare(b.ID[:], a.ID[:]) })
	return record.Convert(found, err, fromChange)
}
