package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"lsapi/bench/internal/load"
)

const (
	refreshLasts = 30 * time.Second // for the fleet with aims; a third of it for others
	lightRate    = 50               // reads a second, so that refreshes continue
	heavyRate    = 5000
	heavyLasts   = 15 * time.Second // likewise
	heavyClients = 64
)

// measureFleet measures a fleet from its cold start on. AWS takes 50 ms a call and
// throttles, so that the budget limits the cold start.
func (b *bench) measureFleet(ctx context.Context, size int) (*fleetCost, error) {
	p, err := b.startPair(ctx, launch{}, "--fleet", fmt.Sprintf("%dx100", size), "--latency", awsLatency, "--throttle", "aws")
	if err != nil {
		return nil, err
	}
	defer p.stop()
	cost := &fleetCost{size: size}
	share := time.Duration(3)
	if size == aimedFleet {
		share = 1
	}
	for _, measure := range []func(context.Context, *service) error{
		cost.fill,
		func(ctx context.Context, s *service) error {
			return cost.refresh(ctx, s, b.lasting(refreshLasts/share))
		},
		func(ctx context.Context, s *service) error { return cost.serve(ctx, s, b.lasting(heavyLasts/share)) },
		cost.ask,
	} {
		if err := measure(ctx, p.service); err != nil {
			return nil, err
		}
	}
	return cost, nil
}

// fill measures the time from empty memory to one list, and to all lists.
func (c *fleetCost) fill(ctx context.Context, s *service) error {
	began := time.Now()
	if err := s.warm(ctx, path(c.size/2)); err != nil {
		return fmt.Errorf("the first list: %w", err)
	}
	c.named = time.Since(began)
	err := s.untilMetric(ctx, listsMetric, float64(c.size))
	c.all = time.Since(began)
	if err != nil {
		return err
	}
	// Recording each first membership happens once and is not part of a refresh.
	return s.untilMetric(ctx, appendsMetric, float64(c.size))
}

// refresh measures the cost of refreshes under few reads.
func (c *fleetCost) refresh(ctx context.Context, s *service, lasts time.Duration) error {
	sampling, stop := context.WithCancel(ctx)
	sampled := make(chan error, 1)
	go func() {
		var err error
		c.resident, err = s.peakMemory(sampling)
		sampled <- err
	}()
	began := time.Now()
	spent, err := s.usageOver(func() error {
		c.reads(lightRate, 1, lasts, s).Run(ctx)
		return ctx.Err()
	})
	took := time.Since(began)
	stop()
	if err := <-sampled; err != nil {
		return err
	}
	c.refreshes = 100 * spent.CPU.Seconds() / took.Seconds()
	return err
}

// serve measures many reads during refreshes.
func (c *fleetCost) serve(ctx context.Context, s *service, lasts time.Duration) error {
	result := c.reads(heavyRate, heavyClients, lasts, s).Run(ctx)
	c.p99, c.failed = result.Latencies.Percentile(0.99), result.Failed()
	return ctx.Err()
}

// ask reads the service's metrics.
func (c *fleetCost) ask(ctx context.Context, s *service) error {
	var err error
	if c.bound, err = s.metric(ctx, boundMetric); err != nil {
		return err
	}
	c.throttled, err = s.metric(ctx, throttlesMetric)
	return err
}

// reads sends reads of all lists in turn.
func (c *fleetCost) reads(rate, connections int, lasts time.Duration, s *service) load.Steady {
	return load.Steady{
		PerSecond: float64(rate), Duration: lasts, Connections: connections,
		Request: func(ctx context.Context, n int) (*http.Request, error) {
			return s.request(ctx, http.MethodGet, path(n%c.size+1), "")
		},
	}
}
