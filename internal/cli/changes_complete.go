package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/client"
	"lsapi/internal/sanitize"
)

// recentChanges is the number of changes that are completed.
const recentChanges = 50

// completeUndo completes the ids of changes that can be undone, the latest first.
func completeUndo(p Process) argumentCompleter {
	return completeWith(p, func(ctx context.Context, service *remote, given []string, _ string) []cobra.Completion {
		if len(given) > 0 {
			return nil
		}
		page, err := service.Changes(ctx, client.ChangesQuery{Outcome: lsapi.OutcomeApplied, Limit: recentChanges})
		if err != nil {
			return nil
		}
		found := make([]cobra.Completion, len(page.Changes))
		for i, c := range page.Changes {
			text := fmt.Sprintf("%s %s %s at %s", c.Action, c.Pool, c.Member, clock(c.IntendedAt))
			found[i] = cobra.CompletionWithDesc(c.ID, sanitize.Escape(text))
		}
		return found
	})
}
