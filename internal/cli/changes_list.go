package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/app"
	"lsapi/internal/config"
	v1 "lsapi/internal/httpapi/v1"
	"lsapi/internal/sanitize"
	"lsapi/internal/store"
)

const changesListHelp = `List changes, the newest first, as a table, or one line of JSON per change when piped or
with -o ndjson. On a terminal the table omits columns that do not fit; -o wide shows all.

--from and --to take a time such as 2026-11-24T18:00:00Z, or an age such as 90m or 2h.
--follow lists changes as they get their outcome, the oldest first, until Ctrl-C.

Exit status: 0 done (--follow: ended by Ctrl-C), 1 failed or stopped by a signal,
2 wrong usage or configuration, or the record cannot be opened.`

const changesListExample = `  lsapi changes list --load-balancer default-elb --from 2h
  lsapi changes list --instance i-0592fe5ccee879f04 --outcome applied
  lsapi changes list --follow
  lsapi changes list --limit 0 | jq -r 'select(.source == "external")'`

// listPage is the page size.
const listPage = 1000

type changesFlags struct {
	filter   lsapi.ChangeFilter
	action   string
	outcome  string
	from, to string
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
	flags.StringVar(&f.filter.LoadBalancer, "load-balancer", "", "only of the load balancer with this `name`")
	f.addFilters(flags)
	flags.BoolVarP(&f.follow, "follow", "f", false, "also list new changes, until Ctrl-C")
	addViewFlags(flags, lineFormats)
	command.RunE = func(c *cobra.Command, _ []string) error {
		if err := f.parse(time.Now()); err != nil {
			return err
		}
		v, err := newView(c, p, lineFormats)
		if err != nil {
			return err
		}
		show := changePrinter(v)
		return withRecord(c, p, func(ctx context.Context, record store.Store) error {
			if f.follow {
				return followChanges(ctx, record, f.filter, show)
			}
			return listChanges(ctx, record, f.filter, show)
		})
	}
	return command
}

// addFilters adds the filters that the record and the API share.
func (f *changesFlags) addFilters(flags *pflag.FlagSet) {
	flags.StringVar(&f.filter.InstanceID, "instance", "", "only of the instance with this `id`")
	flags.StringVar(&f.filter.Actor, "actor", "", "only by this `user`")
	flags.StringVar(&f.action, "action", "", "attach or detach")
	flags.StringVar(&f.outcome, "outcome", "", "applied, conflict, refused, failed, withdrawn, unknown or open")
	flags.StringVar(&f.from, "from", "", "requested at this `time` or later")
	flags.StringVar(&f.to, "to", "", "requested before this `time`")
	flags.IntVar(&f.filter.Limit, "limit", 100, "maximum `number`; 0 for all")
}

// outcomes are the values of --outcome.
var outcomes = []lsapi.Outcome{
	lsapi.OutcomeApplied, lsapi.OutcomeConflict, lsapi.OutcomeRefused, lsapi.OutcomeFailed,
	lsapi.OutcomeWithdrawn, lsapi.OutcomeUnknown, lsapi.OutcomeOpen,
}

// parse validates the flags and sets the filter.
func (f *changesFlags) parse(now time.Time) error {
	f.filter.Action, f.filter.Outcome = lsapi.Action(f.action), lsapi.Outcome(f.outcome)
	if f.action != "" && f.filter.Action != lsapi.Attach && f.filter.Action != lsapi.Detach {
		return usagef("--action: neither attach nor detach")
	}
	if f.outcome != "" && !slices.Contains(outcomes, f.filter.Outcome) {
		return usagef("--outcome: not applied, conflict, refused, failed, withdrawn, unknown or open")
	}
	if f.follow && f.filter.Outcome == lsapi.OutcomeOpen {
		return usagef("--follow lists changes when they have an outcome: not with --outcome open")
	}
	if f.filter.InstanceID != "" && !lsapi.ValidInstanceID(f.filter.InstanceID) {
		return usagef("--instance: %s is not the id of an instance, such as i-0592fe5ccee879f04", sanitize.Escape(f.filter.InstanceID))
	}
	if f.filter.Limit < 0 {
		return usagef("--limit cannot be negative")
	}
	return f.parseTimes(now)
}

func (f *changesFlags) parseTimes(now time.Time) (err error) {
	if f.filter.From, err = parseMoment(f.from, now); err != nil {
		return usagef("--from: %w", err)
	}
	if f.filter.To, err = parseMoment(f.to, now); err != nil {
		return usagef("--to: %w", err)
	}
	if !f.filter.From.IsZero() && !f.filter.To.IsZero() && !f.filter.From.Before(f.filter.To) {
		return usagef("--to must be later than --from")
	}
	return nil
}

// parseMoment parses a time or an age.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errors.New("neither a time such as 2026-11-24T18:00:00Z nor an age such as 2h")
	}
	return at, nil
}

// listChanges shows the changes that match the filter, page by page.
func listChanges(ctx context.Context, record store.Store, filter lsapi.ChangeFilter, show func(*lsapi.Change) error) error {
	left := filter.Limit
	for {
		filter.Limit = listPage
		if left > 0 {
			filter.Limit = min(left, listPage)
		}
		page, err := record.Changes(ctx, filter)
		if err != nil {
			return &app.StoreError{Err: err}
		}
		for i := range page {
			if err := show(&page[i]); err != nil {
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

// changePrinter returns a function that prints a change in the format of the view.
func changePrinter(v *view) func(*lsapi.Change) error {
	rows := &rowWriter{columns: changeColumns(true), view: v}
	return func(c *lsapi.Change) error {
		var line bytes.Buffer
		if err := v1.WriteLine(&line, c); err != nil {
			return err
		}
		return v.writeOne(json.RawMessage(line.Bytes()), c.ID, func() error {
			var change apiv1.Change
			if err := json.Unmarshal(line.Bytes(), &change); err != nil {
				return err
			}
			return rows.write(changeCells(change)...)
		})
	}
}

// changeColumns returns the columns of changes. With one load balancer its name is the
// first column to go on a narrow terminal.
func changeColumns(several bool) []column {
	balancer := column{head: "LOAD BALANCER", width: 24, least: 13, rank: 2}
	if !several {
		balancer.rank = 6
	}
	return []column{
		{head: "TIME", width: 19}, {head: "OUTCOME", width: 9}, {head: "ACTION", width: 6}, balancer, {head: "INSTANCE", width: 19},
		{head: "ACTOR", width: 16, least: 7, rank: 3}, {head: "CHANGE", width: 36, rank: 5},
		{head: "COMPLETED", width: 19, wide: true}, {head: "CODE", width: 16, wide: true}, {head: "MEMBERS", width: 8, wide: true},
		{head: "REQUEST", width: 26, wide: true}, {head: "REASON", width: 30, least: 10, rank: 4},
	}
}

func changeCells(c apiv1.Change) []cell {
	actor, members := c.Actor, ""
	if c.Source == string(lsapi.SourceExternal) {
		actor = "(" + c.Source + ")"
	}
	if c.MembersBefore != nil && c.MembersAfter != nil {
		members = fmt.Sprintf("%d>%d", *c.MembersBefore, *c.MembersAfter)
	}
	return []cell{
		cellOf(dateTime(c.IntendedAt)), {c.Outcome, outcomeInks[lsapi.Outcome(c.Outcome)]}, cellOf(c.Action), cellOf(c.LoadBalancer), cellOf(c.InstanceID),
		cellOf(actor), cellOf(c.ID), cellOf(dateTime(c.CompletedAt)), cellOf(c.Code), cellOf(members), cellOf(c.RequestID), cellOf(c.Reason),
	}
}

// outcomeInks are the colours of unsuccessful outcomes.
var outcomeInks = map[lsapi.Outcome]ink{
	lsapi.OutcomeConflict: yellow, lsapi.OutcomeWithdrawn: yellow, lsapi.OutcomeUnknown: yellow, lsapi.OutcomeOpen: yellow,
	lsapi.OutcomeRefused: red, lsapi.OutcomeFailed: red,
}

// dateTime returns the local time, to the second.
func dateTime(t apiv1.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}
