package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	apiv1 "lsapi/api/v1"
	"lsapi/client"
	"lsapi/internal/cli/term"
)

func newElbHistory(p Process) *cobra.Command {
	var f changesFlags
	command := newCommand("elb_history")
	command.Args, command.ValidArgsFunction = cobra.MaximumNArgs(1), completeNames(p, 1)
	f.addFilters(command.Flags())
	withServiceView(command, p, lineFormats, func(ctx context.Context, service *remote, v *view, names []string) error {
		if err := f.parse(time.Now()); err != nil {
			return err
		}
		if err := checkNames(names); err != nil {
			return err
		}
		rows := &term.Stream{Columns: changeColumns(len(names) == 0)}
		show := func(change apiv1.Change) error {
			return v.writeOne(change, change.ID, rows, func() term.Row { return changeRow(change) })
		}
		query := client.ChangesQuery{
			InstanceID: f.filter.InstanceID, Actor: f.filter.Actor, Action: f.filter.Action,
			Outcome: f.filter.Outcome, From: f.filter.From, To: f.filter.To,
		}
		if len(names) > 0 {
			query.LoadBalancer = names[0]
		}
		shown, err := eachPage(f.filter.Limit, func(limit int) ([]apiv1.Change, bool, error) {
			query.Limit = limit
			page, err := service.Changes(ctx, query)
			query.Cursor = page.NextCursor
			return page.Changes, query.Cursor != "", err
		}, show)
		if err != nil || shown > 0 || query.LoadBalancer == "" {
			return err
		}
		// An empty history may be due to a mistyped name.
		_, err = service.LoadBalancer(ctx, query.LoadBalancer)
		return service.suggest(ctx, err, names...)
	})
	return command
}
