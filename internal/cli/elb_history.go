package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	apiv1 "lsapi/api/v1"
	"lsapi/client"
	"lsapi/internal/cli/term"
)

const elbHistoryHelp = `List the recorded changes of a load balancer, or of all, the newest first: actor, action,
time, reason and outcome. It is lsapi changes list over the API, without access to the
record's database.

Output is a table, or one line of JSON per change when piped or with -o json. --from and
--to take a time such as 2026-11-24T18:00:00Z, or an age such as 90m or 2h.` + readStatuses

const elbHistoryExample = `  lsapi elb history web-elb
  lsapi elb history web-elb --from 2h --outcome applied
  lsapi elb history --actor demo --limit 10 -o wide`

func newElbHistory(p Process) *cobra.Command {
	var f changesFlags
	command := &cobra.Command{
		Use:     "history [NAME]",
		Short:   "List the recorded changes",
		Long:    elbHistoryHelp,
		Example: elbHistoryExample,
		Args:    cobra.MaximumNArgs(1),

		ValidArgsFunction: completeName(p),
	}
	f.addFilters(command.Flags())
	addViewFlags(command.Flags(), lineFormats)
	command.RunE = func(c *cobra.Command, names []string) error {
		v, err := newView(c, p, lineFormats)
		if err != nil {
			return err
		}
		if err := f.parse(time.Now()); err != nil {
			return err
		}
		if len(names) > 0 {
			f.filter.LoadBalancer = names[0]
			if err := checkName(names[0]); err != nil {
				return err
			}
		}
		rows := &term.Stream{Columns: changeColumns(len(names) == 0), Screen: v.screen}
		return withService(c, p, func(ctx context.Context, service *remote) error {
			return history(ctx, service, &f, func(change apiv1.Change) error {
				return v.writeOne(change, change.ID, func() error { return rows.Write(changeCells(change)) })
			})
		})
	}
	return command
}

// history shows the changes that match the flags, page by page.
func history(ctx context.Context, service *remote, f *changesFlags, show func(apiv1.Change) error) error {
	query := client.ChangesQuery{
		LoadBalancer: f.filter.LoadBalancer, InstanceID: f.filter.InstanceID, Actor: f.filter.Actor, Action: f.filter.Action,
		Outcome: f.filter.Outcome, From: f.filter.From, To: f.filter.To,
	}
	shown := 0
	for {
		query.Limit = listPage
		if f.filter.Limit > 0 {
			query.Limit = min(listPage, f.filter.Limit-shown)
		}
		page, err := service.Changes(ctx, query)
		if err != nil {
			return err
		}
		for _, change := range page.Changes {
			if err := show(change); err != nil {
				return err
			}
		}
		shown += len(page.Changes)
		query.Cursor = page.NextCursor
		if query.Cursor == "" || shown == f.filter.Limit {
			break
		}
	}
	if shown > 0 || query.LoadBalancer == "" {
		return nil
	}
	// An empty history may be due to a mistyped name.
	_, err := service.LoadBalancer(ctx, query.LoadBalancer)
	return service.suggestName(ctx, query.LoadBalancer, err)
}
