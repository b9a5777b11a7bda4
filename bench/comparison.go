package main

import (
	"context"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

// comparison holds the samples of each contender, by name. The i-th samples are of the
// same round.
type comparison map[string][]sample

// compare measures the contenders in turn, round after round, so that noise affects all of
// them.
func compare(ctx context.Context, contenders []contender, path string, w load.Wrk, rounds int) (comparison, error) {
	all := make(comparison)
	for range rounds {
		for _, c := range contenders {
			taken, err := c.ask(ctx, path, w)
			if err != nil {
				return nil, err
			}
			all[c.name] = append(all[c.name], taken)
		}
	}
	return all, nil
}

func (c comparison) figure(name string, of func(sample) float64) report.Figure {
	var runs []float64
	for _, s := range c[name] {
		runs = append(runs, of(s))
	}
	return report.FigureOf(runs...)
}

// row returns lsapi's figure beside those of the others that have one.
func (c comparison) row(name, unit string, of func(sample) float64) report.Row {
	row := report.Row{Name: name, Unit: unit, Figure: c.figure(lsapiName, of)}
	for _, other := range []string{nginxName, bareName, originalName, commandName, awsName} {
		if f := c.figure(other, of); f.Median > 0 {
			row.Beside = append(row.Beside, report.Yardstick{Name: other, Figure: f})
		}
	}
	return row
}

// rate returns the ratio of lsapi's requests per second to another's, from pairs of the
// same round.
func (c comparison) rate(other string) report.Figure { return c.ratio(lsapiName, other) }

// ratio does the same for any two.
func (c comparison) ratio(one, other string) report.Figure {
	var ratios []float64
	for i, s := range c[one] {
		if i < len(c[other]) {
			ratios = append(ratios, s.perSecond/c[other][i].perSecond)
		}
	}
	return report.FigureOf(ratios...)
}

// rows returns all figures, with a prefix for their names.
func (c comparison) rows(prefix string) []report.Row {
	return []report.Row{
		c.row(prefix+", requests", "1/s", func(s sample) float64 { return s.perSecond }),
		c.row(prefix+", p50", "ms", func(s sample) float64 { return s.p50 }),
		c.row(prefix+", p99", "ms", func(s sample) float64 { return s.p99 }),
		c.row(prefix+", processor time of the server for a request", "µs", func(s sample) float64 { return s.cpu }),
	}
}
