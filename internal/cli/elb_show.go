package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	apiv1 "lsapi/api/v1"
	"lsapi/internal/cli/term"
	"lsapi/internal/sanitize"
)

const elbShowHelp = `Show a load balancer: its settings, its members and its draining instances, each with its
state in AWS and the last change by lsapi. -q prints the ids of the members only.` + readStatuses

const elbShowExample = `  lsapi elb show web-elb
  lsapi elb show web-elb -q
  lsapi elb show web-elb -o json | jq -r '.instances[] | select(.health.state != "InService").instanceId'`

func newElbShow(p Process) *cobra.Command {
	command := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a load balancer and its members",
		Long:    elbShowHelp,
		Example: elbShowExample,
		Args:    cobra.ExactArgs(1),

		ValidArgsFunction: completeName(p),
	}
	addViewFlags(command.Flags(), listFormats)
	command.RunE = func(c *cobra.Command, names []string) error {
		v, err := newView(c, p, listFormats)
		if err != nil {
			return err
		}
		if err := checkName(names[0]); err != nil {
			return err
		}
		return withService(c, p, func(ctx context.Context, service *remote) error {
			found, err := service.LoadBalancer(ctx, names[0])
			if err != nil {
				return service.suggestName(ctx, names[0], err)
			}
			return v.write(found, membersOf(found), func() error { return showLoadBalancer(v, found) })
		})
	}
	return command
}

// membersOf returns the ids of the members, without draining instances.
func membersOf(b apiv1.LoadBalancerDetail) []string {
	var ids []string
	for _, m := range b.Instances {
		if m.Member {
			ids = append(ids, m.InstanceID)
		}
	}
	return ids
}

func showLoadBalancer(v *view, b apiv1.LoadBalancerDetail) error {
	const indent = 15
	var out strings.Builder
	fmt.Fprintln(&out, v.screen.Paint(term.Bold, sanitize.Escape(b.Name)))
	for _, s := range settingsOf(b) {
		if s[1] == "" {
			continue
		}
		lines := term.Wrap(sanitize.Escape(s[1]), v.screen.Room()-indent)
		fmt.Fprintf(&out, "  %s %s\n", v.screen.Paint(term.Dim, fmt.Sprintf("%-12s", s[0])), strings.Join(lines, "\n"+strings.Repeat(" ", indent)))
	}
	out.WriteByte('\n')
	if _, err := io.WriteString(v.screen, out.String()); err != nil {
		return err
	}
	if len(b.Instances) == 0 {
		_, err := fmt.Fprintln(v.screen, "It has no members.")
		return err
	}
	return membersTable(b.Instances).Write(v.screen)
}

// settingsOf returns names and values; unknown values are empty.
func settingsOf(b apiv1.LoadBalancerDetail) [][2]string {
	settings := [][2]string{
		{"dns name", b.DNSName},
		{"scheme", b.Scheme},
		{"zones", strings.Join(b.Zones, ", ")},
		{"listeners", strings.ReplaceAll(listenersText(b.Listeners), ",", ", ")},
		{"tags", tagsText(b.Tags)},
	}
	if h := b.HealthCheck; h != nil {
		settings = append(settings, [2]string{"health check", fmt.Sprintf("%s every %ds, for at most %ds; in service after %d, out after %d",
			h.Target, h.IntervalSeconds, h.TimeoutSeconds, h.HealthyThreshold, h.UnhealthyThreshold)})
	}
	if a := b.Attributes; a != nil {
		draining := "off"
		if a.Draining {
			draining = fmt.Sprintf("for at most %ds", a.DrainingTimeoutSeconds)
		}
		settings = append(settings, [2]string{"draining", draining}, [2]string{"cross-zone", onOff(a.CrossZone)},
			[2]string{"idle timeout", fmt.Sprintf("%ds", a.IdleTimeoutSeconds)})
	}
	return append(settings, [2]string{"members", countsText(b.Members, b.Health)}, [2]string{"as of", asOfText(b.LoadBalancer)})
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func countsText(members int, h *apiv1.HealthCounts) string {
	if h == nil {
		return fmt.Sprint(members)
	}
	return fmt.Sprintf("%d: %d in service, %d out of service, %d unknown; %d draining beside them", members, h.InService, h.OutOfService, h.Unknown, h.Draining)
}

func asOfText(b apiv1.LoadBalancer) string {
	if b.HealthAsOf.IsZero() {
		return clock(b.AsOf) + ", health unknown"
	}
	return clock(b.AsOf) + ", health " + clock(b.HealthAsOf)
}

func membersTable(all []apiv1.Member) *term.Table {
	t := &term.Table{Columns: []term.Column{
		{Head: "INSTANCE"}, {Head: "HEALTH"}, {Head: "EC2"}, {Head: "TYPE", Rank: 4}, {Head: "ZONE", Rank: 3}, {Head: "ADDRESS", Rank: 5},
		{Head: "MEMBER SINCE", Rank: 6}, {Head: "LAST CHANGE", Rank: 1, Least: 16}, {Head: "NAME", Rank: 2, Least: 8}, {Head: "LAUNCHED", Wide: true},
	}}
	for _, m := range all {
		t.Add(term.Row{m.InstanceID, healthCell(m), stateCell(m.State), m.InstanceType, m.Zone, m.PrivateAddress,
			clock(m.Since), lastChangeText(m.LastChange), m.Name, clock(m.LaunchDate)}, healthNote(m))
	}
	return t
}
