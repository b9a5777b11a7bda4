package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/cli/term"
)

// planned is how a plan shows a change.
type planned struct {
	sign  string
	style term.Style
	count string // what the summary counts it as
	text  string
}

// planOf returns how a plan shows the result of a dry run.
func planOf(r changeResult) planned {
	switch {
	case r.Outcome == apiv1.OutcomeUnchanged || r.Outcome == outcomeConflict:
		return planned{"=", term.Dim, "unchanged", "unchanged"}
	case r.err != nil:
		return planned{"!", term.Yellow, r.Outcome, string(r.Action) + " " + outcomeCell(r).Text}
	case r.Action == lsapi.Attach:
		return planned{"+", term.Green, "to attach", string(r.Action)}
	}
	return planned{"-", term.Red, "to detach", string(r.Action)}
}

// drawPlan writes the results of a dry run, and a summary.
func drawPlan(s term.Screen, results []changeResult) error {
	t := &term.Table{Columns: []term.Column{{Head: " "}, {Head: "MEMBER"}, {Head: "PLAN"}}}
	several := haveSeveralPools(results)
	if several {
		t.Columns = slices.Insert(t.Columns, 1, term.Column{Head: "POOL"})
	}
	counts := make(map[string]int)
	for _, r := range results {
		p := planOf(r)
		counts[p.count]++
		row := term.Row{term.Styled(p.sign, p.style), r.Member, term.Styled(p.text, p.style)}
		if several {
			row = slices.Insert(row, 1, any(r.Pool))
		}
		note := r.overrideNote("overrides")
		if r.err != nil && len(results) > 1 && r.Outcome != outcomeConflict { // a single error is printed to stderr
			note = r.Error
		}
		t.Add(row, term.Styled(note, term.Dim))
	}
	if err := t.Write(s); err != nil {
		return err
	}
	_, err := io.WriteString(s, planSummary(counts))
	return err
}

// planSummary returns the last line of a plan, which names what it does not have either.
func planSummary(counts map[string]int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Plan: %d to attach, %d to detach, %d unchanged", counts["to attach"], counts["to detach"], counts["unchanged"])
	for _, outcome := range []string{outcomeRefused, outcomeSkipped} {
		if n := counts[outcome]; n > 0 {
			fmt.Fprintf(&text, ", %d %s", n, outcome)
		}
	}
	return text.String() + ". Nothing was changed.\n"
}
