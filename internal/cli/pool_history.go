package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	apiv1 "lsapi/api/v1"
	"lsapi/client"
	"lsapi/internal/cli/term"
)

func (g poolGroup) history() *cobra.Command {
	var f changesFlags
	command := g.newCommand("history")
	command.Args, command.ValidArgsFunction = cobra.MaximumNArgs(1), g.complete(1)
	f.addFilters(command.Flags())
	withServiceView(command, g.p, lineFormats, func(ctx context.Context, service *remote, v *view, names []string) error {
		if err := f.parse(time.Now()); err != nil {
			return err
		}
		pools, err := g.pools(ctx, service, names)
		if err != nil {
			return err
		}
		rows := &term.Stream{Columns: changeColumns(pools...)}
		show := func(change apiv1.Change) error {
			return v.writeOne(change, change.ID, rows, func() term.Row { return changeRow(change) })
		}
		query := f.query()
		if len(pools) > 0 {
			query.Pool = pools[0]
		} else {
			query.Kind = g.kind
		}
		shown, err := eachPage(f.filter.Limit, func(limit int) ([]apiv1.Change, bool, error) {
			query.Limit = limit
			page, err := service.Changes(ctx, query)
			query.Cursor = page.NextCursor
			return page.Changes, query.Cursor != "", err
		}, show)
		if err != nil || shown > 0 || len(pools) == 0 {
			return err
		}
		// An empty history may be due to a mistyped name.
		_, err = service.Pool(ctx, query.Pool, client.ReadOptions{})
		return g.suggest(ctx, service, err, pools...)
	})
	return command
}
