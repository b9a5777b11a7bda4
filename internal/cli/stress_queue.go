package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"lsapi/internal/cloud/metrics"
	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/stress"
)

const (
	queueTimeout = 5 * time.Second  // of one read of the surge queue
	metricsEvery = 30 * time.Second // the interval of CloudWatch requests
)

// surgeQueue returns a reader of a load balancer's surge queue, after a first successful
// read. An emulator at the endpoint returns exact values, CloudWatch per-minute values some
// minutes later.
func surgeQueue(ctx context.Context, loadBalancer, endpoint string) (func(context.Context) (stress.Queue, error), error) {
	var read func(context.Context) (stress.Queue, error)
	emulated, err := isEmulator(ctx, endpoint)
	if err != nil {
		return nil, fmt.Errorf("the surge queue of %s cannot be read: %w", loadBalancer, err)
	}
	if emulated {
		read = func(ctx context.Context) (stress.Queue, error) { return emulatedQueue(ctx, endpoint, loadBalancer) }
	} else {
		queue, err := metrics.NewSurgeQueue(ctx, loadBalancer, endpoint)
		if err != nil {
			return nil, err
		}
		read = rateLimited(func(ctx context.Context) (stress.Queue, error) {
			waiting, spilled, err := queue.Read(ctx)
			return stress.Queue{Waiting: waiting, Spillover: spilled}, err
		})
	}
	bounded := func(ctx context.Context) (stress.Queue, error) {
		ctx, cancel := context.WithTimeout(ctx, queueTimeout)
		defer cancel()
		return read(ctx)
	}
	if _, err := bounded(ctx); err != nil {
		return nil, fmt.Errorf("the surge queue of %s cannot be read: %w", loadBalancer, err)
	}
	return bounded, nil
}

// rateLimited calls read at most every metricsEvery, and returns the last result in
// between: CloudWatch's values are per minute, and each request costs money. It is not safe
// for concurrent use.
func rateLimited(read func(context.Context) (stress.Queue, error)) func(context.Context) (stress.Queue, error) {
	var (
		last stress.Queue
		err  error
		at   time.Time
	)
	return func(ctx context.Context) (stress.Queue, error) {
		if at.IsZero() || time.Since(at) >= metricsEvery {
			at = time.Now()
			last, err = read(ctx)
		}
		return last, err
	}
}

// isEmulator reports whether an emulator runs at the endpoint, with or without a data
// plane.
func isEmulator(ctx context.Context, endpoint string) (bool, error) {
	if endpoint == "" {
		return false, nil
	}
	got, err := fetchFrom(ctx, endpoint, "/_emulator/state")
	return err == nil && got.code == "", err
}

func emulatedQueue(ctx context.Context, endpoint, loadBalancer string) (stress.Queue, error) {
	all, err := emulatedTraffic(ctx, endpoint)
	if err != nil {
		return stress.Queue{}, err
	}
	for _, t := range all {
		if t.LoadBalancer == loadBalancer {
			return stress.Queue{Waiting: t.Waiting, Spillover: int64(min(t.Spilled, math.MaxInt64))}, nil
		}
	}
	return stress.Queue{}, fmt.Errorf("there is no load balancer named %s", loadBalancer)
}

// emulatedTraffic returns the traffic of an emulator. It fails without a data plane.
func emulatedTraffic(ctx context.Context, endpoint string) ([]dataplane.Traffic, error) {
	got, err := fetchFrom(ctx, endpoint, "/_emulator/traffic")
	if err != nil {
		return nil, err
	}
	if got.code != "" {
		var problem struct{ Error string }
		_ = json.Unmarshal(got.body, &problem) // optional
		return nil, fmt.Errorf("the emulator responds %s: %s", got.status, problem.Error)
	}
	var all []dataplane.Traffic
	if err := json.Unmarshal(got.body, &all); err != nil {
		return nil, fmt.Errorf("read the emulator's response: %w", err)
	}
	return all, nil
}

func fetchFrom(ctx context.Context, endpoint, path string) (*response, error) {
	return fetch(ctx, http.DefaultTransport, queueTimeout, strings.TrimRight(endpoint, "/")+path)
}
