package main

import (
	"context"
	"fmt"
	"time"

	"lsapi/bench/internal/report"
)

// aimedFleet is the size with aims. Larger fleets may be refreshed less often.
const aimedFleet = 1000

// measureScale measures cost over the size of the fleet.
func measureScale(ctx context.Context, b *bench, s *report.Section) error {
	sizes := []int{10, 100, aimedFleet, 5000}
	if b.quick {
		sizes = sizes[:2]
	}
	curve := report.Curve{Plot: report.CostOverFleet, Series: lsapiName, Columns: []string{
		"load balancers", "resident MiB", "% of a core", "p99 ms", "s to a named list", "s to all lists",
	}}
	for _, size := range sizes {
		cost, err := b.measureFleet(ctx, size)
		if err != nil {
			s.Fail(fmt.Sprintf("%d load balancers", size), err)
			continue
		}
		s.Add(cost.rows()...)
		curve.Points = append(curve.Points, cost.point())
	}
	s.Curves = append(s.Curves, curve)
	return nil
}

// fleetCost is the cost of a fleet.
type fleetCost struct {
	size      int
	named     time.Duration // from the first request to its response
	all       time.Duration // from the same to the last list in memory
	resident  float64       // MiB, the maximum
	refreshes float64       // in percent of a core
	p99       time.Duration
	failed    int
	bound     float64 // maximum age of a list in seconds, by lsapi's metric
	throttled float64 // attempts that AWS throttled
}

func (c *fleetCost) point() []float64 {
	return []float64{float64(c.size), c.resident, c.refreshes, report.Milliseconds(c.p99), c.named.Seconds(), c.all.Seconds()}
}

func (c *fleetCost) rows() []report.Row {
	aim := func(x float64) *report.Aim {
		if c.size != aimedFleet {
			return nil
		}
		return report.AtMost(x)
	}
	row := func(what, unit string, figure float64, aim *report.Aim, note string) report.Row {
		return report.Row{
			Name: fmt.Sprintf("%d load balancers, %s", c.size, what), Unit: unit,
			Figure: report.FigureOf(figure), Aim: aim, Note: note,
		}
	}
	return []report.Row{
		row("resident memory", "MiB", c.resident, aim(200), "the most that was seen"),
		row("processor time of refreshes", "% of a core", c.refreshes, aim(25), fmt.Sprintf("the bound of freshness is %.3g s", c.bound)),
		row("p99 at 5,000 requests/s", "ms", report.Milliseconds(c.p99), aim(2), fmt.Sprintf("%d failed", c.failed)),
		row("cold, until a named list is there", "s", c.named.Seconds(), nil, ""),
		row("cold, until all lists are there", "s", c.all.Seconds(), nil, ""),
		row("attempts that AWS throttled", "", c.throttled, report.AtMost(0), ""),
	}
}
