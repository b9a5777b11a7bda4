package e2e

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/stdlib" // the drivers of both stores
	_ "modernc.org/sqlite"
)

// operation is an input of the model; a list is one operation per member.
type operation struct {
	action string // attach, detach, or list, which is afresh
	poolMember
}

// effect is the effect that a response states.
type effect string

const (
	took    effect = "took effect"
	already effect = "was so already"
	maybe   effect = "may have taken effect, or may yet"
	present effect = "is a member"
	absent  effect = "is not a member"
)

// set is the model: each member of each pool is in it or not, independently.
var set = porcupine.NondeterministicModel{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := make(map[poolMember][]porcupine.Operation)
		for _, o := range history {
			key := o.Input.(operation).poolMember
			parts[key] = append(parts[key], o)
		}
		return slices.Collect(maps.Values(parts))
	},
	Init: func() []any { return []any{false} },
	Step: func(state, input, output any) []any {
		member, wanted := state.(bool), input.(operation).action == "attach"
		allowed := map[effect][]any{maybe: {member, wanted}}
		switch {
		case member != wanted:
			allowed[took] = []any{wanted}
		default:
			allowed[already] = []any{member}
		}
		if member {
			allowed[present] = []any{member}
		} else {
			allowed[absent] = []any{member}
		}
		return allowed[output.(effect)]
	},
	DescribeOperation: func(input, output any) string {
		asked := input.(operation)
		return fmt.Sprintf("%s %s on %s: %s", asked.action, asked.Member, asked.Pool, output)
	},
}

// firstEvents returns the position of each change's first event in the log of its pool, by
// change id.
func firstEvents(t *testing.T, store string) map[string]int {
	t.Helper()
	driver, name := "pgx", store
	if path, is := strings.CutPrefix(store, "sqlite://"); is {
		driver, name = "sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT id, first_seq FROM changes")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	places := make(map[string]int)
	for rows.Next() {
		var id uuid.UUID
		var place int
		if err := rows.Scan(&id, &place); err != nil {
			t.Fatal(err)
		}
		places[id.String()] = place
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return places
}
