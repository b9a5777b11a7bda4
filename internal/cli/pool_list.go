package cli

import (
	"context"
	"errors"
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
	command := g.newCommand("list")
	command.ValidArgsFunction = cobra.NoFileCompletions
	flags := command.Flags()
	if g.kind == "" {
		choiceVarP(flags, &query.Kind, "kind", "", "", "only of this `kind`: elb or tg", lsapi.KindELB, lsapi.KindTG)
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
		found, outdated, err := allPools(ctx, service, query, *limit)
		if err != nil {
			return err
		}
		names := make([]string, len(found))
		for i, pool := range found {
			names[i] = g.shown(pool)
		}
		return errors.Join(v.write(found, names, g.table(found).Write), outdatedKinds(g.p.Stderr, outdated))
	})
	return command
}

// allPools returns the pools of all pages, at most limit unless it is 0, and the kinds that the
// last of them has as outdated.
func allPools(ctx context.Context, service *remote, query client.PoolsQuery, limit int) (found []apiv1.Pool, outdated []apiv1.OutdatedKind, err error) {
	found = []apiv1.Pool{} // not nil: an empty list is []
	for page, err := range service.PoolPages(ctx, query) {
		if err != nil {
			return nil, nil, err
		}
		found, outdated = append(found, page.Pools...), page.Outdated
		if limit > 0 && len(found) >= limit {
			return found[:limit], outdated, nil
		}
	}
	return found, outdated, nil
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

func (g poolGroup) table(all []apiv1.Pool) *term.Table {
	first := "NAME"
	if g.kind == "" {
		first = "POOL"
	}
	t := &term.Table{Columns: []term.Column{
		{Head: first}, {Head: "MEMBERS"}, {Head: "IN"}, {Head: "OUT"},
		{Head: "UNKNOWN", Rank: 2}, {Head: "DRAINING", Rank: 1}, {Head: "AS OF", Rank: 8},
	}}
	if g.kind != lsapi.KindTG {
		t.Columns = append(t.Columns, term.Column{Head: "SCHEME", Rank: 5}, term.Column{Head: "ZONES", Rank: 4, Least: 10},
			term.Column{Head: "LISTENERS", Rank: 3, Least: 14}, term.Column{Head: "DNS NAME", Rank: 9})
	}
	if g.kind != lsapi.KindELB {
		t.Columns = append(t.Columns, term.Column{Head: "TARGETS", Rank: 6}, term.Column{Head: "ROUTED BY", Rank: 7, Least: 10})
	}
	t.Columns = append(t.Columns, term.Column{Head: "CREATED", Wide: true}, term.Column{Head: "VPC", Wide: true}, term.Column{Head: "TAGS", Wide: true})
	for _, pool := range all {
		t.Add(g.row(pool), term.Cell{})
	}
	return t
}

func (g poolGroup) row(pool apiv1.Pool) term.Row {
	var in, out, unknown, draining any
	if h := pool.Health; h != nil {
		in, out = h.InService, count(h.OutOfService, term.Red)
		unknown, draining = count(h.Unknown, term.Yellow), count(h.Draining, term.Yellow)
	}
	row := term.Row{g.shown(pool), memberCount(pool), in, out, unknown, draining, clock(pool.AsOf)}
	if g.kind != lsapi.KindTG {
		row = append(row, pool.Scheme, zonesText(pool.Zones), listenersText(pool.Listeners), pool.DNSName)
	}
	if g.kind != lsapi.KindELB {
		row = append(row, targetsText(pool), loadBalancersText(pool.LoadBalancers))
	}
	return append(row, clock(pool.CreatedAt), pool.VPCID, tagsText(pool.Tags))
}

// count returns a number, with a style unless it is 0.
func count(n int, style term.Style) term.Cell {
	if n == 0 {
		style = term.Plain
	}
	return term.Styled(strconv.Itoa(n), style)
}
