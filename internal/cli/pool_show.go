package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
	"lsapi/internal/cli/term"
	"lsapi/internal/sanitize"
)

func (g poolGroup) show() *cobra.Command {
	var o client.ReadOptions
	command := g.newCommand("show")
	command.Args, command.ValidArgsFunction = exactlyOne, g.complete(1)
	addFresh(command.Flags(), &o)
	withServiceView(command, g.p, listFormats, func(ctx context.Context, service *remote, v *view, names []string) error {
		pools, err := g.pools(ctx, service, names)
		if err != nil {
			return err
		}
		found, err := service.Pool(ctx, pools[0], o)
		if err != nil {
			return g.suggest(ctx, service, err, pools...)
		}
		return v.write(found, membersOf(found), func(s term.Screen) error { return g.draw(s, found) })
	})
	return command
}

func addFresh(flags *pflag.FlagSet, o *client.ReadOptions) {
	flags.BoolVar(&o.Fresh, "fresh", false, "make the service read from AWS now, not from memory")
}

// membersOf returns the ids of the attached members.
func membersOf(pool apiv1.PoolDetail) []string {
	var ids []string
	for _, m := range pool.Members {
		if m.Attached {
			ids = append(ids, m.Member)
		}
	}
	return ids
}

func (g poolGroup) draw(s term.Screen, pool apiv1.PoolDetail) error {
	if err := drawSettings(s, g.shown(pool.Pool), settingsOf(pool)); err != nil {
		return err
	}
	if len(pool.Members) == 0 {
		_, err := io.WriteString(s, "It has no members.\n")
		return err
	}
	return membersTable(pool.Members).Write(s)
}

// drawSettings writes a title, names and values, and an empty line. Empty values are left
// out.
func drawSettings(s term.Screen, title string, settings [][2]string) error {
	const indent = 15
	var out strings.Builder
	fmt.Fprintln(&out, s.Paint(term.Bold, sanitize.Escape(title)))
	for _, setting := range settings {
		if name, value := setting[0], setting[1]; value != "" {
			lines := term.Wrap(sanitize.Escape(value), s.Room()-indent)
			fmt.Fprintf(&out, "  %s %s\n", s.Paint(term.Dim, fmt.Sprintf("%-12s", name)), strings.Join(lines, "\n"+strings.Repeat(" ", indent)))
		}
	}
	fmt.Fprintln(&out)
	_, err := io.WriteString(s, out.String())
	return err
}

// settingsOf returns names and values; unknown values are empty.
func settingsOf(b apiv1.PoolDetail) [][2]string {
	settings := [][2]string{
		{"targets", targetsText(b.Pool)},
		{"routed by", routesText(b)},
		{"dns name", b.DNSName},
		{"scheme", b.Scheme},
		{"vpc", b.VPCID},
		{"zones", strings.Join(b.Zones, ", ")},
		{"listeners", strings.ReplaceAll(listenersText(b.Listeners), ",", ", ")},
		{"tags", tagsText(b.Tags)},
	}
	if h := b.HealthCheck; h != nil {
		check := fmt.Sprintf("%s every %ds, for at most %ds; in service after %d, out after %d",
			h.Target, h.IntervalSeconds, h.TimeoutSeconds, h.HealthyThreshold, h.UnhealthyThreshold)
		if h.Matcher != "" {
			check += "; healthy is " + h.Matcher
		}
		settings = append(settings, [2]string{"health check", check})
	}
	if a := b.Attributes; a != nil {
		draining := "off"
		if a.Draining {
			draining = fmt.Sprintf("for at most %ds", a.DrainingTimeoutSeconds)
		}
		settings = append(settings, [2]string{"draining", draining})
		if a.CrossZone != nil {
			settings = append(settings, [2]string{"cross-zone", onOff(*a.CrossZone)}, [2]string{"idle timeout", fmt.Sprintf("%ds", a.IdleTimeoutSeconds)})
		}
	}
	members, asOf := memberCount(b.Pool), "unknown"
	if h := b.Health; h != nil {
		members += fmt.Sprintf(": %d in service, %d out of service, %d unknown; %d draining beside them", h.InService, h.OutOfService, h.Unknown, h.Draining)
	}
	if b.FailsOpen {
		members += "; none is in service, so all get requests"
	}
	if !b.HealthAsOf.IsZero() {
		asOf = clock(b.HealthAsOf)
	}
	return append(settings, [2]string{"members", members}, [2]string{"version", b.MembershipVersion}, [2]string{"as of", clock(b.AsOf) + ", health " + asOf})
}

// routesText returns what forwards to a target group, or the load balancers that do.
func routesText(b apiv1.PoolDetail) string {
	var texts []string
	for _, r := range b.Routes {
		texts = append(texts, routeText(r))
	}
	switch {
	case len(texts) > 0:
		return strings.Join(texts, "; ")
	case len(b.LoadBalancers) > 0:
		return loadBalancersText(b.LoadBalancers)
	case b.Kind == string(lsapi.KindTG):
		return "no load balancer: its members are unused"
	}
	return ""
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func membersTable(all []apiv1.Member) *term.Table {
	t := &term.Table{Columns: []term.Column{
		{Head: "MEMBER"}, {Head: "HEALTH"}, {Head: "EC2"}, {Head: "TYPE", Rank: 4}, {Head: "ZONE", Rank: 3}, {Head: "ADDRESS", Rank: 5},
		{Head: "MEMBER SINCE", Rank: 6}, {Head: "LAST CHANGE", Rank: 1, Least: 16}, {Head: "NAME", Rank: 2, Least: 8},
		{Head: "AUTO SCALING", Wide: true}, {Head: "LAUNCHED", Wide: true},
	}}
	for _, m := range all {
		state := stateCell(m.State)
		if m.InstanceID == "" {
			state = term.Cell{}
		}
		t.Add(term.Row{m.Member, healthCell(m), state, m.InstanceType, m.Zone, cmp.Or(m.Address, m.PrivateAddress),
			clock(m.Since), lastChangeText(m.LastChange), m.Name, m.AutoScalingGroup, clock(m.LaunchDate)}, healthNote(m))
	}
	return t
}
