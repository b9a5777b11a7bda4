package main

import (
	"context"
	"os"

	"lsapi/bench/internal/report"
)

// measureSize measures the size of the stripped binary.
func measureSize(_ context.Context, b *bench, s *report.Section) error {
	info, err := os.Stat(b.binary)
	if err != nil {
		return err
	}
	s.Add(report.Row{
		Name: "binary, stripped", Unit: "MiB", Aim: report.AtMost(32),
		Figure: report.FigureOf(report.Mebibytes(info.Size())),
	})
	return nil
}
