package cli

import "lsapi/internal/cli/term"

// progress shows what happens to several tasks, by their numbers.
type progress interface {
	Show(task int, text string)
	Finish(task int, result term.Cell, succeeded bool)
	End()
}

// newProgress returns the progress of named tasks on stderr: a line for each on a terminal,
// or else a line for each news.
func newProgress(p Process, quiet bool, names []string) progress {
	switch {
	case quiet || len(names) == 0:
		return (*term.Progress)(nil)
	case isCapable(p, p.Stderr):
		return term.NewProgress(p.Stderr, colors(p, p.Stderr), names)
	}
	return term.NewLines(p.Stderr, "lsapi: ", names)
}
