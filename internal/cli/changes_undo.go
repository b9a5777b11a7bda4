package cli

import (
	"context"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/client"
	"lsapi/internal/clientconfig"
	"lsapi/internal/sanitize"
)

// changeIDForm is the form of the id of a change.
var changeIDForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func newChangesUndo(p Process) *cobra.Command {
	run := &changeRun{p: p}
	command := newCommand("changes_undo")
	command.Args, command.ValidArgsFunction = exactlyOne, completeUndo(p)
	flags := command.Flags()
	run.add(flags)
	run.addMinimum(flags)
	clientconfig.AddFlags(flags)
	withServiceView(command, p, listFormats, func(ctx context.Context, service *remote, v *view, ids []string) error {
		if err := run.check(flags); err != nil {
			return err
		}
		if !changeIDForm.MatchString(ids[0]) {
			return usagef("%s is not the id of a change, which lsapi pool history prints", sanitize.Escape(ids[0]))
		}
		run.service, run.quiet = service, v.quiet
		results, err := run.undo(ctx, ids[0])
		if err != nil {
			return err
		}
		warn(p.Stderr, results)
		return run.report(v, results)
	})
	return command
}

// undo makes the opposite of a change, and waits for its effect if --wait is set. Its error
// is that the change cannot be read.
func (c *changeRun) undo(ctx context.Context, id string) ([]changeResult, error) {
	undone, err := c.service.Change(ctx, id)
	if err != nil {
		return nil, err
	}
	pool, ok := lsapi.ParsePoolPath(undone.Pool)
	if !ok {
		return nil, notLSAPI{&client.Error{Message: "a change of a pool that is none: " + undone.Pool}}
	}
	c.action = opposites[lsapi.Action(undone.Action)]
	began := time.Now()
	made, err := c.service.Undo(ctx, id, c.options())
	results := []changeResult{c.resultOfOne(began, pool, undone.Member, made, err)}
	if c.wait {
		c.awaitEffects(ctx, results)
	}
	return results, nil
}

// opposites are the actions that undo actions.
var opposites = map[lsapi.Action]lsapi.Action{lsapi.Attach: lsapi.Detach, lsapi.Detach: lsapi.Attach}
