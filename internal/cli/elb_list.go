package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
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
			return v.write(found, namesOf(found), func() error { return loadBalancersTable(found).write(v) })
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

func loadBalancersTable(all []apiv1.LoadBalancer) *table {
	t := &table{columns: []column{
		{head: "NAME"}, {head: "MEMBERS"}, {head: "IN"}, {head: "OUT"}, {head: "UNKNOWN", rank: 2}, {head: "DRAINING", rank: 1},
		{head: "AS OF", rank: 6}, {head: "SCHEME", rank: 5}, {head: "ZONES", rank: 4, least: 10}, {head: "LISTENERS", rank: 3, least: 14},
		{head: "DNS NAME", rank: 7}, {head: "CREATED", wide: true}, {head: "TAGS", wide: true},
	}}
	for _, b := range all {
		row := []cell{cellOf(b.Name), cellOf(fmt.Sprint(b.Members))}
		row = append(row, healthCells(b.Health)...)
		row = append(row, cellOf(clock(b.AsOf)), cellOf(b.Scheme), cellOf(zonesText(b.Zones)), cellOf(listenersText(b.Listeners)), cellOf(b.DNSName),
			cellOf(clock(b.CreatedAt)), cellOf(tagsText(b.Tags)))
		t.add(cell{}, row...)
	}
	return t
}

// healthCells returns the counts, or empty cells if they are unknown.
func healthCells(h *apiv1.HealthCounts) []cell {
	if h == nil {
		return make([]cell, 4)
	}
	return []cell{count(h.InService, plain), count(h.OutOfService, red), count(h.Unknown, yellow), count(h.Draining, yellow)}
}
