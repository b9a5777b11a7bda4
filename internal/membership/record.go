package membership

import (
	"context"
	"time"

	"lsapi"
)

// Record is where the lanes write what they are about to do, and what came of
// it. What it fails is told by CodeUnavailable, and then nothing was recorded; by
// CodeTimeout when that is not known; by CodeInternal when it contradicts what was
// recorded before.
type Record interface {
	// Acquire acquires the load balancer's lease, waiting for whoever has it.
	Acquire(ctx context.Context, loadBalancer string) (lsapi.Lease, error)
	// Renew returns the lease with as much time left as Acquire's has. ErrLeaseLost is
	// in the chain of its error when somebody else has taken it.
	Renew(ctx context.Context, lease lsapi.Lease) (lsapi.Lease, error)
	// Give releases the lease.
	Release(ctx context.Context, lease lsapi.Lease) error
	// Append adds events to the load balancer's log, all or none. They are durable
	// when it returns. ErrLeaseLost is in the chain of its error when somebody else
	// has taken the lease since.
	// It returns the end of the log.
	Append(ctx context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.Head, error)
	// LaneState returns what the record knows of the load balancer; of the changes
	// that were applied, those of the last while, and those that the last look at the
	// membership may not have shown, because it was less than that later.
	LaneState(ctx context.Context, loadBalancer string, within time.Duration) (lsapi.LaneState, error)
	// Applied returns the changes of the load balancer that lsapi applied in the last
	// while, in whatever process, oldest first.
	Applied(ctx context.Context, loadBalancer string, within time.Duration) ([]lsapi.AppliedChange, error)
	// Unfinished names the load balancers that have changes without outcome, or
	// changes that were applied in the last while.
	Unfinished(ctx context.Context, within time.Duration) ([]string, error)
}

// forgetful is the Record when there is none: it takes everything and knows
// nothing.
type forgetful struct{}

func (forgetful) Acquire(_ context.Context, loadBalancer string) (lsapi.Lease, error) {
	return lsapi.Lease{LoadBalancer: loadBalancer}, nil
}
func (forgetful) Renew(_ context.Context, lease lsapi.Lease) (lsapi.Lease, error) { return lease, nil }
func (forgetful) Release(context.Context, lsapi.Lease) error                      { return nil }
func (forgetful) Append(context.Context, lsapi.Lease, []lsapi.Event) (lsapi.Head, error) {
	return lsapi.Head{}, nil
}
func (forgetful) LaneState(context.Context, string, time.Duration) (lsapi.LaneState, error) {
	return lsapi.LaneState{}, nil
}
func (forgetful) Applied(context.Context, string, time.Duration) ([]lsapi.AppliedChange, error) {
	return nil, nil
}
func (forgetful) Unfinished(context.Context, time.Duration) ([]string, error) { return nil, nil }
