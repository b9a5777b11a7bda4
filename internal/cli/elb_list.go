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

func newElbList(p Process) *cobra.Command {
	var query client.LoadBalancersQuery
	command := newCommand("elb_list")
	command.ValidArgsFunction = cobra.NoFileCompletions
	flags := command.Flags()
	flags.StringVar(&query.Name, "name", "", "only names that match this `pattern`")
	flags.StringArrayVar(&query.Tags, "tag", nil, "only with this tag, `key=value`, or key for any value")
	choiceVarP(flags, &query.Health, "health", "", "", "only with a member in this `state`: InService, OutOfService or Unknown", lsapi.InService, lsapi.OutOfService, lsapi.HealthUnknown)
	limit := flags.Int("limit", 0, "maximum `number`; 0 for all")
	withServiceView(command, p, listFormats, func(ctx context.Context, service *remote, v *view, _ []string) error {
		if *limit < 0 {
			return usagef("--limit cannot be negative")
		}
		for _, tag := range query.Tags {
			if tag == "" || strings.HasPrefix(tag, "=") {
				return usagef("--tag: neither key=value nor key")
			}
		}
		found, names := []apiv1.LoadBalancer{}, []string{}
		for b, err := range service.AllLoadBalancers(ctx, query) {
			if err != nil {
				return err
			}
			found, names = append(found, b), append(names, b.Name)
			if len(found) == *limit {
				break
			}
		}
		return v.write(found, names, loadBalancersTable(found).Write)
	})
	return command
}

func loadBalancersTable(all []apiv1.LoadBalancer) *term.Table {
	t := &term.Table{Columns: []term.Column{
		{Head: "NAME"}, {Head: "MEMBERS"}, {Head: "IN"}, {Head: "OUT"}, {Head: "UNKNOWN", Rank: 2}, {Head: "DRAINING", Rank: 1},
		{Head: "AS OF", Rank: 6}, {Head: "SCHEME", Rank: 5}, {Head: "ZONES", Rank: 4, Least: 10}, {Head: "LISTENERS", Rank: 3, Least: 14},
		{Head: "DNS NAME", Rank: 7}, {Head: "CREATED", Wide: true}, {Head: "TAGS", Wide: true},
	}}
	for _, b := range all {
		var in, out, unknown, draining any
		if h := b.Health; h != nil {
			in, out = h.InService, count(h.OutOfService, term.Red)
			unknown, draining = count(h.Unknown, term.Yellow), count(h.Draining, term.Yellow)
		}
		t.Add(term.Row{b.Name, b.Members, in, out, unknown, draining, clock(b.AsOf), b.Scheme, zonesText(b.Zones), listenersText(b.Listeners),
			b.DNSName, clock(b.CreatedAt), tagsText(b.Tags)}, term.Cell{})
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
