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
	// Release releases the lease.
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
	// Health returns the health of the load balancer's members, and of those that it is
	// draining, as it is on record, by instance.
	Health(ctx context.Context, loadBalancer string) (map[string]lsapi.MemberHealth, error)
	// Unfinished names the load balancers that have changes without outcome, or
	// changes that were applied in the last while.
	Unfinished(ctx context.Context, within time.Duration) ([]string, error)
}
