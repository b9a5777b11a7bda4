package fleet

import (
	"context"
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"

	"lsapi"
	"lsapi/internal/background"
)

// history is the history of the instances of a load balancer.
type history struct {
	byID        map[string]lsapi.MemberHistory
	unavailable bool
}

func (h history) of(instanceID string) lsapi.MemberHistory {
	if h.unavailable {
		return lsapi.MemberHistory{Unavailable: true}
	}
	return h.byID[instanceID]
}

// historyReader reads the record with bounded concurrency. Equal reads that wait for a
// slot are one. A read that has begun is not joined: its result may be older than the call.
type historyReader struct {
	record Record
	group  *background.Group
	slots  *semaphore.Weighted

	mu      sync.Mutex
	waiting map[string]*historyRead
}

// historyRead is a read, with its result once done is closed.
type historyRead struct {
	done  chan struct{}
	found map[string]lsapi.MemberHistory
	err   error
}

func newHistoryReader(group *background.Group, record Record, reads int) *historyReader {
	return &historyReader{
		record: record, group: group, slots: semaphore.NewWeighted(int64(max(1, reads))),
		waiting: make(map[string]*historyRead),
	}
}

func (r *historyReader) read(ctx context.Context, name string, ids []string) (map[string]lsapi.MemberHistory, error) {
	read := r.join(name, ids)
	select {
	case <-read.done:
		return read.found, read.err
	case <-ctx.Done():
		return nil, &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
	}
}

// join returns a read that has not begun.
func (r *historyReader) join(name string, ids []string) *historyRead {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := name + " " + strings.Join(ids, " ")
	read := r.waiting[key]
	if read == nil {
		read = &historyRead{done: make(chan struct{})}
		r.waiting[key] = read
		started := r.group.Go(func(ctx context.Context) {
			defer close(read.done)
			read.found, read.err = r.run(ctx, key, name, ids)
		})
		if !started {
			delete(r.waiting, key)
			read.err = errStopping()
			close(read.done)
		}
	}
	return read
}

// run waits for a slot and reads the record.
func (r *historyReader) run(ctx context.Context, key, name string, ids []string) (map[string]lsapi.MemberHistory, error) {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	err := r.slots.Acquire(ctx, 1)
	r.mu.Lock()
	delete(r.waiting, key)
	r.mu.Unlock()
	if err != nil {
		return nil, &lsapi.Error{Code: lsapi.CodeTimeout, Err: err}
	}
	defer r.slots.Release(1)
	return r.record.MemberHistory(ctx, name, ids)
}
