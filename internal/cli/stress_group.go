package cli

import (
	"context"
	"fmt"
	"time"

	"lsapi/internal/cloud/metrics"
	"lsapi/internal/stress"
)

const (
	// metricsDelay bounds the wait for CloudWatch's data of the last minute of a load.
	metricsDelay = 5 * time.Minute
	// delayedEvery is the interval of CloudWatch requests meanwhile.
	delayedEvery = 15 * time.Second
)

// groupMetrics reads CloudWatch's metrics of a target group.
type groupMetrics struct {
	name, loadBalancer string
	minutes            func(ctx context.Context, since time.Time) ([]stress.Minute, error)
	delay              time.Duration // at most, of the data
}

// openGroup returns the metrics of a target group, after a first successful read.
func openGroup(ctx context.Context, name, endpoint string) (*groupMetrics, error) {
	g, err := findGroup(ctx, name, endpoint)
	if err == nil {
		_, err = g.read(ctx, time.Now())
	}
	if err != nil {
		return nil, fmt.Errorf("the metrics of %s cannot be read: %w", name, err)
	}
	return g, nil
}

func findGroup(ctx context.Context, name, endpoint string) (*groupMetrics, error) {
	emulated, err := isEmulator(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	g := &groupMetrics{name: name, delay: metricsDelay}
	if emulated { // its data are not late, but empty without a data plane
		g.delay = 0
		if _, err := emulatedTraffic(ctx, endpoint); err != nil {
			return nil, err
		}
	}
	lookUp, cancel := context.WithTimeout(ctx, queueTimeout)
	defer cancel()
	source, err := metrics.NewTargetGroup(lookUp, name, endpoint)
	if err != nil {
		return nil, err
	}
	g.loadBalancer = source.LoadBalancer()
	g.minutes = func(ctx context.Context, since time.Time) ([]stress.Minute, error) {
		found, err := source.Minutes(ctx, since)
		minutes := make([]stress.Minute, len(found))
		for i, m := range found {
			minutes[i] = stress.Minute(m)
		}
		return minutes, err
	}
	return g, nil
}

// read reads the minutes since a time, even if ctx has ended.
func (g *groupMetrics) read(ctx context.Context, since time.Time) (*stress.TargetGroup, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queueTimeout)
	defer cancel()
	minutes, err := g.minutes(ctx, since)
	if err != nil {
		return nil, err
	}
	return &stress.TargetGroup{Name: g.name, LoadBalancer: g.loadBalancer, Minutes: minutes}, nil
}

// complete reads the minutes of a load until they count all of its responses. It returns
// the last read when the data are late by more than delay, or when ctx ends.
func (g *groupMetrics) complete(ctx context.Context, load stress.Report) (*stress.TargetGroup, error) {
	ctx, cancel := context.WithTimeout(ctx, g.delay)
	defer cancel()
	again := time.NewTicker(delayedEvery)
	defer again.Stop()
	for {
		last := ctx.Err() != nil
		group, err := g.read(ctx, load.StartedAt)
		if last || err == nil && group.Counted() >= load.Responses() {
			return group, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
		}
	}
}
