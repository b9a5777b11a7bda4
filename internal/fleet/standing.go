package fleet

import (
	"context"
	"strings"
	"sync"

	"lsapi"
)

// standings are what the record knows of the instances of a load balancer.
type standings struct {
	known       map[string]lsapi.MemberHistory
	unavailable bool
}

// of returns what the record knows of one.
func (s standings) of(instanceID string) lsapi.MemberHistory {
	if s.unavailable {
		return lsapi.MemberHistory{Unavailable: true}
	}
	return s.known[instanceID]
}

// standingsOf asks the record for instances, or for all when there are no ids.
func (f *Fleet) standingsOf(ctx, caller context.Context, name string, ids ...string) standings {
	known, err := f.readStandings(ctx, name, ids)
	f.note(caller, f.troubles.record, err)
	return standings{known: known, unavailable: err != nil}
}

// questions to the record that wait for their turn. Whoever wants to know the same
// joins one, but not one that has begun: what it is told may be older than its own
// question.
type questions struct {
	mu      sync.Mutex
	waiting map[string]*question
}

// question is one, with its answer once done is closed.
type question struct {
	done  chan struct{}
	known map[string]lsapi.MemberHistory
	err   error
}

func (f *Fleet) readStandings(ctx context.Context, name string, ids []string) (map[string]lsapi.MemberHistory, error) {
	q := f.question(name, ids)
	select {
	case <-q.done:
		return q.known, q.err
	case <-ctx.Done():
		return nil, &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
	}
}

// question returns one that has not begun.
func (f *Fleet) question(name string, ids []string) *question {
	f.questions.mu.Lock()
	defer f.questions.mu.Unlock()
	key := name + " " + strings.Join(ids, " ")
	q := f.questions.waiting[key]
	if q == nil {
		q = &question{done: make(chan struct{})}
		f.questions.waiting[key] = q
		started := f.work.Go(func(ctx context.Context) {
			defer close(q.done)
			q.known, q.err = f.askRecord(ctx, key, name, ids)
		})
		if !started {
			delete(f.questions.waiting, key)
			q.err = errStopping()
			close(q.done)
		}
	}
	return q
}

// askRecord waits for its turn, and asks.
func (f *Fleet) askRecord(ctx context.Context, key, name string, ids []string) (map[string]lsapi.MemberHistory, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := f.reads.Acquire(ctx, 1)
	f.questions.mu.Lock()
	delete(f.questions.waiting, key)
	f.questions.mu.Unlock()
	if err != nil {
		return nil, &lsapi.Error{Code: lsapi.CodeTimeout, Err: err}
	}
	defer f.reads.Release(1)
	return f.o.Record.MemberHistory(ctx, name, ids)
}
