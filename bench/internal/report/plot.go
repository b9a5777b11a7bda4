package report

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The plots, by the names of their files and of their gnuplot scripts.
const (
	LatencyOverLoad = "latency-over-load"
	CostOverFleet   = "cost-over-fleet"
	RequestRates    = "requests-per-second"
	CallsOverReads  = "aws-calls-over-readers"
)

//go:embed plots
var plots embed.FS

// draw writes an SVG file for each plot with curves.
func (r *Report) draw(ctx context.Context, folder string) error {
	var problems []error
	for _, plot := range []string{LatencyOverLoad, CostOverFleet, RequestRates, CallsOverReads} {
		if curves := r.curves(plot); len(curves) > 0 {
			problems = append(problems, drawPlot(ctx, plot, curves, filepath.Join(folder, plot+".svg")))
		}
	}
	return errors.Join(problems...)
}

// drawPlot runs gnuplot.
func drawPlot(ctx context.Context, plot string, curves []Curve, path string) error {
	script, err := plots.ReadFile("plots/" + plot + ".gnuplot")
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "gnuplot")
	command.Stdin = strings.NewReader(plotData(curves, path) + string(script))
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Run(); err != nil {
		return fmt.Errorf("draw %s: %w\n%s", path, err, said.Bytes())
	}
	return nil
}

// plotData returns the start of a script: the variables path, caption and series, and the data
// block $curves with the i-th series at index i.
func plotData(curves []Curve, path string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "path = %s\ncaption = %s\nseries = %d\n$curves << END\n", strconv.Quote(path), strconv.Quote(curves[0].Caption), len(curves))
	for _, c := range curves {
		// The header is the series' name for every column after the first.
		fmt.Fprintln(&b, strings.Join(slices.Repeat([]string{strconv.Quote(c.Series)}, len(c.Columns)), " "))
		for _, point := range c.Points {
			for _, x := range point {
				fmt.Fprintf(&b, "%g ", x)
			}
			fmt.Fprintln(&b)
		}
		fmt.Fprint(&b, "\n\n")
	}
	b.WriteString("END\n")
	return b.String()
}
