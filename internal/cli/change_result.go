package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
	"lsapi/internal/cli/term"
	"lsapi/internal/sanitize"
)

// The outcomes of a change of one member, in JSON.
const (
	outcomeApplied     = "applied"     // AWS has accepted it, without --wait
	outcomeInService   = "inService"   // in service, with --wait
	outcomeDrained     = "drained"     // drained, with --wait
	outcomeConflict    = "conflict"    // the membership was already as requested
	outcomeTimedOut    = "timedOut"    // the wait timed out
	outcomeUnknown     = "unknown"     // the change may have been made
	outcomeRefused     = "refused"     // rejected or failed
	outcomeSkipped     = "skipped"     // not made, because another one of --atomic was refused
	outcomeWaitFailed  = "inVain"      // the change was made, but the instance is terminated
	outcomeUnreachable = "unreachable" // the service is unreachable
	outcomeCredentials = "credentials" // credentials are missing or wrong
	outcomeInterrupted = "interrupted" // stopped by a signal
)

// checkHint is appended to the error of a change with an unknown outcome.
const checkHint = "check with lsapi pool show and lsapi pool history whether it was made"

// changeError classifies the error of a change: not made, or unknown. Only lsapi itself
// can reject a change. A failing proxy, or a response that is not from lsapi, may hide a
// change that was made.
func changeError(err error) error {
	e, responded := errors.AsType[*client.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return interrupted{"stopped by a signal; " + checkHint}
	case errors.Is(err, client.ErrNotSent):
		return err
	case errors.Is(err, client.ErrUnreachable):
		return unknownOutcome{fmt.Errorf("%w; %s", err, checkHint)}
	case !responded:
		return err
	case isGuard(e.Code):
		return guardRefusal{e}
	case e.Code == lsapi.CodeTimeout:
		return unknownOutcome{err}
	case e.RequestID == "" && e.Status >= 500:
		return unknownOutcome{fmt.Errorf("%w, which is not from lsapi; %s", err, checkHint)}
	case e.RequestID == "":
		return notLSAPI{err}
	}
	return err
}

// waitFailed is the error of a change that was made but cannot take effect.
type waitFailed struct{ text string }

func (e waitFailed) Error() string { return e.text }

// outcomeOf returns the outcome of a change from its error.
func outcomeOf(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return outcomeInterrupted
	case is[waitFailed](err):
		return outcomeWaitFailed
	case is[unknownOutcome](err):
		return outcomeUnknown
	case is[conflict](err):
		return outcomeConflict
	}
	switch client.ErrorCode(err) {
	case lsapi.CodeBulkSkipped:
		return outcomeSkipped
	case lsapi.CodePrecondition, lsapi.CodeSuperseded:
		return outcomeRefused
	}
	switch serviceStatus(err) {
	case ExitConflict:
		return outcomeConflict
	case ExitTimeout:
		return outcomeTimedOut
	case ExitUnreachable:
		return outcomeUnreachable
	case ExitCredentials:
		return outcomeCredentials
	}
	return outcomeRefused
}

// changeResult is the result of the change of one member.
type changeResult struct {
	Action           lsapi.Action  `json:"action"`
	Pool             string        `json:"pool"`
	Member           string        `json:"member,omitempty"` // absent if a whole set failed
	Outcome          string        `json:"outcome"`
	ChangeID         string        `json:"changeId,omitempty"`
	BulkID           string        `json:"bulkId,omitempty"`           // of the changes that were decided together
	AutoScalingGroup string        `json:"autoScalingGroup,omitempty"` // that may replace it
	Guard            *apiv1.Guard  `json:"guard,omitempty"`            // that refused it, or that it overrode
	Seconds          float64       `json:"seconds"`
	Code             lsapi.Code    `json:"code,omitempty"` // of the service's error
	Error            string        `json:"error,omitempty"`
	LastState        *apiv1.Member `json:"lastState,omitempty"` // with --wait

	pool  lsapi.PoolID
	began time.Time
	err   error
}

// report writes the results and returns the error of the worst. It writes nothing if the
// service processed none of the changes.
func (c *changeRun) report(v *view, results []changeResult) error {
	processed := slices.ContainsFunc(results, func(r changeResult) bool {
		return r.Outcome != outcomeUnreachable && r.Outcome != outcomeCredentials || r.ChangeID != ""
	})
	if !processed {
		return results[0].err
	}
	var succeeded []string
	for _, r := range results {
		if r.err == nil {
			succeeded = append(succeeded, r.Member)
		}
	}
	draw := changesTable(results).Write
	if c.dryRun {
		draw = func(s term.Screen) error { return drawPlan(s, results) }
	}
	err := v.write(results, succeeded, draw)
	return errors.Join(err, changesError(results, c.dryRun))
}

// warn warns of detached instances that may be replaced.
func warn(w io.Writer, results []changeResult) {
	for _, r := range results {
		if r.AutoScalingGroup != "" {
			fmt.Fprintf(w, "lsapi: warning: %s is in the Auto Scaling group %s, which may replace it\n", r.Member, sanitize.Escape(r.AutoScalingGroup))
		}
	}
}

func changesTable(results []changeResult) *term.Table {
	t := &term.Table{Columns: []term.Column{
		{Head: "MEMBER"}, {Head: "ACTION", Rank: 2}, {Head: "OUTCOME"}, {Head: "TOOK", Rank: 1}, {Head: "CHANGE", Rank: 3},
	}}
	several := haveSeveralPools(results)
	if several {
		t.Columns = slices.Insert(t.Columns, 0, term.Column{Head: "POOL"})
	}
	for _, r := range results {
		note := r.overrideNote("overrode")
		if len(results) > 1 && r.err != nil { // a single error is printed to stderr
			note = r.Error
		}
		row := term.Row{r.Member, r.Action, outcomeCell(r), took(r), r.ChangeID}
		if several {
			row = slices.Insert(row, 0, any(r.Pool))
		}
		t.Add(row, term.Styled(note, term.Dim))
	}
	return t
}

func haveSeveralPools(results []changeResult) bool {
	return slices.ContainsFunc(results, func(r changeResult) bool { return r.Pool != results[0].Pool })
}

func took(r changeResult) string {
	return time.Duration(r.Seconds * float64(time.Second)).Round(100 * time.Millisecond).String()
}

func outcomeCell(r changeResult) term.Cell {
	words := map[string]string{outcomeInService: "in service", outcomeTimedOut: "timed out", outcomeWaitFailed: "not confirmed"}
	text := cmp.Or(words[r.Outcome], r.Outcome)
	switch {
	case r.err == nil:
		return term.Styled(text, term.Green)
	case r.Outcome == outcomeConflict || r.Outcome == outcomeTimedOut || r.Outcome == outcomeUnknown:
		return term.Styled(text, term.Yellow)
	}
	return term.Styled(text, term.Red)
}

// shownResult returns the outcome with the error.
func shownResult(r changeResult) term.Cell {
	c := outcomeCell(r)
	if r.Error != "" {
		c.Text += ": " + r.Error
	}
	return c
}

// changesErr summarizes the failures on one line. Its status is that of the worst.
type changesErr struct {
	text  string
	worst error
}

func (e *changesErr) Error() string { return e.text }

// Unwrap returns the worst of the errors.
func (e *changesErr) Unwrap() error { return e.worst }

// changesError returns the error of the failed changes, or nil. For several changes it
// counts the outcomes, and has the error that all of them share or the first refusal by a
// guard; the results hold each error.
func changesError(results []changeResult, dryRun bool) error {
	var failed []changeResult
	counts := make(map[string]int)
	shared := true
	for _, r := range results {
		if r.err != nil {
			failed = append(failed, r)
			counts[outcomeCell(r).Text]++
			shared = shared && r.Error == failed[0].Error
		}
	}
	if len(failed) == 0 {
		return nil
	}
	worst := slices.MaxFunc(failed, func(a, b changeResult) int { return exitStatus(a.err) - exitStatus(b.err) })
	summary := &changesErr{worst: worst.err, text: worst.named()}
	if len(results) > 1 {
		var texts []string
		for _, outcome := range slices.Sorted(maps.Keys(counts)) {
			texts = append(texts, fmt.Sprintf("%d %s", counts[outcome], outcome))
		}
		verb := "not done"
		if dryRun {
			verb = "would not be done"
		}
		summary.text = fmt.Sprintf("%d of %d %s: %s", len(failed), len(results), verb, strings.Join(texts, ", "))
		switch {
		case is[guardRefusal](worst.err):
			summary.text += "; " + worst.named()
		case shared && len(failed) > 1:
			summary.text += "; " + worst.Error
		}
	}
	summary.text += guardHint(worst.err)
	return summary
}

// named returns the error with the member, or the pool, that it is about.
func (r changeResult) named() string { return cmp.Or(r.Member, r.Pool) + ": " + r.Error }

// end sets the error of the change, nil if it succeeded, and the time that it took.
func (r *changeResult) end(err error) {
	r.err = err
	r.Seconds = time.Since(r.began).Round(time.Millisecond).Seconds()
	if err != nil {
		r.Outcome, r.Code, r.Error = outcomeOf(err), client.ErrorCode(err), err.Error()
	}
}

// done says what was done before a wait.
func (r *changeResult) done() string {
	if r.Outcome == apiv1.OutcomeUnchanged {
		return r.Outcome
	}
	return string(r.Action) + "ed"
}

// overrideNote returns the guard that the change overrode, after a verb. Empty: none.
func (r *changeResult) overrideNote(verb string) string {
	if r.Guard == nil || !r.Guard.Overridden {
		return ""
	}
	return verb + " " + r.Guard.Rule
}
