package cli

import (
	"bytes"
	"context"
	"encoding/json"
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

const changesListHelp = `List changes, the newest first, as a table; as a line of JSON each when the
output is piped, or with -o ndjson. On a terminal the table leaves out what does not
fit; -o wide shows all.

--from and --to take a time such as 2026-11-24T18:00:00Z, or how long ago: 90m, 2h.
--follow goes on, the oldest first, and lists changes as their outcomes become
known, until Ctrl-C.

Exit status: 0 done (--follow: ended by Ctrl-C), 1 failed or stopped by a signal,
2 wrong usage or configuration, or the record cannot be opened.`

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
	f.addFilters(flags)
	flags.BoolVarP(&f.follow, "follow", "f", false, "go on with what comes")
	addViewFlags(flags, lineFormats)
	command.RunE = func(c *cobra.Command, _ []string) error {
		if err := f.parse(time.Now()); err != nil {
			return err
		}
		v, err := newView(c, p, lineFormats)
		if err != nil {
			return err
		}
		show := newChangePrinter(v)
		return withRecord(c, p, func(ctx context.Context, record store.Store) error {
			if f.follow {
				return followChanges(ctx, record, f.filter, show)
			}
			return listChanges(ctx, record, f.filter, show)
		})
	}
	return command
}

// addFilters adds the flags that changes of the record and of the API have in common.
func (f *changesFlags) addFilters(flags *pflag.FlagSet) {
	flags.StringVar(&f.filter.InstanceID, "instance", "", "of this instance, by its `id`")
	flags.StringVar(&f.filter.Actor, "actor", "", "asked for by this `user`")
	flags.StringVar(&f.action, "action", "", "attach or detach")
	flags.StringVar(&f.outcome, "outcome", "", "applied, conflict, refused, failed, withdrawn, unknown or open")
	flags.StringVar(&f.from, "from", "", "asked for at this `time` or later")
	flags.StringVar(&f.to, "to", "", "asked for before this `time`")
	flags.IntVar(&f.filter.Limit, "limit", 100, "at most this `number`; 0 is all")
}

// outcomes are those that changes can be asked for by.
var outcomes = []lsapi.Outcome{
	lsapi.OutcomeApplied, lsapi.OutcomeConflict, lsapi.OutcomeRefused, lsapi.OutcomeFailed,
	lsapi.OutcomeWithdrawn, lsapi.OutcomeUnknown, lsapi.OutcomeOpen,
}

// parse checks the flags and completes the filter.
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
func listChanges(ctx context.Context, record store.Store, filter lsapi.ChangeFilter, show *changePrinter) error {
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

// changePrinter shows changes as its view has it.
type changePrinter struct {
	print func(*lsapi.Change) error
}

func newChangePrinter(v *view) *changePrinter {
	rows := &rowWriter{columns: changeColumns(true), view: v}
	return &changePrinter{func(c *lsapi.Change) error {
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
	}}
}

// changeColumns are the columns of changes, of several load balancers or of one, whose
// name goes first on a narrow terminal.
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

// outcomeInks are how outcomes that are not as wished stand out.
var outcomeInks = map[lsapi.Outcome]ink{
	lsapi.OutcomeConflict: yellow, lsapi.OutcomeWithdrawn: yellow, lsapi.OutcomeUnknown: yellow, lsapi.OutcomeOpen: yellow,
	lsapi.OutcomeRefused: red, lsapi.OutcomeFailed: red,
}

// dateTime is a time for people, on the clock of the machine; the JSON has it to the
// millisecond.
func dateTime(t apiv1.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}
