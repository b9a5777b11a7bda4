package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lsapi"
	"lsapi/client"
)

// The outcomes of a change of one instance, as JSON has them.
const (
	outcomeApplied     = "applied"     // AWS has accepted it, and nobody waits
	outcomeInService   = "inService"   // it was waited for, and serves
	outcomeDrained     = "drained"     // it was waited for, and is drained
	outcomeConflict    = "conflict"    // the membership already was so
	outcomeTimedOut    = "timedOut"    // it was waited for, and is not so yet
	outcomeUnknown     = "unknown"     // whether it was made is not known
	outcomeRefused     = "refused"     // it was refused, or failed
	outcomeInVain      = "inVain"      // it was made, and the instance is terminated
	outcomeUnreachable = "unreachable" // the service did not answer
	outcomeCredentials = "credentials" // it did not take the credentials
	outcomeInterrupted = "interrupted" // a signal came
)

// whereToLook says how to find out what an answer does not.
const whereToLook = "whether it was made, lsapi elb show and lsapi elb history tell"

// unknownOutcome is the error of a change of which nobody can say whether it was made.
type unknownOutcome struct{ error }

func (e unknownOutcome) Unwrap() error { return e.error }

// changeError says what an error means for the change: that it was not made, or that
// nobody knows. Only lsapi itself can refuse a change; a proxy that fails, or an answer
// that lsapi does not give, may stand before a change that was made.
func changeError(err error) error {
	e, answered := errors.AsType[*client.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return interrupted{"stopped by a signal; " + whereToLook}
	case errors.Is(err, client.ErrNotSent):
		return err
	case errors.Is(err, client.ErrUnreachable):
		return unknownOutcome{fmt.Errorf("%w; %s", err, whereToLook)}
	case !answered:
		return err
	case e.Code == lsapi.CodeTimeout:
		return unknownOutcome{err}
	case e.RequestID == "" && e.Status >= 500:
		return unknownOutcome{fmt.Errorf("%w, which is not from lsapi; %s", err, whereToLook)}
	case e.RequestID == "":
		return notLSAPI{err}
	}
	return err
}

// inVain is that a change that was made can no longer come about.
type inVain struct{ text string }

func (e inVain) Error() string { return e.text }

// outcomeOf names what an error has made of a change.
func outcomeOf(err error) string {
	if errors.Is(err, context.Canceled) {
		return outcomeInterrupted
	}
	if _, ok := errors.AsType[inVain](err); ok {
		return outcomeInVain
	}
	if _, ok := errors.AsType[unknownOutcome](err); ok {
		return outcomeUnknown
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

// reportChanges writes what came of the changes, and returns the error of the worst.
// When the service has answered none of them, there is nothing to write.
func reportChanges(v *view, results []changeResult) error {
	answered := slices.ContainsFunc(results, func(r changeResult) bool {
		return r.Outcome != outcomeUnreachable && r.Outcome != outcomeCredentials || r.ChangeID != ""
	})
	if !answered {
		return results[0].err
	}
	var done []string
	for _, r := range results {
		if r.err == nil {
			done = append(done, r.InstanceID)
		}
	}
	err := v.write(results, done, func() error { return changesTable(results).write(v) })
	return errors.Join(err, changesError(results))
}

func changesTable(results []changeResult) *table {
	t := &table{columns: []column{
		{head: "INSTANCE"}, {head: "ACTION", rank: 2}, {head: "OUTCOME"}, {head: "TOOK", rank: 1}, {head: "CHANGE", rank: 3},
	}}
	for _, r := range results {
		note := cell{}
		if len(results) > 1 { // of one, it is said below
			note = cell{r.Error, dim}
		}
		t.add(note, cellOf(r.InstanceID), cellOf(string(r.Action)), outcomeCell(r), cellOf(took(r)), cellOf(r.ChangeID))
	}
	return t
}

func took(r changeResult) string {
	return time.Duration(r.Seconds * float64(time.Second)).Round(100 * time.Millisecond).String()
}

// outcomeCell is the outcome in words.
func outcomeCell(r changeResult) cell {
	words := map[string]string{outcomeInService: "in service", outcomeTimedOut: "timed out", outcomeInVain: "in vain"}
	text := r.Outcome
	if better, ok := words[text]; ok {
		text = better
	}
	switch {
	case r.err == nil:
		return cell{text, green}
	case r.Outcome == outcomeConflict || r.Outcome == outcomeTimedOut || r.Outcome == outcomeUnknown:
		return cell{text, yellow}
	}
	return cell{text, red}
}

// changesErr tells on one line what was not done, and has the status of the worst.
type changesErr struct {
	text  string
	worst error
}

func (e *changesErr) Error() string { return e.text }

// Unwrap returns the worst of the errors.
func (e *changesErr) Unwrap() error { return e.worst }

// changesError is the error of all that was not done, nil when all was. Of several,
// what was wrong with each is among the results.
func changesError(results []changeResult) error {
	var worst error
	counts := make(map[string]int)
	failed := 0
	for _, r := range results {
		if r.err == nil {
			continue
		}
		failed++
		counts[outcomeCell(r).text]++
		if worst == nil || exitStatus(r.err) > exitStatus(worst) {
			worst = r.err
		}
	}
	switch {
	case failed == 0:
		return nil
	case len(results) == 1:
		return &changesErr{text: results[0].InstanceID + ": " + results[0].Error, worst: worst}
	}
	var texts []string
	for _, outcome := range slices.Sorted(maps.Keys(counts)) {
		texts = append(texts, fmt.Sprintf("%d %s", counts[outcome], outcome))
	}
	return &changesErr{text: fmt.Sprintf("%d of %d not done: %s", failed, len(results), strings.Join(texts, ", ")), worst: worst}
}
