package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"lsapi/internal/cloud"
	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/stress"
)

const (
	// queueTime is how long it may take to be told of a surge queue.
	queueTime = 5 * time.Second
	// metricsEvery is how often CloudWatch is asked.
	metricsEvery = 30 * time.Second
)

// surgeQueue returns who tells of a load balancer's surge queue, once it has: the
// emulator, which knows it to the request, if that is what is at the endpoint, else
// CloudWatch, which knows it by the minute, some minutes later.
func surgeQueue(ctx context.Context, loadBalancer, endpoint string) (func(context.Context) (stress.Queue, error), error) {
	var tell func(context.Context) (stress.Queue, error)
	emulated := false
	if endpoint != "" {
		var err error
		if emulated, err = isEmulator(ctx, endpoint); err != nil {
			return nil, fmt.Errorf("the surge queue of %s cannot be read: %w", loadBalancer, err)
		}
	}
	if emulated {
		tell = func(ctx context.Context) (stress.Queue, error) { return emulatedQueue(ctx, endpoint, loadBalancer) }
	} else {
		queue, err := cloud.NewSurgeQueue(ctx, loadBalancer, endpoint)
		if err != nil {
			return nil, err
		}
		tell = seldom(func(ctx context.Context) (stress.Queue, error) {
			waiting, spilled, err := queue.Look(ctx)
			return stress.Queue{Waiting: waiting, Spillover: spilled}, err
		})
	}
	bounded := func(ctx context.Context) (stress.Queue, error) {
		ctx, cancel := context.WithTimeout(ctx, queueTime)
		defer cancel()
		return tell(ctx)
	}
	if _, err := bounded(ctx); err != nil {
		return nil, fmt.Errorf("the surge queue of %s cannot be read: %w", loadBalancer, err)
	}
	return bounded, nil
}

// seldom asks as often as there can be an answer that differs, and gives the last one in
// between: CloudWatch's data are of minutes, and each question is paid for. One goroutine
// asks at a time.
func seldom(ask func(context.Context) (stress.Queue, error)) func(context.Context) (stress.Queue, error) {
	var (
		last  stress.Queue
		err   error
		asked time.Time
	)
	return func(ctx context.Context) (stress.Queue, error) {
		if asked.IsZero() || time.Since(asked) >= metricsEvery {
			asked = time.Now()
			last, err = ask(ctx)
		}
		return last, err
	}
}

// isEmulator reports whether an emulator is at the endpoint, whether or not its load
// balancers carry traffic.
func isEmulator(ctx context.Context, endpoint string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, queueTime)
	defer cancel()
	response, err := get(ctx, endpoint, "/_emulator/state")
	if err != nil {
		return false, err
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK, nil
}

// emulatedQueue asks the emulator.
func emulatedQueue(ctx context.Context, endpoint, loadBalancer string) (stress.Queue, error) {
	response, err := get(ctx, endpoint, "/_emulator/traffic")
	if err != nil {
		return stress.Queue{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		var problem struct{ Error string }
		_ = json.NewDecoder(response.Body).Decode(&problem) // the status tells, too
		return stress.Queue{}, fmt.Errorf("the emulator answers %s %s", response.Status, problem.Error)
	}
	var all []dataplane.Traffic
	if err := json.NewDecoder(response.Body).Decode(&all); err != nil {
		return stress.Queue{}, fmt.Errorf("read what the emulator answers: %w", err)
	}
	for _, t := range all {
		if t.LoadBalancer == loadBalancer {
			return stress.Queue{Waiting: t.Waiting, Spillover: int64(min(t.Spilled, math.MaxInt64))}, nil
		}
	}
	return stress.Queue{}, fmt.Errorf("there is no load balancer named %s", loadBalancer)
}

func get(ctx context.Context, endpoint, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(endpoint, "/")+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(request)
}
