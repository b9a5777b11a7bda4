package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	apiv1 "lsapi/api/v1"
	"lsapi/client"
	"lsapi/internal/cli/term"
)

func (g poolGroup) guard() *cobra.Command {
	var o client.ReadOptions
	command := g.newCommand("guard")
	command.Args, command.ValidArgsFunction = exactlyOne, g.complete(1)
	addFresh(command.Flags(), &o)
	withServiceView(command, g.p, listFormats, func(ctx context.Context, service *remote, v *view, names []string) error {
		pools, err := g.pools(ctx, service, names)
		if err != nil {
			return err
		}
		found, err := service.Guard(ctx, pools[0], o)
		if err != nil {
			return g.suggest(ctx, service, err, pools...)
		}
		return v.write(found, rulesOf(found), func(s term.Screen) error { return drawGuard(s, found) })
	})
	return command
}

// rulesOf returns the rules with their values.
func rulesOf(g apiv1.PoolGuard) []string {
	rules := make([]string, len(g.Rules))
	for i, r := range g.Rules {
		rules[i] = r.Rule
	}
	return rules
}

func drawGuard(s term.Screen, g apiv1.PoolGuard) error {
	if err := drawSettings(s, g.Pool, guardSettings(g)); err != nil {
		return err
	}
	if len(g.Rules) == 0 {
		if _, err := io.WriteString(s, "It has no rules.\n"); err != nil {
			return err
		}
	} else if err := rulesTable(g.Rules).Write(s); err != nil {
		return err
	}
	if len(g.Members) == 0 {
		return nil
	}
	if _, err := io.WriteString(s, "\n"); err != nil {
		return err
	}
	return countedTable(g.Members).Write(s)
}

// unknowns are the texts of what a guard lacks.
var unknowns = map[string]string{
	"tags":   "the tags of the pool, which may be guards; detaches are refused",
	"health": "the health of the members; detaches are refused",
	"record": "the record of changes; detaches are refused",
}

func guardSettings(g apiv1.PoolGuard) [][2]string {
	headroom := "not limited"
	if g.Headroom != nil {
		headroom = fmt.Sprintf("%d of %d in service can be detached now", *g.Headroom, g.InService)
	}
	unknown := g.Unknown
	if text, ok := unknowns[g.Unknown]; ok {
		unknown = text
	}
	settings := [][2]string{{"headroom", headroom}, {"unknown", unknown}}
	if g.Frozen {
		settings = append(settings, [2]string{"frozen", "every change is refused now"})
	}
	if !g.HealthAsOf.IsZero() {
		settings = append(settings, [2]string{"members", fmt.Sprintf("%d in service, %d out", g.InService, g.Out)}, [2]string{"as of", clock(g.HealthAsOf)})
	}
	return settings
}

func rulesTable(rules []apiv1.GuardRule) *term.Table {
	t := &term.Table{Columns: []term.Column{{Head: "RULE"}, {Head: "MEANS NOW"}, {Head: "SOURCE"}}}
	for _, r := range rules {
		number := ""
		if r.Number != nil {
			number = strconv.Itoa(*r.Number)
		}
		t.Add(term.Row{r.Rule, number, r.Source}, term.Cell{})
	}
	return t
}

func countedTable(members []apiv1.GuardedMember) *term.Table {
	t := &term.Table{Columns: []term.Column{{Head: "MEMBER"}, {Head: "COUNTS AS"}, {Head: "ZONE"}}}
	for _, m := range members {
		t.Add(term.Row{m.Member, m.Standing, m.Zone}, term.Cell{})
	}
	return t
}
