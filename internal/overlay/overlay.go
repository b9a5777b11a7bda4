// Package overlay holds the changes that were applied recently, and lays them over what
// AWS returns: AWS's reads may lag behind them.
package overlay

import (
	"context"
	"math"
	"sync"
	"time"

	"lsapi"
)

const (
	// DefaultWindow is AWS's assumed lag: it documents no read after write between
	// registrations and descriptions, and people report lags of seconds.
	DefaultWindow = 10 * time.Second

	// readTime is the time between the beginning of a read and its use, at most. Lanes
	// and the snapshot bound their reads by it.
	readTime = 10 * time.Second

	// maxPools bounds the pools with changes by other processes: above AWS's quotas.
	maxPools = 3100

	// retryAfter is the advice to a client whose read or change is rejected.
	retryAfter = time.Second
)

// Record returns the changes that lsapi applied, in whatever process.
type Record interface {
	// Applied returns the changes of the pool that were applied within the period
	// before now, oldest first.
	Applied(ctx context.Context, pool lsapi.PoolID, within time.Duration) ([]lsapi.AppliedChange, error)
	// Unfinished returns the pools that have changes without outcome, or changes that
	// were applied within the period.
	Unfinished(ctx context.Context, within time.Duration) ([]lsapi.PoolID, error)
}

// Listener is called with the changes of a pool that an Overlay holds now.
type Listener func(pool lsapi.PoolID, attached, detached []lsapi.Member)

// Overlay holds the recent changes of all pools. It is safe for concurrent use.
type Overlay struct {
	window, keep time.Duration

	mu        sync.Mutex
	recent    map[lsapi.PoolID]changes // by pool
	listeners []Listener
}

// New returns an empty Overlay. AWS's reads lag behind its writes by at most the window.
func New(window time.Duration) *Overlay {
	return &Overlay{window: window, keep: window + readTime, recent: make(map[lsapi.PoolID]changes)}
}

// Window returns AWS's assumed lag.
func (o *Overlay) Window() time.Duration { return o.window }

// Keep returns the age until which a read may miss a change.
func (o *Overlay) Keep() time.Duration { return o.keep }

// Listen adds a listener. Apply and Learn call it before they return.
func (o *Overlay) Listen(l Listener) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.listeners = append(o.listeners, l)
}

// Over returns ids, the members that a read from began on returned, with the recent
// changes laid over them.
func (o *Overlay) Over(pool lsapi.PoolID, ids []lsapi.MemberID, began time.Time) []lsapi.MemberID {
	o.mu.Lock()
	defer o.mu.Unlock()
	recent := o.of(pool)
	if recent == nil {
		return ids
	}
	return recent.over(ids, began.Add(-o.window))
}

// Apply adds changes that this process applied just now.
func (o *Overlay) Apply(pool lsapi.PoolID, applied []lsapi.AppliedChange) {
	_ = o.add(pool, applied, math.MaxInt, changes.put)
}

// Learn adds changes of a pool that are on record as applied, oldest first. A change
// older than one that it holds alters nothing.
//
// Errors: CodeThrottled when the Overlay is full; then reads may miss the changes.
func (o *Overlay) Learn(pool lsapi.PoolID, applied []lsapi.AppliedChange) error {
	return o.add(pool, applied, maxPools, changes.lay)
}

// add adds changes by put, which reports whether a change is news, and calls the
// listeners. most bounds the pools.
func (o *Overlay) add(pool lsapi.PoolID, applied []lsapi.AppliedChange, most int, put func(changes, lsapi.AppliedChange) bool) error {
	if len(applied) == 0 {
		return nil
	}
	o.mu.Lock()
	recent := o.of(pool)
	if recent == nil {
		if o.isFull(most) {
			o.mu.Unlock()
			return errFull()
		}
		recent = make(changes)
		o.recent[pool] = recent
	}
	var news []lsapi.AppliedChange
	for _, c := range applied {
		if put(recent, c) {
			news = append(news, c)
		}
	}
	listeners := o.listeners
	o.mu.Unlock()
	notify(listeners, pool, news)
	return nil
}

// CatchUp adds the changes of the pool that are on record as applied until now.
//
// Errors: those of the record, and of Learn.
func (o *Overlay) CatchUp(ctx context.Context, record Record, pool lsapi.PoolID) error {
	applied, err := record.Applied(ctx, pool, o.keep)
	if err != nil {
		return err
	}
	return o.Learn(pool, applied)
}

// Restore adds the recent changes of all pools, after a restart.
//
// Errors: those of CatchUp.
func (o *Overlay) Restore(ctx context.Context, record Record) error {
	pools, err := record.Unfinished(ctx, o.keep)
	if err != nil {
		return err
	}
	for _, pool := range pools {
		if err := o.CatchUp(ctx, record, pool); err != nil {
			return err
		}
	}
	return nil
}

// Invalidate voids the changes before then: the pool did not exist then, and a new one
// under its name has none of them.
func (o *Overlay) Invalidate(pool lsapi.PoolID, then time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.recent[pool].invalidate(then)
}

// LastChange returns when the last change of the instance was applied; the zero time if
// no read can miss it any more.
func (o *Overlay) LastChange(pool lsapi.PoolID, member lsapi.MemberID) time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	if last := o.of(pool)[member]; !last.void {
		return last.at
	}
	return time.Time{}
}

// Holds reports whether a read may miss a change of the pool.
func (o *Overlay) Holds(pool lsapi.PoolID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.of(pool) != nil
}

// of returns the pool's changes without the expired ones; nil if there are none. The
// caller holds mu.
func (o *Overlay) of(pool lsapi.PoolID) changes {
	recent := o.recent[pool]
	recent.prune(time.Now().Add(-o.keep))
	if len(recent) == 0 {
		delete(o.recent, pool)
		return nil
	}
	return recent
}

// isFull reports whether so many pools have changes. The caller holds mu.
func (o *Overlay) isFull(most int) bool {
	if len(o.recent) < most {
		return false
	}
	for pool := range o.recent {
		o.of(pool)
	}
	return len(o.recent) >= most
}

// notify calls the listeners. Of several changes of an instance they get the last.
func notify(listeners []Listener, pool lsapi.PoolID, applied []lsapi.AppliedChange) {
	if len(applied) == 0 {
		return
	}
	last := make(map[lsapi.MemberID]int, len(applied))
	for i, c := range applied {
		last[c.Member] = i
	}
	var attached, detached []lsapi.Member
	for i, c := range applied {
		switch {
		case last[c.Member] != i:
		case c.Action == lsapi.Attach:
			attached = append(attached, lsapi.Member{ID: c.Member, Instance: c.Instance})
		default:
			detached = append(detached, lsapi.Member{ID: c.Member, Instance: c.Instance})
		}
	}
	for _, listener := range listeners {
		listener(pool, attached, detached)
	}
}

func errFull() error {
	return &lsapi.Error{Code: lsapi.CodeThrottled, Message: "too many pools are being changed at once; nothing was changed", RetryAfter: retryAfter}
}
