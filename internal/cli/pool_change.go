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
	"lsapi/internal/sanitize"
)

const (
	// defaultWait is twice the default limit of a drain in AWS, and of the time that slow
	// health checks take to put a member in service.
	defaultWait = 10 * time.Minute
	// maxAtOnce bounds concurrent changes and waits.
	maxAtOnce = 100
	// maxReason is the service's limit on the length of a reason.
	maxReason = 256
)

func (g poolGroup) attach() *cobra.Command {
	return g.change(changeRun{action: lsapi.Attach, waitFor: lsapi.WaitInService, waited: outcomeInService})
}

func (g poolGroup) detach() *cobra.Command {
	return g.change(changeRun{action: lsapi.Detach, waitFor: lsapi.WaitDrained, waited: outcomeDrained})
}

func (g poolGroup) change(run changeRun) *cobra.Command {
	command := g.newCommand(string(run.action))
	command.Args, command.ValidArgsFunction = cobra.MinimumNArgs(2), g.completeMembers(run.action == lsapi.Detach)
	flags := command.Flags()
	flags.BoolVar(&run.wait, "wait", false, "wait until the members are in service, or drained")
	flags.DurationVar(&run.timeout, "timeout", defaultWait, "maximum `duration` of --wait")
	flags.StringVar(&run.reason, "reason", "", "`reason` for the record, at most 256 characters")
	withServiceView(command, g.p, listFormats, func(ctx context.Context, service *remote, v *view, arguments []string) error {
		if err := cmp.Or(onlyWith(flags, "wait", "timeout"), run.check()); err != nil {
			return err
		}
		pools, err := g.pools(ctx, service, strings.Split(arguments[0], ","))
		if err != nil {
			return err
		}
		targets, err := parseTargets(pools, arguments[1:])
		if err != nil {
			return err
		}
		run.service = service
		if run.wait && !v.quiet && isCapable(g.p, g.p.Stderr) {
			run.progress = term.NewProgress(g.p.Stderr, colors(g.p, g.p.Stderr), labels(targets, len(pools) > 1))
		}
		results := run.all(ctx, targets)
		run.progress.End()
		warn(g.p.Stderr, results)
		return g.suggest(ctx, service, reportChanges(v, results), pools...)
	})
	return command
}

// target is a member of a pool to change.
type target struct {
	pool   lsapi.PoolID
	member lsapi.MemberID
}

// changeRun changes several members of pools.
type changeRun struct {
	action  lsapi.Action
	waitFor lsapi.WaitCondition
	waited  string // the outcome after the wait

	wait    bool
	timeout time.Duration
	reason  string

	service  *remote
	progress *term.Progress // nil shows nothing
}

// parseTargets parses the ids of members, which are those of each pool.
func parseTargets(pools []lsapi.PoolID, texts []string) ([]target, error) {
	var targets []target
	for i, pool := range pools {
		if slices.Contains(pools[:i], pool) {
			return nil, usagef("%s is named twice", pool.Path())
		}
		members, err := parseMembers(pool.Kind, texts)
		if err != nil {
			return nil, err
		}
		for _, member := range members {
			targets = append(targets, target{pool, member})
		}
	}
	return targets, nil
}

// labels returns the targets' members, with their pools if there are several.
func labels(targets []target, several bool) []string {
	texts := make([]string, len(targets))
	for i, t := range targets {
		texts[i] = t.member.String()
		if several {
			texts[i] = t.pool.Path() + " " + texts[i]
		}
	}
	return texts
}

// parseMembers parses the ids of members of a pool of a kind.
func parseMembers(kind lsapi.Kind, texts []string) ([]lsapi.MemberID, error) {
	members := make([]lsapi.MemberID, len(texts))
	for i, text := range texts {
		member, err := lsapi.ParseMember(kind, text)
		switch {
		case err != nil:
			return nil, usagef("%s is not the id of a member: %s", sanitize.Escape(text), lsapi.AsError(err).Message)
		case slices.Contains(members[:i], member):
			return nil, usagef("%s is named twice", text)
		}
		members[i] = member
	}
	return members, nil
}

func (c *changeRun) check() error {
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

// all changes the members concurrently, so that the service can batch them, and returns
// the results in the given order.
func (c *changeRun) all(ctx context.Context, targets []target) []changeResult {
	results := make([]changeResult, len(targets))
	var running errgroup.Group
	running.SetLimit(maxAtOnce)
	for i, t := range targets {
		running.Go(func() error {
			results[i] = c.one(ctx, i, t)
			return nil
		})
	}
	_ = running.Wait() // the results hold the errors
	return results
}

// one changes a member, and waits for it if --wait is set.
func (c *changeRun) one(ctx context.Context, line int, t target) changeResult {
	result := changeResult{Action: c.action, Pool: t.pool.Path(), Member: t.member.String(), Outcome: outcomeApplied}
	began := time.Now()
	c.progress.Show(line, string(c.action)+"ing")
	result.err = c.change(ctx, line, t, &result)
	result.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	if result.err != nil {
		result.Outcome, result.Error = outcomeOf(result.err), result.err.Error()
	}
	c.progress.Finish(line, shownResult(result), result.err == nil)
	return result
}

func (c *changeRun) change(ctx context.Context, line int, t target, result *changeResult) error {
	send := c.service.Attach
	if c.action == lsapi.Detach {
		send = c.service.Detach
	}
	made, err := send(ctx, t.pool, t.member, client.ChangeOptions{Reason: c.reason, IdempotencyKey: uuid.NewString()})
	result.ChangeID, result.AutoScalingGroup = made.ChangeID, made.AutoScalingGroup
	if err != nil {
		if e, ok := errors.AsType[*client.Error](err); ok {
			result.ChangeID = e.ChangeID
		}
		return changeError(err)
	}
	member, _ := lsapi.ParseMemberID(made.Member) // as the client has checked
	result.Member = made.Member
	switch {
	case made.Outcome == apiv1.OutcomeUnchanged:
		return conflict{"it is a member already"}
	case made.ChangeID == "":
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
	last, err := c.service.Await(ctx, t.pool, member, c.waitFor, o)
	if last.Member != "" {
		result.LastState = &last
	}
	if errors.Is(err, context.Canceled) {
		err = interrupted{"the wait was stopped by a signal"}
	}
	if client.ErrorCode(err) == lsapi.CodeConflict { // the conflict is with the wait, not with the membership
		return waitFailed{fmt.Sprintf("%sed, but %v", c.action, err)}
	}
	if err != nil {
		if last.Health != nil {
			return fmt.Errorf("%sed, but %w: %s", c.action, err, healthText(last))
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
