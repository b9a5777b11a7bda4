package health_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/health"
)

// board is what the replicas of a test share: claims and published reports.
type board struct {
	mu      sync.Mutex
	claimed map[lsapi.PoolID]time.Time
	last    map[lsapi.PoolID]published
	version int64
	changed chan struct{}
	away    bool
	shift   time.Duration // by which the times of what is published are wrong
	claims  int
}

type published struct {
	report  lsapi.HealthReport
	version int64
}

func (b *board) replica() *replica {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last == nil {
		b.claimed, b.last, b.changed = make(map[lsapi.PoolID]time.Time), make(map[lsapi.PoolID]published), make(chan struct{})
	}
	return &replica{b}
}

// replica is one of them.
type replica struct{ *board }

func (r *replica) ClaimHealth(_ context.Context, pool lsapi.PoolID, every time.Duration) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		return false, errors.New("away")
	}
	r.claims++
	if last, ok := r.claimed[pool]; ok && time.Since(last) < every {
		return false, nil
	}
	r.claimed[pool] = time.Now()
	return true, nil
}

func (r *replica) PublishHealth(_ context.Context, report lsapi.HealthReport) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		return errors.New("away")
	}
	r.version++
	report.AsOf = report.AsOf.Add(r.shift).Truncate(time.Microsecond).Add(time.Microsecond) // as databases round
	report.Members, report.Absent = slices.Clone(report.Members), slices.Clone(report.Absent)
	r.last[report.Pool] = published{report, r.version}
	close(r.changed)
	r.changed = make(chan struct{})
	return nil
}

func (r *replica) PublishedHealth(ctx context.Context, after int64) ([]lsapi.HealthReport, int64, error) {
	for {
		r.mu.Lock()
		var news []lsapi.HealthReport
		for _, p := range slices.Collect(maps.Values(r.last)) {
			if p.version > after {
				news = append(news, p.report)
			}
		}
		version, changed, away := r.version, r.changed, r.away
		r.mu.Unlock()
		switch {
		case away:
			return nil, 0, errors.New("away")
		case len(news) > 0:
			return news, version, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, 0, &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
		}
	}
}

// inReplicas runs a test with so many replicas of one region.
func inReplicas(t *testing.T, aws health.AWS, n int, test func(t *testing.T, b *board, pollers []*health.Poller)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := new(board)
		var pollers []*health.Poller
		for range n {
			p := newPoller(health.Options{AWS: aws, Replicas: b.replica()})
			p.Start()
			pollers = append(pollers, p)
		}
		test(t, b, pollers)
		for _, p := range pollers {
			if err := p.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestFollowersOnSeveralReplicasShareOnePoll(t *testing.T) {
	aws := newFakeAWS(web)
	inReplicas(t, aws, 3, func(t *testing.T, b *board, pollers []*health.Poller) {
		began := time.Now()
		var done sync.WaitGroup
		for i := range 30 {
			done.Go(func() {
				time.Sleep(time.Duration(i) * 70 * time.Millisecond) // they come one by one
				f := pollers[i%3].Follow(web)
				defer f.Close()
				for after := time.Now(); after.Sub(began) < 30*time.Second; {
					asked := time.Now()
					report := next(t, f, after)
					if report.AsOf.Sub(after) < time.Millisecond {
						t.Error("a report comes twice")
					}
					after = report.AsOf
					if took := time.Since(asked); took > 3*time.Second {
						t.Errorf("a report took %v", took)
					}
				}
			})
		}
		done.Wait()
		if polls := aws.polls(web); polls > 16 || polls < 15 {
			t.Errorf("in 30 s there were %d polls", polls)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.claims > 3*3*16 {
			t.Errorf("they asked for the right to poll %d times", b.claims)
		}
	})
}

func TestAnotherReplicaPollsAfterOneIsGone(t *testing.T) {
	aws := newFakeAWS(web)
	inReplicas(t, aws, 2, func(t *testing.T, _ *board, pollers []*health.Poller) {
		leaving, staying := pollers[0].Follow(web), pollers[1].Follow(web)
		defer leaving.Close()
		defer staying.Close()
		next(t, staying, time.Now())
		if err := pollers[0].Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			asked := time.Now()
			next(t, staying, asked)
			if took := time.Since(asked); took > 3*time.Second {
				t.Errorf("a report took %v", took)
			}
		}
	})
}

func TestReportOfAnotherReplicaAnswersRecent(t *testing.T) {
	aws := newFakeAWS(web)
	inReplicas(t, aws, 2, func(t *testing.T, _ *board, pollers []*health.Poller) {
		f := pollers[0].Follow(web)
		report := next(t, f, time.Now().Add(-1))
		f.Close()
		time.Sleep(time.Second)
		got, err := pollers[1].Recent(t.Context(), web, 10*time.Second)
		if err != nil || got.AsOf.Sub(report.AsOf) > time.Millisecond || aws.polls(web) != 1 {
			t.Errorf("got one from %v later, %v, by %d polls", got.AsOf.Sub(report.AsOf), err, aws.polls(web))
		}
	})
}

func TestUnreachableReplicasDelayNoPoll(t *testing.T) {
	aws := newFakeAWS(web)
	inReplicas(t, aws, 2, func(t *testing.T, b *board, pollers []*health.Poller) {
		b.mu.Lock()
		b.away = true
		b.mu.Unlock()
		for _, p := range pollers {
			f := follow(t, p, web)
			for range 5 {
				asked := time.Now()
				next(t, f, asked)
				if took := time.Since(asked); took > 3*time.Second {
					t.Errorf("a report took %v", took)
				}
			}
		}
		time.Sleep(time.Minute)
		b.mu.Lock()
		b.away = false
		b.mu.Unlock()
		time.Sleep(10 * time.Second)
		aws.forget()
		time.Sleep(time.Minute)
		if polls := aws.polls(web); polls < 29 || polls > 31 {
			t.Errorf("when they can be reached again, they poll %d times a minute", polls)
		}
	})
}

// The replica that polls may lack a drain follower of another replica.
func TestDrainUnknownToThePollingReplicaIsLookedUp(t *testing.T) {
	aws := newFakeAWS(web)
	aws.detach(two, true)
	inReplicas(t, aws, 2, func(t *testing.T, b *board, pollers []*health.Poller) {
		polling := pollers[0].Follow(web)
		defer polling.Close()
		next(t, polling, time.Now())
		b.mu.Lock()
		b.claimed[web] = time.Now().Add(time.Hour) // from now on by neither
		b.mu.Unlock()
		drain := pollers[1].FollowDrain(web, two, time.Now().Add(-time.Hour), 0)
		defer drain.Close()
		after := time.Now()
		publish := func() {
			report := lsapi.HealthReport{Pool: web, Members: []lsapi.MemberHealth{{Member: one, State: lsapi.InService}}, AsOf: time.Now()}
			if err := b.replica().PublishHealth(t.Context(), report); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Second)
		publish()
		if report := next(t, drain, after); said(report, two) != "draining" || said(report, one) != "InService" {
			t.Errorf("the report is %+v", report)
		}
		aws.detach(two, false)
		time.Sleep(time.Second)
		after = time.Now()
		publish()
		if report := next(t, drain, after.Add(-1)); said(report, two) != "silent" {
			t.Errorf("when it is drained, the report is %+v", report)
		}
		if asked := aws.asked(web, true); len(asked) != 2 {
			t.Errorf("it was asked about %d times", len(asked))
		}
	})
}

func TestReplicaWithAClockAheadDoesNotStopTheOthers(t *testing.T) {
	aws := newFakeAWS(web)
	inReplicas(t, aws, 2, func(t *testing.T, b *board, pollers []*health.Poller) {
		b.shift = time.Hour
		for _, p := range pollers {
			f := follow(t, p, web)
			for range 5 {
				asked := time.Now()
				report := next(t, f, asked)
				if took := time.Since(asked); took > 5*time.Second || report.AsOf.After(time.Now()) {
					t.Errorf("a report of %v from now took %v", time.Until(report.AsOf), took)
				}
			}
		}
	})
}

func TestFollowerIsNotDelayedByARefusedWatcherClaim(t *testing.T) {
	for name, want := range map[string]func(t *testing.T, p *health.Poller){
		"follow": func(t *testing.T, p *health.Poller) {
			f := follow(t, p, web)
			next(t, f, time.Now().Add(-1))
		},
		"ask": func(t *testing.T, p *health.Poller) {
			if _, err := p.Recent(t.Context(), web, time.Minute); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			aws := newFakeAWS(web)
			inReplicas(t, aws, 1, func(t *testing.T, b *board, pollers []*health.Poller) {
				b.mu.Lock()
				b.claimed[web] = time.Now() // by one that has died since
				b.mu.Unlock()
				defer pollers[0].Watch(web)()
				time.Sleep(2 * time.Second)
				began := time.Now()
				want(t, pollers[0])
				if took := time.Since(began); took != aws.latency {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}
