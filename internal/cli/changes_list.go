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

func newChangesList(p Process) *cobra.Command {
	var f changesFlags
	command := newCommand("changes_list")
	flags := command.Flags()
	config.AddStoreFlags(flags)
	flags.StringVar(&f.pool, "pool", "", "only of the pool with this `id`, such as elb/web-elb")
	f.addFilters(flags)
	flags.BoolVarP(&f.follow, "follow", "f", false, "also list new changes, until Ctrl-C")
	withView(command, p, lineFormats, func(c *cobra.Command, v *view, _ []string) error {
		if err := f.parse(time.Now()); err != nil {
			return err
		}
		show := changePrinter(v)
		return withRecord(c, p, func(ctx context.Context, record record.Store) error {
			if f.follow {
				return followChanges(ctx, record, f.filter, show)
			}
			_, err := eachPage(f.filter.Limit, recordPages(ctx, record, f.filter), show)
			return err
		})
	})
	return command
}

// recordPages returns a function for eachPage that reads the changes of the record.
func recordPages(ctx context.Context, record record.Store, filter lsapi.ChangeFilter) func(size int) ([]lsapi.Change, bool, error) {
	return func(size int) ([]lsapi.Change, bool, error) {
		filter.Limit = size
		page, err := record.Changes(ctx, filter)
		if err != nil {
			return nil, false, &app.StoreError{Err: err}
		}
		if len(page) < size {
			return page, false, nil
		}
		filter.Before = page[size-1].ID
		return page, true, nil
	}
}

// eachPage shows up to limit changes, or all if limit is 0, and returns how many. fetch
// returns the next page of at most the given size, and whether there are more.
func eachPage[C any](limit int, fetch func(size int) ([]C, bool, error), show func(C) error) (shown int, err error) {
	for more := true; more && (limit == 0 || shown < limit); {
		size := listPage
		if limit > 0 {
			size = min(size, limit-shown)
		}
		var page []C
		if page, more, err = fetch(size); err != nil {
			return shown, err
		}
		for _, change := range page {
			if err := show(change); err != nil {
				return shown, err
			}
			shown++
		}
	}
	return shown, nil
}

// changePrinter returns a function that prints a change in the format of the view.
func changePrinter(v *view) func(lsapi.Change) error {
	rows := &term.Stream{Columns: changeColumns()}
	return func(c lsapi.Change) error {
		var line bytes.Buffer
		if err := v1.WriteLine(&line, &c); err != nil {
			return err
		}
		var change apiv1.Change
		if err := json.Unmarshal(line.Bytes(), &change); err != nil {
			return err
		}
		return v.writeOne(json.RawMessage(line.Bytes()), c.ID, rows, func() term.Row { return changeRow(change) })
	}
}
