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
	"lsapi/internal/sanitize"
)

const elbAttachHelp = `Attach instances to a load balancer. Without --wait it is done when AWS has accepted
them; with --wait, when the load balancer says that they are in service.

Several are attached and waited for at the same time. What came of each is told in
their order: as a table, or as an array of JSON when piped or with -o json. An
instance that is a member already is a conflict, and is not waited for.

Exit status: 0 done, 1 refused, failed or stopped by a signal, 2 wrong usage, 3 conflict,
4 timed out (with --wait: the attach itself stands), or the outcome is not known, 5 the
service cannot be reached, 6 credentials are missing or wrong. Of several instances, the
highest counts.`

const elbAttachExample = `  lsapi elb attach web-elb i-0a11ce0000000ab01 --wait --reason 'deploy 117'
  lsapi elb attach web-elb i-0bee000000000cd01 i-0bee000000000cd02 --wait --timeout 5m`

const elbDetachHelp = `Detach instances from a load balancer. Without --wait it is done when AWS has accepted
that; with --wait, when their requests in flight have been answered, too.

Several are detached and waited for at the same time. What came of each is told in
their order: as a table, or as an array of JSON when piped or with -o json. An
instance that is no member is a conflict, and is not waited for.

Exit status: 0 done, 1 refused, failed or stopped by a signal, 2 wrong usage, 3 conflict,
4 timed out (with --wait: the detach itself stands), or the outcome is not known, 5 the
service cannot be reached, 6 credentials are missing or wrong. Of several instances, the
highest counts.`

const elbDetachExample = `  lsapi elb detach web-elb i-0a11ce0000000ab01 --wait --reason 'deploy 117'`

// kind is what attach and detach differ in.
type kind struct {
	action             lsapi.Action
	wish               lsapi.WaitCondition
	short, long, usage string
	done               string // the outcome when the wish has come about
	members            bool   // whether it is members that are named
}

func newElbAttach(p Process) *cobra.Command {
	return newElbChange(p, kind{
		action: lsapi.Attach, wish: lsapi.WaitInService, done: outcomeInService,
		short: "Attach instances", long: elbAttachHelp, usage: elbAttachExample,
	})
}

func newElbDetach(p Process) *cobra.Command {
	return newElbChange(p, kind{
		action: lsapi.Detach, wish: lsapi.WaitDrained, done: outcomeDrained, members: true,
		short: "Detach instances", long: elbDetachHelp, usage: elbDetachExample,
	})
}

type elbChangeFlags struct {
	wait    bool
	timeout time.Duration
	reason  string
}

func newElbChange(p Process, k kind) *cobra.Command {
	var f elbChangeFlags
	command := &cobra.Command{
		Use:     string(k.action) + " NAME INSTANCE...",
		Short:   k.short,
		Long:    k.long,
		Example: k.usage,
		Args:    cobra.MinimumNArgs(2),

		ValidArgsFunction: completeInstances(p, k.members),
	}
	flags := command.Flags()
	flags.BoolVar(&f.wait, "wait", false, "wait until it has come about, not only until AWS has accepted it")
	flags.DurationVar(&f.timeout, "timeout", defaultWait, "`duration` to wait at most, with --wait")
	flags.StringVar(&f.reason, "reason", "", "`why`, for the record: at most 256 characters")
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
			made := &changing{kind: k, flags: f, service: service, loadBalancer: name}
			if f.wait && !v.quiet && isCapable(p, p.Stderr) {
				made.progress = startProgress(p, ids)
			}
			results := made.all(ctx, ids)
			made.progress.end()
			return service.suggestName(ctx, name, reportChanges(v, results))
		})
	}
	return command
}

// maxReason is how long a reason may be, as the service has it.
const maxReason = 256

// check refuses what makes no sense before anybody is asked.
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

// changeResult is what came of the change of one instance.
type changeResult struct {
	Action       lsapi.Action  `json:"action"`
	LoadBalancer string        `json:"loadBalancer"`
	InstanceID   string        `json:"instanceId"`
	Outcome      string        `json:"outcome"`
	ChangeID     string        `json:"changeId,omitempty"`
	Seconds      float64       `json:"seconds"`
	Error        string        `json:"error,omitempty"`
	Member       *apiv1.Member `json:"member,omitempty"` // the last that is known of it, when it was waited for

	err error
}

// changing changes several instances of a load balancer.
type changing struct {
	kind
	flags        elbChangeFlags
	service      *remote
	loadBalancer string
	progress     *progress // nil is that nobody looks
}

// all changes the instances at the same time, so that the service can hand them to
// AWS together, and returns what came of them in their order.
func (c *changing) all(ctx context.Context, ids []string) []changeResult {
	results := make([]changeResult, len(ids))
	turns := make(chan struct{}, maxAtOnce)
	var done sync.WaitGroup
	for i, id := range ids {
		done.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			results[i] = c.one(ctx, i, id)
		})
	}
	done.Wait()
	return results
}

// one changes an instance, and waits for it if that is wanted.
func (c *changing) one(ctx context.Context, line int, id string) changeResult {
	result := changeResult{Action: c.action, LoadBalancer: c.loadBalancer, InstanceID: id, Outcome: outcomeApplied}
	began := time.Now()
	c.progress.show(line, string(c.action)+"ing")
	result.err = c.carryOut(ctx, line, &result)
	result.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	if result.err != nil {
		result.Outcome, result.Error = outcomeOf(result.err), result.err.Error()
	}
	c.progress.finish(line, result)
	return result
}

func (c *changing) carryOut(ctx context.Context, line int, result *changeResult) error {
	change := c.service.Attach
	if c.action == lsapi.Detach {
		change = c.service.Detach
	}
	// The key is new: the client may send the request again, and nobody else.
	made, err := change(ctx, c.loadBalancer, result.InstanceID, client.ChangeOptions{Reason: c.flags.reason, IdempotencyKey: uuid.NewString()})
	result.ChangeID = made.ChangeID
	if err != nil {
		if e, ok := errors.AsType[*client.Error](err); ok {
			result.ChangeID = e.ChangeID
		}
		return changeError(err)
	}
	if made.Instance.InstanceID != result.InstanceID || made.ChangeID == "" {
		return unknownOutcome{errors.New("the answer is not about this change; " + whereToLook)}
	}
	if !c.flags.wait {
		return nil
	}
	c.progress.show(line, string(c.action)+"ed")
	o := client.AwaitOptions{Timeout: c.flags.timeout}
	if c.progress != nil {
		o.Progress = func(m apiv1.Member) { c.progress.show(line, memberText(c.action, m)) }
	}
	member, err := c.service.Await(ctx, c.loadBalancer, result.InstanceID, c.wish, o)
	if member.InstanceID != "" {
		result.Member = &member
	}
	if errors.Is(err, context.Canceled) {
		err = interrupted{"the wait was stopped by a signal"}
	}
	if client.ErrorCode(err) == lsapi.CodeConflict { // not that the membership already was so
		return inVain{fmt.Sprintf("%sed, which stands, but %v", c.action, err)}
	}
	if err != nil {
		return fmt.Errorf("%sed, which stands, but %w%s", c.action, err, lastText(result.Member))
	}
	result.Outcome = c.done
	return nil
}

// lastText is the last that is known of an instance that was waited for in vain.
func lastText(m *apiv1.Member) string {
	if m == nil || m.Health == nil {
		return ""
	}
	return ": " + healthText(*m)
}

// memberText is what is known of an instance that is waited for.
func memberText(action lsapi.Action, m apiv1.Member) string {
	text := string(action) + "ed"
	if m.Health != nil {
		text += ", " + healthText(m)
	}
	return text
}

// healthText is a state and AWS's sentence, as far as that says more.
func healthText(m apiv1.Member) string {
	text := healthCell(m).text
	if note := why(m).text; note != "" {
		text += ", " + note
	}
	return text
}
