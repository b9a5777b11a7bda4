package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	apiv1 "lsapi/api/v1"
	"lsapi/client"
	"lsapi/internal/cli/term"
	"lsapi/internal/clientconfig"
)

func newInstance(p Process) *cobra.Command {
	group := newGroup("instance", newInstanceShow(p))
	clientconfig.AddFlags(group.PersistentFlags())
	return group
}

func newInstanceShow(p Process) *cobra.Command {
	var o client.ReadOptions
	command := newCommand("instance_show")
	command.Args, command.ValidArgsFunction = exactlyOne, cobra.NoFileCompletions
	addFresh(command.Flags(), &o)
	withServiceView(command, p, listFormats, func(ctx context.Context, service *remote, v *view, ids []string) error {
		if err := checkInstance(ids[0]); err != nil {
			return err
		}
		found, err := service.Instance(ctx, ids[0], o)
		if err != nil {
			return err
		}
		var pools []string
		for _, m := range found.Memberships {
			pools = append(pools, m.Pool)
		}
		if err := v.write(found, slices.Compact(pools), func(s term.Screen) error { return drawInstance(s, found) }); err != nil || found.Complete {
			return err
		}
		return incomplete(p.Stderr, found)
	})
	return command
}

// incomplete warns of outdated kinds, and returns the error of memberships that were not all
// read in time.
func incomplete(w io.Writer, i apiv1.Instance) error {
	if err := outdatedKinds(w, i.Outdated); err != nil {
		return err
	}
	text := "not all pools could be read in time"
	if len(i.Unread) > 0 {
		text += ": " + strings.Join(i.Unread, ", ")
	}
	return statusError{fmt.Errorf("%s", text), ExitTimeout}
}

func drawInstance(s term.Screen, i apiv1.Instance) error {
	state := i.State
	if state == "" {
		state = "unknown"
	}
	err := drawSettings(s, i.InstanceID, [][2]string{
		{"name", i.Name}, {"state", state}, {"type", i.InstanceType}, {"zone", i.Zone}, {"address", i.PrivateAddress}, {"auto scaling", i.AutoScalingGroup}, {"launched", clock(i.LaunchDate)},
	})
	if err != nil {
		return err
	}
	if len(i.Memberships) == 0 {
		_, err := io.WriteString(s, "It is not a member of any pool.\n")
		return err
	}
	return membershipsTable(i.Memberships).Write(s)
}

func membershipsTable(all []apiv1.InstanceMembership) *term.Table {
	t := &term.Table{Columns: []term.Column{
		{Head: "POOL"}, {Head: "MEMBER", Rank: 3}, {Head: "HEALTH"}, {Head: "MEMBER SINCE", Rank: 4}, {Head: "LAST CHANGE", Rank: 1, Least: 16},
		{Head: "AS OF", Rank: 2}, {Head: "HEALTH AS OF", Wide: true},
	}}
	for _, m := range all {
		health := apiv1.Member{Draining: m.Draining, Health: m.Health}
		t.Add(term.Row{m.Pool, m.Member, healthCell(health), clock(m.Since), lastChangeText(m.LastChange), clock(m.AsOf), clock(m.HealthAsOf)}, healthNote(health))
	}
	return t
}
