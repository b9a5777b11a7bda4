package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
)

const elbListHelp = `List load balancers: as a table, or as an array of JSON when piped or with -o json.

--name takes a pattern: * stands for any characters, ? for one. --tag may be given
several times; all must be there.` + readStatuses

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
	flags.StringVar(&f.query.Name, "name", "", "whose name fits this `pattern`")
	flags.StringArrayVar(&f.query.Tags, "tag", nil, "with this tag, `key=value`, or key for any value")
	flags.StringVar(&f.health, "health", "", "with a member in this `state`: InService, OutOfService or Unknown")
	flags.IntVar(&f.limit, "limit", 0, "at most this `number`; 0 is all")
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

// parse checks the flags and completes the query.
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

// listLoadBalancers returns what is found, never nil.
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

// healthCells are the counts, absent when they are not known.
func healthCells(h *apiv1.HealthCounts) []cell {
	if h == nil {
		return make([]cell, 4)
	}
	return []cell{count(h.InService, plain), count(h.OutOfService, red), count(h.Unknown, yellow), count(h.Draining, yellow)}
}

// zonesText is "us-east-1a,b": what is the same of all zones is said once.
func zonesText(zones []string) string {
	var out strings.Builder
	region := ""
	for i, zone := range zones {
		if i > 0 {
			out.WriteByte(',')
		}
		if short, same := strings.CutPrefix(zone, region); i > 0 && same && short != "" {
			zone = short
		} else {
			region = strings.TrimRight(zone, "abcdefghijklmnopqrstuvwxyz")
		}
		out.WriteString(zone)
	}
	return out.String()
}

// listenersText is "HTTP:80>8000" for each, with the inner protocol where it is
// another.
func listenersText(all []apiv1.Listener) string {
	texts := make([]string, len(all))
	for i, l := range all {
		inner := ""
		if l.InstanceProtocol != l.Protocol {
			inner = l.InstanceProtocol + ":"
		}
		texts[i] = fmt.Sprintf("%s:%d>%s%d", l.Protocol, l.Port, inner, l.InstancePort)
	}
	return strings.Join(texts, ",")
}

// clock is a time of today's for people, a longer one of another day.
func clock(t apiv1.Time) string {
	if t.IsZero() {
		return ""
	}
	local := t.Local()
	if time.Since(local) < 12*time.Hour {
		return local.Format(time.TimeOnly)
	}
	return local.Format(time.DateTime)
}
