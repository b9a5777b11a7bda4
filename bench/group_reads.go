package main

import (
	"context"
	"fmt"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

const (
	groupReadFleet   = 100 // load balancers, and as many target groups
	groupReadClients = 64
	groupReadRounds  = 5
	groupReadLasts   = 4 * time.Second
)

// measureGroupReads compares reads of one service, in turn: the list of a load balancer,
// the members of a target group, and one of its instances.
func measureGroupReads(ctx context.Context, b *bench, s *report.Section) error {
	fleet := fmt.Sprintf("%[1]dx20+tg:%[1]dx20", groupReadFleet)
	p, err := b.startPairReading(ctx, path(1), launch{args: unlimited()}, "--fleet", fleet)
	if err != nil {
		return err
	}
	defer p.stop()
	if err := p.service.untilMetric(ctx, listsMetric, 2*groupReadFleet); err != nil {
		return err
	}
	paths := []string{path(1), groupPath(1) + "/members", instancePath(1, 1)}
	all := make(comparison)
	for range b.times(groupReadRounds) {
		for _, path := range paths {
			taken, err := contender{path, p.service}.ask(ctx, path, load.Wrk{Threads: 2, Connections: groupReadClients, Duration: b.lasting(groupReadLasts)})
			if err != nil {
				return err
			}
			all[path] = append(all[path], taken)
		}
	}
	for _, path := range paths {
		s.Add(
			report.Row{Name: "GET " + path, Unit: "1/s", Figure: all.figure(path, func(s sample) float64 { return s.perSecond })},
			report.Row{Name: "GET " + path + ", processor time of the server for a request", Unit: "µs", Figure: all.figure(path, func(s sample) float64 { return s.cpu })},
		)
	}
	for _, path := range paths[1:] {
		cpu := func(s sample) float64 { return s.cpu }
		s.Add(report.Row{
			Name: "GET " + path + ", of the list's rate", Unit: "x", Figure: all.ratio(path, paths[0]), Aim: report.AtLeast(0.9),
			Note: fmt.Sprintf("with %.2f of its processor time", all.figure(path, cpu).Median/all.figure(paths[0], cpu).Median),
		})
	}
	return addManyInstances(ctx, b, p, s)
}

// addManyInstances adds the rate of reads of all instances of the target groups in turn.
func addManyInstances(ctx context.Context, b *bench, p pair, s *report.Section) error {
	var paths []string
	for n := 1; n <= groupReadFleet; n += 2 {
		for nth := 1; nth <= 20; nth++ {
			paths = append(paths, instancePath(n, nth))
		}
	}
	taken, err := contender{"instances", p.service}.ask(ctx, "/", load.Wrk{Threads: 2, Connections: groupReadClients, Duration: b.lasting(groupReadLasts), Paths: paths})
	if err != nil {
		return err
	}
	s.Add(report.Row{
		Name: fmt.Sprintf("GET /v1/instances/{id}, %d instances in turn", len(paths)), Unit: "1/s", Figure: report.FigureOf(taken.perSecond),
		Note: fmt.Sprintf("p99 %.3g ms", taken.p99),
	})
	return nil
}
