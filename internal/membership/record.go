package membership

import (
	"context"
	"time"

	"lsapi"
)

// Record stores the changes of pools, each in a log of its own. CodeUnavailable: nothing
// was recorded. CodeTimeout: that is not known. CodeInternal: it contradicts what was
// recorded before.
type Record interface {
	// Acquire acquires the pool's lease, and waits while another process has it.
	Acquire(ctx context.Context, pool lsapi.PoolID) (lsapi.Lease, error)
	// Renew returns the lease with as much time left as Acquire's has. ErrLeaseLost is in
	// the chain of its error if another process has acquired it.
	Renew(ctx context.Context, lease lsapi.Lease) (lsapi.Lease, error)
	// Release releases the lease.
	Release(ctx context.Context, lease lsapi.Lease) error
	// Append adds events to the pool's log, all or none, and returns the end of the log.
	// They are durable then. ErrLeaseLost is in the chain of its error if another process
	// has acquired the lease since.
	Append(ctx context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.ChainEnd, error)
	// LaneState returns what a lane needs of the pool. Its applied changes are those
	// within the period before now, and those within the period before the last read of
	// the membership, which may not have shown them.
	LaneState(ctx context.Context, pool lsapi.PoolID, within time.Duration) (lsapi.LaneState, error)
	// Health returns the health on record of the pool's members, and of those that it
	// is draining, by instance.
	Health(ctx context.Context, pool lsapi.PoolID) (map[lsapi.MemberID]lsapi.MemberHealth, error)
	// Later returns the changes of a change's member in its pool that may have had an effect
	// after it, external ones included, oldest first; at most 10. CodeNotFound: the change is
	// not on record. CodeSuperseded: there are none, but the pool was deleted and made again
	// since.
	Later(ctx context.Context, change lsapi.Change) ([]lsapi.Change, error)
	// Unfinished returns the pools that have changes without outcome, or changes that
	// were applied within the period before now.
	Unfinished(ctx context.Context, within time.Duration) ([]lsapi.PoolID, error)
}
