package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
	"lsapi/internal/cli/term"
)

func (g poolGroup) list() *cobra.Command {
	query := client.PoolsQuery{Kind: g.kind}
	command := newCommand(g.name + "_list")
	command.ValidArgsFunction = cobra.NoFileCompletions
	flags := command.Flags()
	if g.kind == "" {
		choiceVarP(flags, &query.Kind, "kind", "", "", "only of this `kind`: elb", lsapi.KindELB)
	}
	flags.StringVar(&query.Name, "name", "", "only names that match this `pattern`")
	flags.StringArrayVar(&query.Tags, "tag", nil, "only with this tag, `key=value`, or key for any value")
	choiceVarP(flags, &query.Health, "health", "", "", "only with a member in this `state`: InService, OutOfService or Unknown", lsapi.InService, lsapi.OutOfService, lsapi.HealthUnknown)
	flags.StringVar(&query.Instance, "instance", "", "only with the instance with this `id` as a member")
	flags.StringVar(&query.VPC, "vpc", "", "only of the VPC with this `id`")
	limit := flags.Int("limit", 0, "maximum `number`; 0 for all")
	withServiceView(command, g.p, listFormats, func(ctx context.Context, service *remote, v *view, _ []string) error {
		if err := checkList(query, *limit); err != nil {
			return err
		}
		found, names := []apiv1.Pool{}, []string{}
		for pool, err := range service.AllPools(ctx, query) {
			if err != nil {
				return err
			}
			found, names = append(found, pool), append(names, g.shown(pool))
			if len(found) == *limit {
				break
			}
		}
		return v.write(found, names, g.table(found).Write)
	})
	return command
}

// checkList rejects invalid flags of a list.
func checkList(query client.PoolsQuery, limit int) error {
	if limit < 0 {
		return usagef("--limit cannot be negative")
	}
	for _, tag := range query.Tags {
		if tag == "" || strings.HasPrefix(tag, "=") {
			return usagef("--tag: neither key=value nor key")
		}
	}
	if query.Instance == "" {
		return nil
	}
	if err := checkInstance(query.Instance); err != nil {
		return usagef("--instance: %w", err)
	}
	return nil
}

// shown returns the name that the group's commands take for a pool.
func (g poolGroup) shown(pool apiv1.Pool) string {
	if g.kind == "" {
		return pool.Pool
	}
	return pool.Name
}

func (g poolGroup) table(all []apiv1.Pool) *term.Table {
	head := "NAME"
	if g.kind == "" {
		head = "POOL"
	}
	t := &term.Table{Columns: []term.Column{
		{Head: head}, {Head: "MEMBERS"}, {Head: "IN"}, {Head: "OUT"}, {Head: "UNKNOWN", Rank: 2}, {Head: "DRAINING", Rank: 1},
		{Head: "AS OF", Rank: 6}, {Head: "SCHEME", Rank: 5}, {Head: "ZONES", Rank: 4, Least: 10}, {Head: "LISTENERS", Rank: 3, Least: 14},
		{Head: "DNS NAME", Rank: 7}, {Head: "CREATED", Wide: true}, {Head: "VPC", Wide: true}, {Head: "TAGS", Wide: true},
	}}
	for _, pool := range all {
		var in, out, unknown, draining any
		if h := pool.Health; h != nil {
			in, out = h.InService, count(h.OutOfService, term.Red)
			unknown, draining = count(h.Unknown, term.Yellow), count(h.Draining, term.Yellow)
		}
		t.Add(term.Row{g.shown(pool), memberCount(pool), in, out, unknown, draining, clock(pool.AsOf), pool.Scheme, zonesText(pool.Zones), listenersText(pool.Listeners),
			pool.DNSName, clock(pool.CreatedAt), pool.VPCID, tagsText(pool.Tags)}, term.Cell{})
	}
	return t
}

// count returns a number, with a style unless it is 0.
func count(n int, style term.Style) term.Cell {
	if n == 0 {
		style = term.Plain
	}
	return term.Styled(strconv.Itoa(n), style)
}
