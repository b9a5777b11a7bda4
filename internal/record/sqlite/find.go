package sqlite

import (
	"context"
	"strings"

	"lsapi"
	"lsapi/internal/record"
)

// sqliteFilters are the columns that a filter may compare, that which tells most
// first. SQLite keeps no statistics here: it is told to walk the index of the first
// that is given, and to look at the others as it goes (by the plus).
var filters = []struct {
	column string
	want   func(f lsapi.ChangeFilter) (value string, given bool)
}{
	{"outcome", func(f lsapi.ChangeFilter) (string, bool) {
		if f.Outcome == lsapi.OutcomeOpen {
			return "", true
		}
		return string(f.Outcome), f.Outcome != "" && f.Outcome != lsapi.OutcomeApplied // which most are
	}},
	{"instance_id", func(f lsapi.ChangeFilter) (string, bool) { return f.InstanceID, f.InstanceID != "" }},
	{"load_balancer", func(f lsapi.ChangeFilter) (string, bool) { return f.LoadBalancer, f.LoadBalancer != "" }},
	{"actor", func(f lsapi.ChangeFilter) (string, bool) { return f.Actor, f.Actor != "" }},
	{"outcome", func(f lsapi.ChangeFilter) (string, bool) {
		return string(f.Outcome), f.Outcome == lsapi.OutcomeApplied
	}},
	{"action", func(f lsapi.ChangeFilter) (string, bool) { return string(f.Action), f.Action != "" }},
}

// sqliteFind is the query that finds what a filter asks for. It is put together
// here because each filter has an index of its own, which no one query could use.
func findQuery(f lsapi.ChangeFilter) (query string, arguments []any) {
	var where []string
	plus := ""
	for _, filter := range filters {
		if value, given := filter.want(f); given {
			where, arguments = append(where, plus+filter.column+" = ?"), append(arguments, value)
			plus = "+"
		}
	}
	if !f.From.IsZero() {
		from := record.FirstID(f.From)
		where, arguments = append(where, "id >= ?"), append(arguments, from[:])
	}
	if !f.To.IsZero() {
		to := record.FirstID(f.To)
		where, arguments = append(where, "id < ?"), append(arguments, to[:])
	}
	if before, ok := record.ParseID(f.Before); ok {
		where, arguments = append(where, "id < ?"), append(arguments, before[:])
	}
	query = "SELECT id FROM changes"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	return query + " ORDER BY id DESC LIMIT ?", append(arguments, f.Limit)
}

func (t *tables) Find(ctx context.Context, filter lsapi.ChangeFilter) ([]record.ChangeRow, error) {
	query, arguments := findQuery(filter)
	ids, err := t.ids(ctx, query, arguments)
	if err != nil {
		return nil, err
	}
	found := make([]record.ChangeRow, 0, len(ids))
	for _, id := range ids {
		row, err := t.queries.Change(ctx, id)
		if err != nil {
			return nil, err
		}
		change, err := fromChange(row)
		if err != nil {
			return nil, err
		}
		found = append(found, change)
	}
	return found, nil
}

func (t *tables) ids(ctx context.Context, query string, arguments []any) ([][]byte, error) {
	rows, err := t.db.QueryContext(ctx, query, arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids [][]byte
	for rows.Next() {
		var id []byte
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
