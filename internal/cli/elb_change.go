package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
	"lsapi/internal/cli/term"
	"lsapi/internal/sanitize"
)

const elbAttachHelp = `Attach instances to a load balancer. The command returns when AWS has accepted them, or
with --wait when they are in service.

Several instances are attached concurrently. Results are printed in the order given, as
a table, or as a JSON array when piped or with -o json. An instance that is already a
member is a conflict; --wait does not apply to it.

Exit status: 0 done, 1 refused, failed or stopped by a signal, 2 wrong usage, 3 conflict,
4 timed out (with --wait: the attach stays in effect), or the outcome is unknown, 5 the
service is unreachable, 6 credentials are missing or wrong. For several instances, the
highest applies.`

const elbAttachExample = `  lsapi elb attach web-elb i-0a11ce0000000ab01 --wait --reason 'deploy 117'
  lsapi elb attach web-elb i-0bee000000000cd01 i-0bee000000000cd02 --wait --timeout 5m`

const elbDetachHelp = `Detach instances from a load balancer. The command returns when AWS has accepted that,
or with --wait when they are drained.

Several instances are detached concurrently. Results are printed in the order given, as
a table, or as a JSON array when piped or with -o json. An instance that is not a
member is a conflict; --wait does not apply to it.

Exit status: 0 done, 1 refused, failed or stopped by a signal, 2 wrong usage, 3 conflict,
4 timed out (with --wait: the detach stays in effect), or the outcome is unknown, 5 the
service is unreachable, 6 credentials are missing or wrong. For several instances, the
highest applies.`

const elbDetachExample = `  lsapi elb detach web-elb i-0a11ce0000000ab01 --wait --reason 'deploy 117'`

// changeCommand holds the differences between attach and detach.
type changeCommand struct {
	action               lsapi.Action
	waitFor              lsapi.WaitCondition
	waited               string // the outcome after the wait
	short, long, example string
	completeMembers      bool // complete members, or else other instances
}

func newElbAttach(p Process) *cobra.Command {
	return newElbChange(p, changeCommand{
		action: lsapi.Attach, waitFor: lsapi.WaitInService, waited: outcomeInService,
		short: "Attach instances", long: elbAttachHelp, example: elbAttachExample,
	})
}

func newElbDetach(p Process) *cobra.Command {
	return newElbChange(p, changeCommand{
		action: lsapi.Detach, waitFor: lsapi.WaitDrained, waited: outcomeDrained, completeMembers: true,
		short: "Detach instances", long: elbDetachHelp, example: elbDetachExample,
	})
}

type elbChangeFlags struct {
	wait    bool
	timeout time.Duration
	reason  string
}

func newElbChange(p Process, k changeCommand) *cobra.Command {
	var f elbChangeFlags
	command := &cobra.Command{
		Use:     string(k.action) + " NAME INSTANCE...",
		Short:   k.short,
		Long:    k.long,
		Example: k.example,
		Args:    cobra.MinimumNArgs(2),

		ValidArgsFunction: completeInstances(p, k.completeMembers),
	}
	flags := command.Flags()
	flags.BoolVar(&f.wait, "wait", false, "wait until the instances are in service, or drained")
	flags.DurationVar(&f.timeout, "timeout", defaultWait, "maximum `duration` of --wait")
	flags.StringVar(&f.reason, "reason", "", "`reason` for the record, at most 256 characters")
	addViewFlags(flags, listFormats)
	command.RunE = func(c *cobra.Command, arguments []string) error {
		v, err := newView(c, p, listFormats)
		if err != nil {
			return err
		}
		name, ids := arguments[0], arguments[1:]
		if err := f.check(c.Flags().Changed("timeout"), name, ids); err != nil {
			return err
		}
		return withService(c, p, func(ctx context.Context, service *remote) error {
			run := &changeRun{changeCommand: k, flags: f, service: service, loadBalancer: name}
			if f.wait && !v.quiet && isCapable(p, p.Stderr) {
				run.progress = term.NewProgress(p.Stderr, colors(p, p.Stderr), ids)
			}
			results := run.all(ctx, ids)
			run.progress.End()
			return service.suggestName(ctx, name, reportChanges(v, results))
		})
	}
	return command
}

// maxReason is the service's limit on the length of a reason.
const maxReason = 256

func (f *elbChangeFlags) check(timeoutGiven bool, name string, ids []string) error {
	if err := checkName(name); err != nil {
		return err
	}
	for i, id := range ids {
		if !lsapi.ValidInstanceID(id) {
			return usagef("%s is not the id of an instance, such as i-0592fe5ccee879f04", sanitize.Escape(id))
		}
		if slices.Contains(ids[:i], id) {
			return usagef("%s is named twice", id)
		}
	}
	switch {
	case timeoutGiven && !f.wait:
		return usagef("--timeout is for --wait")
	case f.timeout <= 0:
		return usagef("--timeout is not a positive duration, such as 90s or 5m")
	case !utf8.ValidString(f.reason) || strings.ContainsFunc(f.reason, unicode.IsControl):
		return usagef("--reason is not text on one line")
	case utf8.RuneCountInString(f.reason) > maxReason:
		return usagef("--reason has more than %d characters", maxReason)
	}
	return nil
}

// changeRun changes several instances of a load balancer.
type changeRun struct {
	changeCommand
	flags        elbChangeFlags
	service      *remote
	loadBalancer string
	progress     *term.Progress // nil shows nothing
}

// all changes the instances concurrently, so that the service can batch them, and returns
// the results in the given order.
func (c *changeRun) all(ctx context.Context, ids []string) []changeResult {
	results := make([]changeResult, len(ids))
	slots := make(chan struct{}, maxAtOnce)
	var done sync.WaitGroup
	for i, id := range ids {
		done.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			results[i] = c.one(ctx, i, id)
		})
	}
	done.Wait()
	return results
}

// one changes an instance, and waits for it if --wait is set.
func (c *changeRun) one(ctx context.Context, line int, id string) changeResult {
	result := changeResult{Action: c.action, LoadBalancer: c.loadBalancer, InstanceID: id, Outcome: outcomeApplied}
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
	made, err := send(ctx, c.loadBalancer, result.InstanceID, client.ChangeOptions{Reason: c.flags.reason, IdempotencyKey: uuid.NewString()})
	result.ChangeID = made.ChangeID
	if err != nil {
		if e, ok := errors.AsType[*client.Error](err); ok {
			result.ChangeID = e.ChangeID
		}
		return changeError(err)
	}
	if made.Instance.InstanceID != result.InstanceID || made.ChangeID == "" {
		return unknownOutcome{errors.New("the response is not about this change; " + checkHint)}
	}
	if !c.flags.wait {
		return nil
	}
	c.progress.Show(line, string(c.action)+"ed")
	o := client.AwaitOptions{Timeout: c.flags.timeout}
	if c.progress != nil {
		o.Progress = func(m apiv1.Member) { c.progress.Show(line, memberText(c.action, m)) }
	}
	member, err := c.service.Await(ctx, c.loadBalancer, result.InstanceID, c.waitFor, o)
	if member.InstanceID != "" {
		result.Member = &member
	}
	if errors.Is(err, context.Canceled) {
		err = interrupted{"the wait was stopped by a signal"}
	}
	if client.ErrorCode(err) == lsapi.CodeConflict { // the conflict is with the wait, not with the membership
		return waitFailed{fmt.Sprintf("%sed, but %v", c.action, err)}
	}
	if err != nil {
		return fmt.Errorf("%sed, but %w%s", c.action, err, lastText(result.Member))
	}
	result.Outcome = c.waited
	return nil
}

// lastText describes the last state of an instance after a failed wait.
func lastText(m *apiv1.Member) string {
	if m == nil || m.Health == nil {
		return ""
	}
	return ": " + healthText(*m)
}

// memberText describes the progress of a wait.
func memberText(action lsapi.Action, m apiv1.Member) string {
	text := string(action) + "ed"
	if m.Health != nil {
		text += ", " + healthText(m)
	}
	return text
}
