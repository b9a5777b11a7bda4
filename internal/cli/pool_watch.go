package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
	"lsapi/internal/cli/term"
	"lsapi/internal/sanitize"
)

func (g poolGroup) watch() *cobra.Command {
	command := g.newCommand("watch")
	command.Args, command.ValidArgsFunction = nil, g.complete(-1)
	flags := command.Flags()
	after := flags.String("after", "", "start after the event with this `id`")
	instances := flags.StringArray("instance", nil, "only of the instance with this `id`; can be repeated")
	withServiceView(command, g.p, lineFormats, func(ctx context.Context, service *remote, v *view, names []string) error {
		for _, id := range *instances {
			if err := checkInstance(id); err != nil {
				return usagef("--instance: %w", err)
			}
		}
		pools, err := g.pools(ctx, service, names)
		if err != nil {
			return err
		}
		query := client.EventsQuery{Pools: pools, Instances: *instances, After: *after}
		if len(pools) == 0 {
			query.Kind = g.kind
		}
		rows := &term.Stream{Columns: eventColumns(pools)}
		query.OnReconnect = func(err error) {
			fmt.Fprintf(g.p.Stderr, "lsapi: %s; reconnecting\n", sanitize.Escape(err.Error()))
		}
		for e, err := range service.Events(ctx, query) {
			if errors.Is(err, context.Canceled) {
				return nil // Ctrl-C ends the command
			}
			if err != nil {
				return g.suggest(ctx, service, err, pools...)
			}
			if err := v.writeOne(eventWithID{e.ID, e.Event}, e.Member, rows, func() term.Row { return eventRow(e.Event) }); err != nil {
				return err
			}
		}
		return nil
	})
	return command
}

// eventWithID adds the id, which the stream sends separately.
type eventWithID struct {
	ID string `json:"id"`
	apiv1.Event
}

// eventColumns returns the columns of events. With one pool its id is the first column to
// go on a narrow terminal.
func eventColumns(pools []lsapi.PoolID) []term.Column {
	pool := term.Column{Head: "POOL", Width: 32, Least: 13}
	if len(pools) == 1 {
		pool.Rank = 3
	}
	return []term.Column{{Head: "TIME", Width: 12}, {Head: "EVENT", Width: 8}, pool, {Head: "MEMBER", Width: memberWidth(pools...)}, {Head: "DETAIL", Width: 36, Least: 12, Rank: 2}}
}

var eventStyles = map[string]term.Style{
	apiv1.EventDetached: term.Yellow,
	apiv1.EventRefused:  term.Red,
	apiv1.EventDrained:  term.Dim,
	apiv1.EventDrift:    term.Red,
}

func eventRow(e apiv1.Event) term.Row {
	return term.Row{
		e.At.Local().Format("15:04:05.000"), term.Styled(e.Type, eventStyles[e.Type]), e.Pool, e.Member,
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
	if why := reasonText(*e.Change); why != "" {
		text += ": " + why
	}
	return text
}
