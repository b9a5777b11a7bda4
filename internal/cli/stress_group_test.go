package cli

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lsapi/internal/stress"
)

// loadOf returns the report of a load with a number of responses.
func loadOf(responses int) stress.Report {
	return stress.Report{StartedAt: time.Now(), Steps: []stress.Step{{Statuses: map[string]int{"200": responses - 1, "503": 1}}}}
}

// counted returns minutes with a number of requests.
func counted(requests int64) []stress.Minute {
	return []stress.Minute{{Requests: requests - 1}, {ELB5XX: 1}}
}

func TestGroupMetricsAreReadUntilTheyCountTheLoad(t *testing.T) {
	failure := errors.New("throttled")
	for name, test := range map[string]struct {
		delay, interrupted time.Duration
		read               func(after time.Duration) ([]stress.Minute, error)
		want               int64
		err                error
		took               time.Duration
	}{
		"at once":          {5 * time.Minute, 0, func(time.Duration) ([]stress.Minute, error) { return counted(100), nil }, 100, nil, 0},
		"without a delay":  {0, 0, func(time.Duration) ([]stress.Minute, error) { return counted(2), nil }, 2, nil, 0},
		"late":             {5 * time.Minute, 0, after(time.Minute, counted(100)), 100, nil, time.Minute},
		"never":            {5 * time.Minute, 0, after(time.Hour, nil), 0, nil, 5 * time.Minute},
		"failing at first": {5 * time.Minute, 0, failingUntil(20*time.Second, failure), 100, nil, 30 * time.Second},
		"failing":          {5 * time.Minute, 0, failingUntil(time.Hour, failure), 0, failure, 5 * time.Minute},
		"interrupted":      {5 * time.Minute, 40 * time.Second, after(35*time.Second, counted(3)), 3, nil, 40 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.interrupted > 0 {
					time.AfterFunc(test.interrupted, cancel)
				}
				began := time.Now()
				g := &groupMetrics{name: "web", loadBalancer: "web-alb", delay: test.delay, minutes: func(ctx context.Context, since time.Time) ([]stress.Minute, error) {
					if ctx.Err() != nil || !since.Equal(began) {
						t.Errorf("the read is of %v, %v", since, ctx.Err())
					}
					return test.read(time.Since(began))
				}}
				group, err := g.complete(ctx, loadOf(100))
				if !errors.Is(err, test.err) || time.Since(began) != test.took {
					t.Errorf("it is %+v, %v after %v", group, err, time.Since(began))
				}
				if err == nil && (group.Counted() != test.want || group.Name != "web" || group.LoadBalancer != "web-alb") {
					t.Errorf("it is %+v", group)
				}
			})
		})
	}
}

// after returns the minutes after a delay, and none before.
func after(delay time.Duration, minutes []stress.Minute) func(time.Duration) ([]stress.Minute, error) {
	return func(passed time.Duration) ([]stress.Minute, error) {
		if passed < delay {
			return nil, nil
		}
		return minutes, nil
	}
}

func failingUntil(end time.Duration, failure error) func(time.Duration) ([]stress.Minute, error) {
	return func(passed time.Duration) ([]stress.Minute, error) {
		if passed < end {
			return nil, failure
		}
		return counted(100), nil
	}
}
