package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

const (
	mostReplicas    = 3
	replicasLast    = time.Minute
	replicasRate    = 50 // reads a second, in turn through all
	replicasFleet   = 100
	takeoverLanes   = 10
	takeoverRuns    = 3
	takeoverPoll    = 20 * time.Millisecond
	takeoverBound   = time.Minute
	busyBeforeDeath = time.Second
)

// measureReplicas measures several services on one record.
func measureReplicas(ctx context.Context, b *bench, s *report.Section) error {
	const takeovers, reads = "takeover from a replica that was killed", "calls to AWS of replicas"
	server, err := b.startPostgres(ctx)
	if err != nil {
		s.Fail(takeovers, err)
		s.Fail(reads, err)
		return nil
	}
	defer server.stop()
	if err := b.takeOver(ctx, s, server); err != nil {
		s.Fail(takeovers, err)
	}
	if err := b.countReplicasCalls(ctx, s, server); err != nil {
		s.Fail(reads, err)
	}
	return nil
}

// replicas are services that share an AWS and a record.
type replicas struct {
	aws *emulated
	all []*service
}

// startReplicas starts n replicas, of which the first lists the region.
func (b *bench) startReplicas(ctx context.Context, server *postgres, n int) (*replicas, error) {
	url, err := server.database(ctx)
	if err != nil {
		return nil, err
	}
	aws, err := b.startEmulator(ctx, "--fleet", fmt.Sprintf("%dx20", replicasFleet))
	if err != nil {
		return nil, err
	}
	r := &replicas{aws: aws}
	for i := range n {
		served, err := b.startService(ctx, launch{aws: aws.url, record: url, args: unlimited()})
		if err != nil {
			r.stop()
			return nil, err
		}
		r.all = append(r.all, served)
		if err := served.warm(ctx, path(1)); err != nil {
			r.stop()
			return nil, err
		}
		if i == 0 {
			if err := served.untilMetric(ctx, refreshMetric, 1); err != nil {
				r.stop()
				return nil, err
			}
		}
		if err := served.untilMetric(ctx, listsMetric, replicasFleet); err != nil {
			r.stop()
			return nil, err
		}
	}
	return r, nil
}

func (r *replicas) stop() {
	for _, served := range r.all {
		served.Stop()
	}
	r.aws.Stop()
}

// takeOver kills the replica that lists the region and has active lanes, and measures the
// time until the other does both.
func (b *bench) takeOver(ctx context.Context, s *report.Section, server *postgres) error {
	var lanes, refreshes []float64
	for range b.times(takeoverRuns) {
		lane, refresh, err := b.takeOverOnce(ctx, server)
		if err != nil {
			return err
		}
		lanes, refreshes = append(lanes, lane.Seconds()), append(refreshes, refresh.Seconds())
	}
	s.Add(
		report.Row{
			Name: "from the kill of a replica to a change in the last of its lanes through another", Unit: "s",
			Figure: report.FigureOf(lanes...), Aim: report.AtMost(5), Note: fmt.Sprintf("%d lanes", takeoverLanes),
		},
		report.Row{
			Name: "from the kill of the replica that lists the region to the next listing", Unit: "s",
			Figure: report.FigureOf(refreshes...), Aim: report.AtMost(5),
		},
	)
	return nil
}

func (b *bench) takeOverOnce(ctx context.Context, server *postgres) (lane, refresh time.Duration, err error) {
	r, err := b.startReplicas(ctx, server, 2)
	if err != nil {
		return 0, 0, err
	}
	defer r.stop()
	first, second := r.all[0], r.all[1]
	busy, err := newChangers(ctx, first, takeoverLanes, takeoverLanes)
	if err != nil {
		return 0, 0, err
	}
	ended := make(chan error, 1)
	go func() {
		// It fails when the replica ends.
		ended <- together(busy, func(c *changer) error { return c.repeat(ctx, takeoverBound, 0) })
	}()
	if err := pause(ctx, busyBeforeDeath); err != nil {
		return 0, 0, err
	}
	listed, err := second.metric(ctx, refreshMetric)
	if err != nil {
		return 0, 0, err
	}
	first.Kill()
	killed := time.Now()
	if err := <-ended; err == nil {
		return 0, 0, errors.New("no change was under way when the replica was killed")
	}
	next := make(chan error, 1)
	go func() {
		next <- second.untilListed(ctx, listed+1)
		refresh = time.Since(killed)
	}()
	err = takeLanes(ctx, second)
	lane = time.Since(killed)
	if problem := <-next; err == nil {
		err = problem
	}
	return lane, refresh, err
}

// takeLanes changes each load balancer through a replica.
func takeLanes(ctx context.Context, s *service) error {
	all := make([]attacher, takeoverLanes)
	for i := range all {
		all[i] = newAttacher(s, path(i+1), spare(takeoverLanes+i+1))
	}
	bounded, cancel := context.WithTimeout(ctx, takeoverBound)
	defer cancel()
	return together(all, func(a *attacher) error { return a.change(bounded) })
}

// untilListed reads until the service has listed the region n times. Without reads it
// would not list.
func (s *service) untilListed(ctx context.Context, often float64) error {
	bounded, cancel := context.WithTimeout(ctx, takeoverBound)
	defer cancel()
	for {
		if err := s.warm(bounded, path(1)); err != nil {
			return err
		}
		got, err := s.metric(bounded, refreshMetric)
		if err != nil || got >= often {
			return err
		}
		if err := pause(bounded, takeoverPoll); err != nil {
			return fmt.Errorf("wait for a listing: %w", err)
		}
	}
}

// countReplicasCalls counts AWS calls while one, two and three replicas serve the same
// reads.
func (b *bench) countReplicasCalls(ctx context.Context, s *report.Section, server *postgres) error {
	lasts := b.lasting(replicasLast)
	var alone float64
	for n := 1; n <= mostReplicas; n++ {
		calls, err := b.callsOf(ctx, server, n, lasts)
		if err != nil {
			return err
		}
		row := report.Row{
			Name:   fmt.Sprintf("reads of AWS while %d serve", n),
			Figure: report.FigureOf(calls), Note: fmt.Sprintf("in %v, at %d reads/s", lasts, replicasRate),
		}
		if n == 1 {
			alone = calls
		} else {
			row.Aim = report.AtMost(alone + 2) // one more listing may fit in
		}
		s.Add(row)
	}
	return nil
}

func (b *bench) callsOf(ctx context.Context, server *postgres, n int, lasts time.Duration) (float64, error) {
	r, err := b.startReplicas(ctx, server, n)
	if err != nil {
		return 0, err
	}
	defer r.stop()
	if err := r.aws.resetCalls(ctx); err != nil {
		return 0, err
	}
	said := load.Steady{
		PerSecond: replicasRate, Duration: lasts, Connections: 2 * n,
		Request: func(ctx context.Context, i int) (*http.Request, error) {
			return r.all[i%n].request(ctx, http.MethodGet, path(i%replicasFleet+1), "")
		},
	}.Run(ctx)
	if said.Failed() > 0 {
		return 0, fmt.Errorf("%d of %d reads failed", said.Failed(), said.Failed()+said.Succeeded())
	}
	calls, err := r.aws.calls(ctx)
	var sum int
	for _, count := range calls {
		sum += count
	}
	return float64(sum), err
}
