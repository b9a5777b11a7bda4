package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// Report is a run's figures.
type Report struct {
	Machine Machine `json:"machine"`
	Rows    []Row   `json:"rows"`
}

// Row is one figure.
type Row struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
	// Figure sums up the runs.
	Figure Figure `json:"figure"`
	// AtMost is the aim.
	AtMost float64 `json:"at_most"`
	// Yardstick is the same figure of the least HTTP service, if it has one.
	Yardstick *Figure `json:"yardstick,omitempty"`
}

// Figure sums up the runs of one measurement.
type Figure struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Runs   int     `json:"runs"`
}

func figureOf[T cmp.Ordered](runs []T, number func(T) float64) Figure {
	slices.Sort(runs)
	return Figure{
		Median: number(runs[len(runs)/2]),
		Min:    number(runs[0]),
		Max:    number(runs[len(runs)-1]),
		Runs:   len(runs),
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func mebibytes(bytes int64) float64        { return float64(bytes) / (1 << 20) }

func (r Row) verdict() string {
	if r.Figure.Median <= r.AtMost {
		return "met"
	}
	return "MISSED"
}

func (r Row) ratio() string {
	if r.Yardstick == nil || r.Yardstick.Median == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f x %.4g", r.Figure.Median/r.Yardstick.Median, r.Yardstick.Median)
}

func (r Report) print(out io.Writer) error {
	fmt.Fprintln(out, r.Machine)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "figure\tunit\tmedian\tmin\tmax\truns\taim\t\tbare net/http")
	for _, row := range r.Rows {
		fmt.Fprintf(table, "%s\t%s\t%.4g\t%.4g\t%.4g\t%d\t<= %g\t%s\t%s\n", row.Name, row.Unit,
			row.Figure.Median, row.Figure.Min, row.Figure.Max, row.Figure.Runs, row.AtMost, row.verdict(), row.ratio())
	}
	return table.Flush()
}

func (r Report) save(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
