package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	apiv1 "lsapi/api/v1"
	"lsapi/client"
	"lsapi/internal/printable"
)

const elbWatchHelp = `Watch what happens to load balancers, to all of them if none is named: instances
attached, detached and drained, changes of their health, and changes that other tools
make (drift). Only what is on record is told. Ctrl-C ends it.

As a table; as a line of JSON each when piped or with -o json. A connection that breaks
is resumed where it was: nothing is lost or told twice. --after begins behind an event,
by its id in the JSON.

Exit status: 0 ended by Ctrl-C, 1 refused, 2 wrong usage, 5 the service cannot be
reached, or has been away for a minute, 6 credentials are missing or wrong.`

const elbWatchExample = `  lsapi elb watch web-elb
  lsapi elb watch -o json | jq -r 'select(.type == "drift")'`

func newElbWatch(p Process) *cobra.Command {
	var after string
	command := &cobra.Command{
		Use:     "watch [NAME...]",
		Short:   "Watch what happens to load balancers",
		Long:    elbWatchHelp,
		Example: elbWatchExample,

		ValidArgsFunction: completeNames(p),
	}
	command.Flags().StringVar(&after, "after", "", "begin behind the event with this `id`")
	command.RunE = func(c *cobra.Command, names []string) error {
		tabular, err := wantsTable(c, p)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := checkName(name); err != nil {
				return err
			}
		}
		show := (&eventTable{out: p.Stdout, colored: colors(p, p.Stdout)}).row
		if !tabular {
			show = func(e client.Event) error { return writeEvent(p.Stdout, e) }
		}
		return withService(c, p, func(ctx context.Context, service *remote) error {
			lost := func(err error) {
				fmt.Fprintf(p.Stderr, "lsapi: %s; going on as soon as it is back\n", printable.Escape(err.Error()))
			}
			return watch(ctx, service, client.EventsQuery{LoadBalancers: names, After: after, Lost: lost}, show)
		})
	}
	return command
}

// watch shows events until ctx ends.
func watch(ctx context.Context, service *remote, q client.EventsQuery, show func(client.Event) error) error {
	for e, err := range service.Events(ctx, q) {
		if errors.Is(err, context.Canceled) {
			return nil // Ctrl-C is how it ends
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

// writeEvent writes an event as a line of JSON.
func writeEvent(w io.Writer, e client.Event) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		ID string `json:"id"`
		apiv1.Event
	}{e.ID, e.Event})
}

// eventTable shows events as rows. Columns have fixed widths, so that what comes lines
// up with what was there.
type eventTable struct {
	out     io.Writer
	colored bool
	headed  bool
}

const eventRow = "%-12s  %s  %-24s  %-19s  %s\n"

// eventInks are how types of events stand out.
var eventInks = map[string]ink{
	apiv1.EventAttached: green,
	apiv1.EventDetached: yellow,
	apiv1.EventDrained:  dim,
	apiv1.EventDrift:    red,
}

func (t *eventTable) row(e client.Event) error {
	if !t.headed {
		t.headed = true
		if _, err := fmt.Fprintf(t.out, eventRow, "TIME", "EVENT   ", "LOAD BALANCER", "INSTANCE", "DETAIL"); err != nil {
			return err
		}
	}
	kind, detail := fmt.Sprintf("%-8s", printable.Escape(e.Type)), printable.Escape(eventDetail(e.Event))
	if t.colored {
		kind = eventInks[e.Type].paint(kind)
	}
	_, err := fmt.Fprintf(t.out, eventRow, e.At.Local().Format("15:04:05.000"), kind, printable.Escape(e.LoadBalancer), printable.Escape(e.InstanceID), detail)
	return err
}

// eventDetail is what there is to say of an event.
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
