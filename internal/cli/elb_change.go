package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
	"lsapi/internal/cli/term"
)

const (
	// defaultWait is twice the default limit of a drain in AWS, and of the time that slow
	// health checks take to put a member in service.
	defaultWait = 10 * time.Minute
	// maxAtOnce bounds concurrent changes and waits. It is AWS's default limit of
	// instances per load balancer.
	maxAtOnce = 100
	// maxReason is the service's limit on the length of a reason.
	maxReason = 256
)

func newElbAttach(p Process) *cobra.Command {
	return newElbChange(p, changeRun{action: lsapi.Attach, waitFor: lsapi.WaitInService, waited: outcomeInService})
}

func newElbDetach(p Process) *cobra.Command {
	return newElbChange(p, changeRun{action: lsapi.Detach, waitFor: lsapi.WaitDrained, waited: outcomeDrained})
}

func newElbChange(p Process, run changeRun) *cobra.Command {
	command := newCommand("elb_" + string(run.action))
	command.Args, command.ValidArgsFunction = cobra.MinimumNArgs(2), completeInstances(p, run.action == lsapi.Detach)
	flags := command.Flags()
	flags.BoolVar(&run.wait, "wait", false, "wait until the instances are in service, or drained")
	flags.DurationVar(&run.timeout, "timeout", defaultWait, "maximum `duration` of --wait")
	flags.StringVar(&run.reason, "reason", "", "`reason` for the record, at most 256 characters")
	withServiceView(command, p, listFormats, func(ctx context.Context, service *remote, v *view, arguments []string) error {
		ids := arguments[1:]
		run.service, run.pool = service, lsapi.ELB(arguments[0])
		if err := cmp.Or(onlyWith(flags, "wait", "timeout"), run.check(ids)); err != nil {
			return err
		}
		if run.wait && !v.quiet && isCapable(p, p.Stderr) {
			run.progress = term.NewProgress(p.Stderr, colors(p, p.Stderr), ids)
		}
		results := run.all(ctx, ids)
		run.progress.End()
		return service.suggest(ctx, reportChanges(v, results), run.pool)
	})
	return command
}

// changeRun changes several instances of a load balancer.
type changeRun struct {
	action  lsapi.Action
	waitFor lsapi.WaitCondition
	waited  string // the outcome after the wait

	wait    bool
	timeout time.Duration
	reason  string

	service  *remote
	pool     lsapi.PoolID
	progress *term.Progress // nil shows nothing
}

func (c *changeRun) check(ids []string) error {
	if err := checkName(c.pool.Name); err != nil {
		return err
	}
	for i, id := range ids {
		if err := checkInstance(id); err != nil {
			return err
		}
		if slices.Contains(ids[:i], id) {
			return usagef("%s is named twice", id)
		}
	}
	switch {
	case c.timeout <= 0:
		return usagef("--timeout is not a positive duration, such as 90s or 5m")
	case !utf8.ValidString(c.reason) || strings.ContainsFunc(c.reason, unicode.IsControl):
		return usagef("--reason is not text on one line")
	case utf8.RuneCountInString(c.reason) > maxReason:
		return usagef("--reason has more than %d characters", maxReason)
	}
	return nil
}

// all changes the instances concurrently, so that the service can batch them, and returns
// the results in the given order.
func (c *changeRun) all(ctx context.Context, ids []string) []changeResult {
	results := make([]changeResult, len(ids))
	var running errgroup.Group
	running.SetLimit(maxAtOnce)
	for i, id := range ids {
		running.Go(func() error {
			results[i] = c.one(ctx, i, id)
			return nil
		})
	}
	_ = running.Wait() // the results hold the errors
	return results
}

// one changes an instance, and waits for it if --wait is set.
func (c *changeRun) one(ctx context.Context, line int, id string) changeResult {
	result := changeResult{Action: c.action, Pool: c.pool.Path(), Member: id, Outcome: outcomeApplied}
	began := time.Now()
	c.progress.Show(line, string(c.action)+"ing")
	result.err = c.change(ctx, line, &result)
	result.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	if result.err != nil {
		result.Outcome, result.Error = outcomeOf(result.err), result.err.Error()
	}
	c.progress.Finish(line, shownResult(result), result.err == nil)
	return result
}

func (c *changeRun) change(ctx context.Context, line int, result *changeResult) error {
	send := c.service.Attach
	if c.action == lsapi.Detach {
		send = c.service.Detach
	}
	made, err := send(ctx, c.pool, lsapi.InstanceMember(result.Member), client.ChangeOptions{Reason: c.reason, IdempotencyKey: uuid.NewString()})
	result.ChangeID = made.ChangeID
	if err != nil {
		if e, ok := errors.AsType[*client.Error](err); ok {
			result.ChangeID = e.ChangeID
		}
		return changeError(err)
	}
	if made.Instance.InstanceID != result.Member || made.ChangeID == "" {
		return unknownOutcome{errors.New("the response is not about this change; " + checkHint)}
	}
	if !c.wait {
		return nil
	}
	c.progress.Show(line, string(c.action)+"ed")
	o := client.AwaitOptions{Timeout: c.timeout}
	if c.progress != nil {
		o.Progress = func(m apiv1.Member) { c.progress.Show(line, memberText(c.action, m)) }
	}
	member, err := c.service.Await(ctx, c.pool, lsapi.InstanceMember(result.Member), c.waitFor, o)
	if member.Member != "" {
		result.LastState = &member
	}
	if errors.Is(err, context.Canceled) {
		err = interrupted{"the wait was stopped by a signal"}
	}
	if client.ErrorCode(err) == lsapi.CodeConflict { // the conflict is with the wait, not with the membership
		return waitFailed{fmt.Sprintf("%sed, but %v", c.action, err)}
	}
	if err != nil {
		if member.Health != nil {
			return fmt.Errorf("%sed, but %w: %s", c.action, err, healthText(member))
		}
		return fmt.Errorf("%sed, but %w", c.action, err)
	}
	result.Outcome = c.waited
	return nil
}

// memberText describes the progress of a wait.
func memberText(action lsapi.Action, m apiv1.Member) string {
	text := string(action) + "ed"
	if m.Health != nil {
		text += ", " + healthText(m)
	}
	return text
}
