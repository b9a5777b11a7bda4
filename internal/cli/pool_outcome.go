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

// reportChanges writes the results and returns the error of the worst. It writes nothing
// if the service processed none of the changes.
func reportChanges(v *view, results []changeResult) error {
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
	err := v.write(results, succeeded, changesTable(results).Write)
	return errors.Join(err, changesError(results))
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
	several := slices.ContainsFunc(results, func(r changeResult) bool { return r.Pool != results[0].Pool })
	if several {
		t.Columns = slices.Insert(t.Columns, 0, term.Column{Head: "POOL"})
	}
	for _, r := range results {
		note := term.Cell{}
		if len(results) > 1 { // a single error is printed to stderr
			note = term.Styled(r.Error, term.Dim)
		}
		row := term.Row{r.Member, r.Action, outcomeCell(r), took(r), r.ChangeID}
		if several {
			row = slices.Insert(row, 0, any(r.Pool))
		}
		t.Add(row, note)
	}
	return t
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
// counts the outcomes; the results hold each error.
func changesError(results []changeResult) error {
	var worst error
	counts := make(map[string]int)
	failed := 0
	for _, r := range results {
		if r.err == nil {
			continue
		}
		failed++
		counts[outcomeCell(r).Text]++
		if worst == nil || exitStatus(r.err) > exitStatus(worst) {
			worst = r.err
		}
	}
	switch {
	case failed == 0:
		return nil
	case len(results) == 1:
		return &changesErr{text: results[0].Member + ": " + results[0].Error, worst: worst}
	}
	var texts []string
	for _, outcome := range slices.Sorted(maps.Keys(counts)) {
		texts = append(texts, fmt.Sprintf("%d %s", counts[outcome], outcome))
	}
	return &changesErr{text: fmt.Sprintf("%d of %d not done: %s", failed, len(results), strings.Join(texts, ", ")), worst: worst}
}

// changeResult is the result of the change of one member.
type changeResult struct {
	Action           lsapi.Action  `json:"action"`
	Pool             string        `json:"pool"`
	Member           string        `json:"member"`
	Outcome          string        `json:"outcome"`
	ChangeID         string        `json:"changeId,omitempty"`
	AutoScalingGroup string        `json:"autoScalingGroup,omitempty"` // that may replace it
	Seconds          float64       `json:"seconds"`
	Error            string        `json:"error,omitempty"`
	LastState        *apiv1.Member `json:"lastState,omitempty"` // with --wait

	err error
}
