package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
)

const (
	// maxAtOnce bounds concurrent requests and waits.
	maxAtOnce = 100
	// leastWait is the time of a wait that begins late, because others took the room. A poll
	// of the health takes less.
	leastWait = 5 * time.Second
)

// changeRun changes members of pools.
type changeRun struct {
	changeFlags
	p       Process
	service *remote
	quiet   bool

	action   lsapi.Action // empty for a set
	additive bool         // of a set
	atomic   bool
	// lenient accepts members that already are as requested.
	lenient bool
}

// all sends the requests concurrently, then waits for the effects of all. It returns the
// results in the order of the requests.
func (c *changeRun) all(ctx context.Context, requests []changeRequest) []changeResult {
	var names []string
	if c.wait {
		for _, r := range requests {
			names = append(names, r.pool.Path())
		}
	}
	sending := newProgress(c.p, c.quiet || !isCapable(c.p, c.p.Stderr), names)
	answered := make([][]changeResult, len(requests))
	var running errgroup.Group
	running.SetLimit(maxAtOnce)
	for i, r := range requests {
		running.Go(func() error {
			sending.Show(i, "changing members")
			answered[i] = c.send(ctx, r)
			return nil
		})
	}
	_ = running.Wait() // the results hold the errors
	sending.End()
	results := slices.Concat(answered...)
	if c.wait {
		c.awaitEffects(ctx, results)
	}
	return results
}

// send sends one request and returns its results.
func (c *changeRun) send(ctx context.Context, r changeRequest) []changeResult {
	began := time.Now()
	o := c.options()
	o.Atomic = c.atomic
	if c.action != "" && len(r.members) == 1 && !c.dryRun {
		return []changeResult{c.sendOne(ctx, began, r.pool, r.members[0], o)}
	}
	made, err := c.sendAll(ctx, r, o)
	if err != nil && len(made.Results) == 0 {
		return c.failed(began, r, changeError(err))
	}
	results := make([]changeResult, len(made.Results))
	for i, m := range made.Results {
		results[i] = c.result(began, r.pool, m.MemberResult, m.Err)
		results[i].BulkID = made.BulkID
	}
	return results
}

// sendOne attaches or detaches one member.
func (c *changeRun) sendOne(ctx context.Context, began time.Time, pool lsapi.PoolID, member lsapi.MemberID, o client.ChangeOptions) changeResult {
	send := c.service.Attach
	if c.action == lsapi.Detach {
		send = c.service.Detach
	}
	made, err := send(ctx, pool, member, o)
	return c.resultOfOne(began, pool, member.String(), made, err)
}

// resultOfOne returns the result of a request for one member, which is named in its error's
// place.
func (c *changeRun) resultOfOne(began time.Time, pool lsapi.PoolID, member string, made client.ChangeResult, err error) changeResult {
	m := apiv1.MemberResult{
		Action: made.Action, Member: made.Member, Outcome: made.Outcome, ChangeID: made.ChangeID, AutoScalingGroup: made.AutoScalingGroup, Guard: made.Guard,
	}
	if err != nil {
		m.Action, m.Member = string(c.action), member
		if e, ok := errors.AsType[*client.Error](err); ok {
			m.ChangeID = e.ChangeID
		}
	}
	return c.result(began, pool, m, err)
}

// sendAll changes several members.
func (c *changeRun) sendAll(ctx context.Context, r changeRequest, o client.ChangeOptions) (client.BulkResult, error) {
	switch c.action {
	case lsapi.Attach:
		return c.service.ChangeMembers(ctx, r.pool, client.MemberChanges{Attach: r.members}, o)
	case lsapi.Detach:
		return c.service.ChangeMembers(ctx, r.pool, client.MemberChanges{Detach: r.members}, o)
	}
	return c.service.SetMembers(ctx, r.pool, lsapi.DesiredMembers{Members: r.members, Additive: c.additive}, o)
}

// failed returns the results of a request that failed as a whole: one for a set, whose
// changes are not known, else one for each member.
func (c *changeRun) failed(began time.Time, r changeRequest, err error) []changeResult {
	if c.action == "" {
		return []changeResult{c.result(began, r.pool, apiv1.MemberResult{Action: "set"}, err)}
	}
	results := make([]changeResult, len(r.members))
	for i, member := range r.members {
		results[i] = c.result(began, r.pool, apiv1.MemberResult{Action: string(c.action), Member: member.String()}, err)
	}
	return results
}

// result returns the result of the change of one member.
func (c *changeRun) result(began time.Time, pool lsapi.PoolID, m apiv1.MemberResult, err error) changeResult {
	r := changeResult{
		Action: lsapi.Action(m.Action), Pool: pool.Path(), Member: m.Member, Outcome: m.Outcome, ChangeID: m.ChangeID,
		AutoScalingGroup: m.AutoScalingGroup, Guard: m.Guard, pool: pool, began: began,
	}
	switch {
	case client.ErrorCode(err) == lsapi.CodeNotMember && c.lenient:
		r.Outcome, err = apiv1.OutcomeUnchanged, nil
	case err != nil:
		err = changeError(err)
	case m.Outcome == apiv1.OutcomeUnchanged && !c.lenient:
		err = conflict{unchangedTexts[r.Action]}
	case m.Outcome == apiv1.OutcomeApplied && m.ChangeID == "":
		err = unknownOutcome{errors.New("the response is not about this change; " + checkHint)}
	}
	r.end(err)
	return r
}

// unchangedTexts say why there was nothing to change.
var unchangedTexts = map[lsapi.Action]string{lsapi.Attach: "it is a member already", lsapi.Detach: "it is not a member"}

// effects are what changes are to lead to, and the outcomes after a wait for it.
var effects = map[lsapi.Action]struct {
	condition lsapi.WaitCondition
	outcome   string
}{
	lsapi.Attach: {lsapi.WaitInService, outcomeInService},
	lsapi.Detach: {lsapi.WaitDrained, outcomeDrained},
}

// awaitEffects waits for the effects of all changes that were made or not needed.
func (c *changeRun) awaitEffects(ctx context.Context, results []changeResult) {
	var pending []*changeResult
	for i := range results {
		if results[i].err == nil {
			pending = append(pending, &results[i])
		}
	}
	show := newProgress(c.p, c.quiet, labels(pending))
	deadline := time.Now().Add(c.timeout)
	var running errgroup.Group
	running.SetLimit(maxAtOnce)
	for line, r := range pending {
		running.Go(func() error {
			text := r.done()
			show.Show(line, text)
			o := client.AwaitOptions{Timeout: max(time.Until(deadline), min(c.timeout, leastWait))}
			if !c.quiet {
				o.Progress = func(m apiv1.Member) { show.Show(line, waitText(text, m)) }
			}
			c.awaitEffect(ctx, r, o)
			show.Finish(line, shownResult(*r), r.err == nil)
			return nil
		})
	}
	_ = running.Wait() // the results hold the errors
	show.End()
}

// labels returns the members of results, with their pools if there are several.
func labels(results []*changeResult) []string {
	several := slices.ContainsFunc(results, func(r *changeResult) bool { return r.pool != results[0].pool })
	texts := make([]string, len(results))
	for i, r := range results {
		texts[i] = r.Member
		if several {
			texts[i] = r.Pool + " " + r.Member
		}
	}
	return texts
}

// awaitEffect waits for the effect of one change.
func (c *changeRun) awaitEffect(ctx context.Context, r *changeResult, o client.AwaitOptions) {
	member, _ := lsapi.ParseMemberID(r.Member) // as the client, or the command, has checked
	effect := effects[r.Action]
	last, err := c.service.Await(ctx, r.pool, member, effect.condition, o)
	if last.Member != "" {
		r.LastState = &last
	}
	if errors.Is(err, context.Canceled) {
		err = interrupted{"the wait was stopped by a signal"}
	}
	switch {
	case err == nil:
		r.Outcome = effect.outcome
	case client.ErrorCode(err) == lsapi.CodeConflict: // the conflict is with the wait, not with the membership
		err = waitFailed{fmt.Sprintf("%s, but %v", r.done(), err)}
	case last.Health != nil:
		err = fmt.Errorf("%s, but %w: %s", r.done(), err, healthText(last))
	default:
		err = fmt.Errorf("%s, but %w", r.done(), err)
	}
	r.end(err)
}

// waitText describes the progress of a wait.
func waitText(done string, m apiv1.Member) string {
	if m.Health == nil {
		return done
	}
	return done + ", " + healthText(m)
}
