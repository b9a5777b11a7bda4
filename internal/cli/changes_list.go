package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/app"
	"lsapi/internal/cli/term"
	"lsapi/internal/config"
	"lsapi/internal/record"
	v1 "lsapi/internal/web/v1"
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
		return withRecord(c, p, func(ctx context.Context, record record.Store) error {
			if f.follow {
				return followChanges(ctx, record, f.filter, show)
			}
			return listChanges(ctx, record, f.filter, show)
		})
	}
	return command
}

// listChanges shows the changes that match the filter, page by page.
func listChanges(ctx context.Context, record record.Store, filter lsapi.ChangeFilter, show func(*lsapi.Change) error) error {
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
	rows := &term.Stream{Columns: changeColumns(true), Screen: v.screen}
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
			return rows.Write(changeCells(change))
		})
	}
}
