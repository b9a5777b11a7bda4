package snapshot_test

import (
	"context"
	"iter"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/snapshot"
)

// slowCall is how long a call takes that is not what it would be on a machine with
// time for the test.
const slowCall = 100 * time.Millisecond

// timedAWS keeps when calls were slow. Then lists may be older, as when AWS fails.
type timedAWS struct {
	snapshot.AWS

	mu   sync.Mutex
	slow [][2]time.Time // from, to
}

// note keeps a call that began then and ends now, if it was slow.
func (a *timedAWS) note(began time.Time) {
	now := time.Now()
	if now.Sub(began) < slowCall {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.slow = append(a.slow, [2]time.Time{began, now})
}

// wasSlow reports whether a call was slow at some time between the two.
func (a *timedAWS) wasSlow(from, to time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, slow := range a.slow {
		if slow[0].Before(to) && slow[1].After(from) {
			return true
		}
	}
	return false
}

func (a *timedAWS) Members(ctx context.Context, pool lsapi.PoolID) (lsapi.PoolRead, error) {
	defer a.note(time.Now())
	return a.AWS.Members(ctx, pool)
}

func (a *timedAWS) Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	defer a.note(time.Now())
	return a.AWS.Instances(ctx, ids)
}

func (a *timedAWS) Pools(ctx context.Context, kind lsapi.Kind) iter.Seq2[[]lsapi.Pool, error] {
	return timed(a, a.AWS.Pools(ctx, kind))
}

func (a *timedAWS) AllInstances(ctx context.Context) iter.Seq2[[]lsapi.Instance, error] {
	return timed(a, a.AWS.AllInstances(ctx))
}

// timed notes how long each page takes.
func timed[T any](a *timedAWS, pages iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		began := time.Now()
		for page, err := range pages {
			a.note(began)
			if !yield(page, err) {
				return
			}
			began = time.Now()
		}
	}
}
