package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/internal/app"
	"lsapi/internal/config"
	"lsapi/internal/printable"
)

const changesListHelp = `List changes, the newest first, as a table; as a line of JSON each when the
output is piped, or with -o ndjson.

--from and --to take a time such as 2026-11-24T18:00:00Z, or how long ago: 90m, 2h.
--follow goes on, the oldest first, and lists changes as their outcomes become
known, until Ctrl-C.`

const changesListExample = `  lsapi changes list --load-balancer default-elb --from 2h
  lsapi changes list --instance i-0592fe5ccee879f04 --outcome applied
  lsapi changes list --follow
  lsapi changes list --limit 0 | jq -r 'select(.source == "external")'`

// listPage is how many changes are read at once.
const listPage = 1000

type changesFlags struct {
	filter   lsapi.ChangeFilter
	action   string
	outcome  string
	from, to string
	format   string
	follow   bool
}

func newChangesList(p Process) *cobra.Command {
	var f changesFlags
	command := &cobra.Command{
		Use:     "list",
		Short:   "List changes",
		Long:    changesListHelp,
		Example: changesListExample,
		Args:    cobra.NoArgs,
	}
	config.AddStoreFlags(command.Flags())
	flags := command.Flags()
	flags.StringVar(&f.filter.LoadBalancer, "load-balancer", "", "of this load balancer, by its `name`")
	flags.StringVar(&f.filter.InstanceID, "instance", "", "of this instance, by its `id`")
	flags.StringVar(&f.filter.Actor, "actor", "", "asked for by this `user`")
	flags.StringVar(&f.action, "action", "", "attach or detach")
	flags.StringVar(&f.outcome, "outcome", "", "applied, conflict, refused, failed, withdrawn, unknown or open")
	flags.StringVar(&f.from, "from", "", "asked for at this `time` or later")
	flags.StringVar(&f.to, "to", "", "asked for before this `time`")
	flags.IntVar(&f.filter.Limit, "limit", 100, "at most this `number`; 0 is all")
	flags.BoolVarP(&f.follow, "follow", "f", false, "go on with what comes")
	flags.StringVarP(&f.format, "output", "o", "", "`format`: table or ndjson (default: table on a terminal)")
	command.RunE = func(c *cobra.Command, _ []string) error {
		if err := f.parse(time.Now()); err != nil {
			return err
		}
		show, err := newChangePrinter(p, f.format)
		if err != nil {
			return err
		}
		return withRecord(c, p, func(ctx context.Context, record app.Record) error {
			if f.follow {
				return followChanges(ctx, record, f.filter, show)
			}
			return listChanges(ctx, record, f.filter, show)
		})
	}
	return command
}

// parse checks the flags and completes the filter.
func (f *changesFlags) parse(now time.Time) (err error) {
	f.filter.Action, f.filter.Outcome = lsapi.Action(f.action), lsapi.Outcome(f.outcome)
	if f.action != "" && f.filter.Action != lsapi.Attach && f.filter.Action != lsapi.Detach {
		return usagef("--action: neither attach nor detach")
	}
	outcomes := []lsapi.Outcome{
		"", lsapi.OutcomeApplied, lsapi.OutcomeConflict, lsapi.OutcomeRefused, lsapi.OutcomeFailed,
		lsapi.OutcomeWithdrawn, lsapi.OutcomeUnknown, lsapi.OutcomeOpen,
	}
	if !slices.Contains(outcomes, f.filter.Outcome) {
		return usagef("--outcome: not applied, conflict, refused, failed, withdrawn, unknown or open")
	}
	if f.follow && f.filter.Outcome == lsapi.OutcomeOpen {
		return usagef("--follow lists changes when they have an outcome: not with --outcome open")
	}
	if f.filter.Limit < 0 {
		return usagef("--limit cannot be negative")
	}
	if f.filter.From, err = parseMoment(f.from, now); err != nil {
		return usagef("--from: %w", err)
	}
	if f.filter.To, err = parseMoment(f.to, now); err != nil {
		return usagef("--to: %w", err)
	}
	return nil
}

// parseMoment reads a time, or how long ago it was.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("neither a time such as 2026-11-24T18:00:00Z nor how long ago, such as 2h")
	}
	return at, nil
}

// listChanges shows what the filter finds, page by page.
func listChanges(ctx context.Context, record app.Record, filter lsapi.ChangeFilter, show *changePrinter) error {
	left := filter.Limit
	for {
		filter.Limit = listPage
		if left > 0 {
			filter.Limit = min(left, listPage)
		}
		page, err := record.Changes(ctx, filter)
		if err != nil {
			return err
		}
		for i := range page {
			if err := show.print(&page[i]); err != nil {
				return err
			}
		}
		if len(page) < filter.Limit || len(page) == left {
			return nil
		}
		left = max(0, left-len(page))
		filter.Before = page[len(page)-1].ID
	}
}

// changePrinter shows changes in one of the formats.
type changePrinter struct {
	out    io.Writer
	print  func(*lsapi.Change) error
	headed bool
}

func newChangePrinter(p Process, format string) (*changePrinter, error) {
	if format == "" {
		format = "ndjson"
		if isTerminal(p.Stdout) {
			format = "table"
		}
	}
	show := &changePrinter{out: p.Stdout}
	switch format {
	case "table":
		show.print = show.row
	case "ndjson":
		show.print = func(c *lsapi.Change) error { return app.WriteChange(p.Stdout, c) }
	default:
		return nil, usagef("--output: neither table nor ndjson")
	}
	return show, nil
}

// changeRow lays a change out. Columns have fixed widths, so that what is followed
// lines up with what was there.
const changeRow = "%-24s  %-9s  %-6s  %-24s  %-19s  %-16s  %-36s  %s\n"

func (c *changePrinter) row(change *lsapi.Change) error {
	if !c.headed {
		c.headed = true
		if _, err := fmt.Fprintf(c.out, changeRow, "TIME", "OUTCOME", "ACTION", "LOAD BALANCER", "INSTANCE", "ACTOR", "CHANGE", "REASON"); err != nil {
			return err
		}
	}
	actor, outcome := change.Actor, change.Outcome
	if change.Source == lsapi.SourceExternal {
		actor = "(" + string(change.Source) + ")"
	}
	if outcome == "" {
		outcome = lsapi.OutcomeOpen
	}
	_, err := fmt.Fprintf(c.out, changeRow, change.IntendedAt.Local().Format("2006-01-02T15:04:05.000Z07:00"), outcome, change.Action,
		printable.Escape(change.LoadBalancer), printable.Escape(change.InstanceID), printable.Escape(actor), change.ID, printable.Escape(change.Reason))
	return err
}
