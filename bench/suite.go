package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"lsapi/bench/internal/report"
)

// measureSuite measures make test in a fresh clone, without a build cache, with
// downloaded modules.
func measureSuite(ctx context.Context, b *bench, s *report.Section) error {
	clone := b.file("clone")
	if out, err := exec.CommandContext(ctx, "git", "clone", "--quiet", ".", clone).CombinedOutput(); err != nil {
		return fmt.Errorf("git clone: %w\n%s", err, out)
	}
	test := exec.CommandContext(ctx, "make", "test")
	test.Dir = clone
	test.Env = append(os.Environ(), "GOCACHE="+b.file("cache"))
	test.Cancel = func() error { return test.Process.Signal(os.Interrupt) }
	test.WaitDelay = time.Minute
	began := time.Now()
	if out, err := test.CombinedOutput(); err != nil {
		return fmt.Errorf("make test: %w\n%s", err, out)
	}
	s.Add(report.Row{
		Name: "make test, nothing built yet", Unit: "min", Aim: report.AtMost(6),
		Figure: report.FigureOf(time.Since(began).Minutes()), Note: "of the last commit",
	})
	return nil
}
