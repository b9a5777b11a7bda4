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

const elbListHelp = `List load balancers, as a table, or as a JSON array when piped or with -o json.

--name takes a pattern: * matches any characters, ? matches one. --tag can be repeated;
all tags must match.` + readStatuses

const elbListExample = `  lsapi elb list --name 'web-*' --tag team=web
  lsapi elb list --health OutOfService -o json | jq -r '.[].name'`

type elbListFlags struct {
	query  client.LoadBalancersQuery
	health string
	limit  int
}

func newElbList(p Process) *cobra.Command {
	var f elbListFlags
	command := &cobra.Command{
		Use:               "list",
		Short:             "List load balancers",
		Long:              elbListHelp,
		Example:           elbListExample,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags := command.Flags()
	flags.StringVar(&f.query.Name, "name", "", "only names that match this `pattern`")
	flags.StringArrayVar(&f.query.Tags, "tag", nil, "only with this tag, `key=value`, or key for any value")
	flags.StringVar(&f.health, "health", "", "only with a member in this `state`: InService, OutOfService or Unknown")
	flags.IntVar(&f.limit, "limit", 0, "maximum `number`; 0 for all")
	addViewFlags(flags, listFormats)
	command.RunE = func(c *cobra.Command, _ []string) error {
		v, err := newView(c, p, listFormats)
		if err != nil {
			return err
		}
		if err := f.parse(); err != nil {
			return err
		}
		return withService(c, p, func(ctx context.Context, service *remote) error {
			found, err := listLoadBalancers(ctx, service, f)
			if err != nil {
				return err
			}
			return v.write(found, namesOf(found), func() error { return loadBalancersTable(found).Write(v.screen) })
		})
	}
	return command
}

// parse validates the flags and sets the query.
func (f *elbListFlags) parse() error {
	if f.limit < 0 {
		return usagef("--limit cannot be negative")
	}
	for _, state := range []lsapi.HealthState{lsapi.InService, lsapi.OutOfService, lsapi.HealthUnknown} {
		if strings.EqualFold(f.health, string(state)) {
			f.query.Health = state
		}
	}
	if f.health != "" && f.query.Health == "" {
		return usagef("--health: not InService, OutOfService or Unknown")
	}
	for _, tag := range f.query.Tags {
		if key, _, _ := strings.Cut(tag, "="); key == "" {
			return usagef("--tag: neither key=value nor key")
		}
	}
	return nil
}

// listLoadBalancers returns a non-nil slice.
func listLoadBalancers(ctx context.Context, service *remote, f elbListFlags) ([]apiv1.LoadBalancer, error) {
	found := []apiv1.LoadBalancer{}
	for b, err := range service.AllLoadBalancers(ctx, f.query) {
		if err != nil {
			return nil, err
		}
		found = append(found, b)
		if len(found) == f.limit {
			break
		}
	}
	return found, nil
}

func namesOf(all []apiv1.LoadBalancer) []string {
	names := make([]string, len(all))
	for i, b := range all {
		names[i] = b.Name
	}
	return names
}

func loadBalancersTable(all []apiv1.LoadBalancer) *term.Table {
	t := &term.Table{Columns: []term.Column{
		{Head: "NAME"}, {Head: "MEMBERS"}, {Head: "IN"}, {Head: "OUT"}, {Head: "UNKNOWN", Rank: 2}, {Head: "DRAINING", Rank: 1},
		{Head: "AS OF", Rank: 6}, {Head: "SCHEME", Rank: 5}, {Head: "ZONES", Rank: 4, Least: 10}, {Head: "LISTENERS", Rank: 3, Least: 14},
		{Head: "DNS NAME", Rank: 7}, {Head: "CREATED", Wide: true}, {Head: "TAGS", Wide: true},
	}}
	for _, b := range all {
		row := append(term.Row{b.Name, b.Members}, healthCells(b.Health)...)
		t.Add(append(row, clock(b.AsOf), b.Scheme, zonesText(b.Zones), listenersText(b.Listeners), b.DNSName,
			clock(b.CreatedAt), tagsText(b.Tags)), term.Cell{})
	}
	return t
}

// healthCells returns the counts, or empty cells if they are unknown.
func healthCells(h *apiv1.HealthCounts) term.Row {
	if h == nil {
		return make(term.Row, 4)
	}
	return term.Row{count(h.InService, term.Plain), count(h.OutOfService, term.Red), count(h.Unknown, term.Yellow), count(h.Draining, term.Yellow)}
}

// count returns a number, with a style unless it is 0.
func count(n int, style term.Style) term.Cell {
	if n == 0 {
		style = term.Plain
	}
	return term.Styled(strconv.Itoa(n), style)
}
