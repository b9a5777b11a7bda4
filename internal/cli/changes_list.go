package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"lsapi"
	apiv1 "lsapi/api/v1"
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
