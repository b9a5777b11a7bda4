package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

const ageEvery = time.Second

// groupAges samples the ages of a fleet of target groups, the first of which are read. It
// looks at answers and metrics that do not count as reads of a group.
type groupAges struct {
	service     *service
	groups, hot int
	began       time.Time

	swept chan struct{} // closed when every group was read

	// Written by sample.
	ages   []time.Duration // of the members of the groups that are read
	read   int             // groups that were read
	sweep  time.Duration   // from began until every group was read; 0 before
	oldest float64         // of the other groups, in seconds, after that
}

func newGroupAges(s *service, groups, hot int) *groupAges {
	return &groupAges{service: s, groups: groups, hot: hot, began: time.Now(), swept: make(chan struct{})}
}

// sample samples until the context ends.
func (a *groupAges) sample(ctx context.Context) error {
	for ctx.Err() == nil {
		err := a.sampleRead(ctx)
		if err == nil {
			err = a.sampleOthers(ctx)
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		_ = pause(ctx, ageEvery) // the loop ends with the context
	}
	return nil
}

// sampleRead adds the ages of the groups that are read. Two groups share their instances.
func (a *groupAges) sampleRead(ctx context.Context) error {
	for n := 1; n <= a.hot; n += 2 {
		said, err := a.service.get(ctx, instancePath(n, 1))
		if err != nil {
			return err
		}
		now := time.Now()
		var instance struct{ Memberships []struct{ AsOf time.Time } }
		if err := json.Unmarshal(said.body, &instance); err != nil {
			return err
		}
		if len(instance.Memberships) != 2 {
			return fmt.Errorf("%s: %d memberships, want 2: %s", instancePath(n, 1), len(instance.Memberships), said.body)
		}
		for _, m := range instance.Memberships {
			a.ages = append(a.ages, now.Sub(m.AsOf))
		}
	}
	return nil
}

// sampleOthers notes the end of the first sweep, and the oldest members after it.
func (a *groupAges) sampleOthers(ctx context.Context) error {
	read, err := a.service.metric(ctx, listsMetric)
	if err != nil {
		return err
	}
	a.read = int(read)
	if a.sweep == 0 {
		if a.read == a.groups {
			a.sweep = time.Since(a.began)
			close(a.swept)
		}
		return nil
	}
	oldest, err := a.service.metric(ctx, coldAgeMetric)
	a.oldest = max(a.oldest, oldest)
	return err
}

// awaitSweep waits until every group was read, for as long as sweepBound at most.
func (a *groupAges) awaitSweep(ctx context.Context) error {
	bounded, cancel := context.WithDeadline(ctx, a.began.Add(sweepBound))
	defer cancel()
	select {
	case <-a.swept:
	case <-bounded.Done():
	}
	return ctx.Err()
}

// addTo adds the rows, after the end of sample.
func (a *groupAges) addTo(s *report.Section) {
	ages := load.NewLatencies(a.ages)
	age := func(share float64) report.Figure { return report.FigureOf(ages.Percentile(share).Seconds()) }
	s.Add(
		report.Row{Name: "groups that are read, age of their members, median", Unit: "s", Figure: age(0.5), Aim: report.AtMost(5)},
		report.Row{Name: "groups that are read, age of their members, p99", Unit: "s", Figure: age(0.99), Aim: report.AtMost(15), Note: fmt.Sprintf("%d samples", len(ages))},
	)
	const sweep, oldest = "from the start until every group was read", "the oldest members of the other groups, afterwards"
	if a.sweep == 0 {
		err := fmt.Errorf("%d of %d groups were read within %v", a.read, a.groups, sweepBound)
		s.Fail(sweep, err)
		s.Fail(oldest, err)
		return
	}
	s.Add(
		report.Row{Name: sweep, Unit: "s", Figure: report.FigureOf(a.sweep.Seconds()), Aim: report.AtMost(sweepAim)},
		report.Row{Name: oldest, Unit: "s", Figure: report.FigureOf(a.oldest), Aim: report.AtMost(sweepAim), Note: fmt.Sprintf("within %.0f s", afterSweep.Seconds())},
	)
}
