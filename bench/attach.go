package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lsapi/bench/internal/report"
)

const (
	attachClients = 500
	attachSpread  = 50
	attachRuns    = 3
	// attachBound ends the run of the original: at AWS's 4 registrations a second it takes
	// at least two minutes.
	attachBound = 5 * time.Minute
)

// measureAttach measures many clients that attach one instance each, through lsapi and
// through the original.
func measureAttach(ctx context.Context, b *bench, s *report.Section) error {
	clients, spread := attachClients, attachSpread
	if b.quick {
		clients, spread = clients/10, spread/10
	}
	cases := []attachCase{
		toBalancers("to one load balancer", clients, 1),
		toBalancers(fmt.Sprintf("spread over %d", spread), clients, spread),
	}
	cases[0].bound, cases[0].calls = report.AtMost(1), report.AtMost(6)
	slow := slices.Clone(cases)
	for i := range cases {
		for range b.times(attachRuns) {
			if err := cases[i].run(ctx, b, launch{}); err != nil {
				return err
			}
		}
	}
	// In parallel: each has an AWS of its own, and mostly waits for its tokens.
	err := together(slow, func(c *attachCase) error { return c.run(ctx, b, launch{original: true}) })
	if err != nil {
		return err
	}
	for i, c := range cases {
		s.Add(c.rows(slow[i])...)
	}
	return nil
}

// attachCase is a way to distribute the instances.
type attachCase struct {
	name         string
	clients      int
	fleet        string // of the emulator
	warm         string // a path to read before
	client       func(s *service, i int) attacher
	action       string // of the calls that are counted
	bound, calls *report.Aim

	runs []attachRun
}

// toBalancers attaches the instances to n Classic load balancers.
func toBalancers(name string, clients, n int) attachCase {
	return attachCase{
		name: name, clients: clients, fleet: fmt.Sprintf("%dx10", n), warm: path(1), action: "RegisterInstancesWithLoadBalancer",
		client: func(s *service, i int) attacher { return newAttacher(s, path(i%n+1), spare(i+1)) },
	}
}

// attachRun is the result of one run.
type attachRun struct {
	seconds float64
	done    float64 // clients with their success
	calls   float64 // of the case's action
	health  float64 // calls of DescribeInstanceHealth
	retries float64
}

// run runs the clients on a service and an AWS of their own.
func (c *attachCase) run(ctx context.Context, b *bench, l launch) error {
	p, err := b.startPairReading(ctx, c.warm, l, "--fleet", c.fleet, "--latency", awsLatency, "--throttle", "aws")
	if err != nil {
		return err
	}
	defer p.stop()
	all := make([]attacher, c.clients)
	for i := range all {
		all[i] = c.client(p.service, i)
	}
	if err := together(all, func(a *attacher) error { return a.connect(ctx) }); err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, attachBound)
	defer cancel()
	began := time.Now()
	err = together(all, func(a *attacher) error { return a.change(bounded) })
	run := attachRun{seconds: time.Since(began).Seconds()}
	if err != nil && bounded.Err() == nil {
		return err
	}
	for _, a := range all {
		run.retries += float64(a.retries)
		if a.done {
			run.done++
		}
	}
	calls, err := p.aws.calls(ctx)
	run.calls, run.health = float64(calls[c.action]), float64(calls["DescribeInstanceHealth"])
	c.runs = append(c.runs, run)
	return err
}

func (c attachCase) figure(of func(attachRun) float64) report.Figure {
	var runs []float64
	for _, run := range c.runs {
		runs = append(runs, of(run))
	}
	return report.FigureOf(runs...)
}

// rows returns the figures, beside those of the original if there are any.
func (c attachCase) rows(slow attachCase) []report.Row {
	row := func(what, unit string, aim *report.Aim, of func(attachRun) float64) report.Row {
		r := report.Row{Name: c.name + ", " + what, Unit: unit, Figure: c.figure(of), Aim: aim}
		if len(slow.runs) > 0 {
			r.Beside = []report.Yardstick{{Name: originalName, Figure: slow.figure(of)}}
		}
		return r
	}
	took := func(r attachRun) float64 { return r.seconds }
	rows := []report.Row{
		row("clients with their success", "", report.AtLeast(float64(c.clients)), func(r attachRun) float64 { return r.done }),
		row("wall time", "s", c.bound, took),
		row(c.action+" calls", "", c.calls, func(r attachRun) float64 { return r.calls }),
		row("requests tried again after a 503 or 504", "", nil, func(r attachRun) float64 { return r.retries }),
	}
	if len(slow.runs) == 0 {
		return rows
	}
	return append(rows, report.Row{
		Name: c.name + ", the original takes longer", Unit: "x", Aim: report.AtLeast(20),
		Figure: report.FigureOf(slow.figure(took).Median / c.figure(took).Median),
	})
}
