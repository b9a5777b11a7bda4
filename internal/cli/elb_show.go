package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	apiv1 "lsapi/api/v1"
	"lsapi/internal/cli/term"
	"lsapi/internal/sanitize"
)

func newElbShow(p Process) *cobra.Command {
	command := newCommand("elb_show")
	command.Args, command.ValidArgsFunction = cobra.ExactArgs(1), completeNames(p, 1)
	withServiceView(command, p, listFormats, func(ctx context.Context, service *remote, v *view, names []string) error {
		if err := checkNames(names); err != nil {
			return err
		}
		found, err := service.LoadBalancer(ctx, names[0])
		if err != nil {
			return service.suggest(ctx, err, names...)
		}
		return v.write(found, membersOf(found), func(s term.Screen) error { return showLoadBalancer(s, found) })
	})
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

func showLoadBalancer(s term.Screen, b apiv1.LoadBalancerDetail) error {
	const indent = 15
	var out strings.Builder
	fmt.Fprintln(&out, s.Paint(term.Bold, sanitize.Escape(b.Name)))
	for _, setting := range settingsOf(b) {
		if name, value := setting[0], setting[1]; value != "" {
			lines := term.Wrap(sanitize.Escape(value), s.Room()-indent)
			fmt.Fprintf(&out, "  %s %s\n", s.Paint(term.Dim, fmt.Sprintf("%-12s", name)), strings.Join(lines, "\n"+strings.Repeat(" ", indent)))
		}
	}
	fmt.Fprintln(&out)
	if len(b.Instances) == 0 {
		fmt.Fprintln(&out, "It has no members.")
	}
	if _, err := io.WriteString(s, out.String()); err != nil || len(b.Instances) == 0 {
		return err
	}
	return membersTable(b.Instances).Write(s)
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
	members, asOf := strconv.Itoa(b.Members), "unknown"
	if h := b.Health; h != nil {
		members += fmt.Sprintf(": %d in service, %d out of service, %d unknown; %d draining beside them", h.InService, h.OutOfService, h.Unknown, h.Draining)
	}
	if !b.HealthAsOf.IsZero() {
		asOf = clock(b.HealthAsOf)
	}
	return append(settings, [2]string{"members", members}, [2]string{"as of", clock(b.AsOf) + ", health " + asOf})
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
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
