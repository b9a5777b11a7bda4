package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	apiv1 "lsapi/api/v1"
	"lsapi/client"
	"lsapi/internal/cli/term"
	"lsapi/internal/sanitize"
)

const elbWatchHelp = `Watch the events of load balancers, or of all: instances attached, detached and drained,
changes of their health, and changes made by other tools (drift). All events are on
record. Ctrl-C ends the command.

Output is a table, or one line of JSON per event when piped or with -o json. A broken
connection resumes without losing or repeating events. --after starts after the event
with the given id.

Exit status: 0 ended by Ctrl-C, 1 refused, 2 wrong usage or configuration, 4 timed out,
5 the service is unreachable, or has been for a minute, 6 credentials are missing or
wrong.`

const elbWatchExample = `  lsapi elb watch web-elb
  lsapi elb watch -o json | jq -r 'select(.type == "drift")'`

func newElbWatch(p Process) *cobra.Command {
	var after string
	command := &cobra.Command{
		Use:     "watch [NAME...]",
		Short:   "Watch the events of load balancers",
		Long:    elbWatchHelp,
		Example: elbWatchExample,

		ValidArgsFunction: completeNames(p),
	}
	command.Flags().StringVar(&after, "after", "", "start after the event with this `id`")
	addViewFlags(command.Flags(), lineFormats)
	command.RunE = func(c *cobra.Command, names []string) error {
		v, err := newView(c, p, lineFormats)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := checkName(name); err != nil {
				return err
			}
		}
		rows := &term.Stream{Columns: eventColumns(len(names)), Screen: v.screen}
		show := func(e client.Event) error {
			return v.writeOne(eventWithID{e.ID, e.Event}, e.InstanceID, func() error { return rows.Write(eventCells(e.Event)) })
		}
		return withService(c, p, func(ctx context.Context, service *remote) error {
			lost := func(err error) {
				fmt.Fprintf(p.Stderr, "lsapi: %s; reconnecting\n", sanitize.Escape(err.Error()))
			}
			err := watch(ctx, service, client.EventsQuery{LoadBalancers: names, After: after, Lost: lost}, show)
			return service.suggestNames(ctx, names, err)
		})
	}
	return command
}

// watch shows events until ctx ends.
func watch(ctx context.Context, service *remote, q client.EventsQuery, show func(client.Event) error) error {
	for e, err := range service.Events(ctx, q) {
		if errors.Is(err, context.Canceled) {
			return nil // Ctrl-C ends the command
		}
		if err != nil {
			return err
		}
		if err := show(e); err != nil {
			return err
		}
	}
	return nil
}

// eventWithID adds the id, which the stream sends separately.
type eventWithID struct {
	ID string `json:"id"`
	apiv1.Event
}

// eventColumns returns the columns of events. With one load balancer its name is the
// first column to go on a narrow terminal.
func eventColumns(names int) []term.Column {
	balancer := term.Column{Head: "LOAD BALANCER", Width: 32, Least: 13}
	if names == 1 {
		balancer.Rank = 3
	}
	return []term.Column{{Head: "TIME", Width: 12}, {Head: "EVENT", Width: 8}, balancer, {Head: "INSTANCE", Width: 19}, {Head: "DETAIL", Width: 36, Least: 12, Rank: 2}}
}

var eventStyles = map[string]term.Style{
	apiv1.EventDetached: term.Yellow,
	apiv1.EventDrained:  term.Dim,
	apiv1.EventDrift:    term.Red,
}

func eventCells(e apiv1.Event) term.Row {
	return term.Row{
		e.At.Local().Format("15:04:05.000"), term.Styled(e.Type, eventStyles[e.Type]), e.LoadBalancer, e.InstanceID,
		eventDetail(e),
	}
}

func eventDetail(e apiv1.Event) string {
	switch {
	case e.Health != nil:
		return healthText(apiv1.Member{Draining: e.Draining, Health: e.Health})
	case e.Type == apiv1.EventDrift && e.Change != nil:
		return e.Change.Action + " by another tool"
	case e.Change == nil:
		return e.Detail
	}
	text := "by " + e.Change.Actor
	if e.Change.Reason != "" {
		text += ": " + e.Change.Reason
	}
	return text
}
