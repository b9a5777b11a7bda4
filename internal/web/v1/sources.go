package v1

import (
	"context"
	"time"

	"lsapi"
)

// Record is the record of changes. Errors are *lsapi.Error; other errors are defects,
// unless they are the context's. CodeUnavailable: the record cannot be read now.
type Record interface {
	// Change returns the change with the id, or CodeNotFound.
	Change(ctx context.Context, id string) (lsapi.Change, error)
	// Changes returns the changes that pass the filter, newest first, and fewer than its
	// limit only if there are no more.
	Changes(ctx context.Context, f lsapi.ChangeFilter) ([]lsapi.Change, error)
	// MembersAt returns the membership of a pool at a time, now for the zero time.
	// CodeNotFound: the record begins later. lsapi.ErrFuture: the time is in the future.
	MembersAt(ctx context.Context, pool lsapi.PoolID, at time.Time) (lsapi.MembershipAt, error)
}

// Fleet shows pools and instances, and waits for members. Errors are *lsapi.Error; other
// errors are defects, unless they are the context's.
type Fleet interface {
	// Pools returns a page of the pools that pass the filter.
	Pools(ctx context.Context, filter lsapi.FleetFilter) (lsapi.PoolsPage, error)
	// Pool returns a pool, or CodeNotFound. If fresh is set, its members and their health
	// are read after the call.
	Pool(ctx context.Context, pool lsapi.PoolID, fresh bool) (lsapi.PoolDetail, error)
	// Guard returns what the guards of a pool allow now, or CodeNotFound. If fresh is set,
	// its members and their health are read after the call.
	Guard(ctx context.Context, pool lsapi.PoolID, fresh bool) (lsapi.PoolGuard, error)
	// Members returns the members of a pool, or CodeNotFound, and when their read began.
	// If fresh is set, that is after the call.
	Members(ctx context.Context, pool lsapi.PoolID, fresh bool) ([]lsapi.Member, time.Time, error)
	// Member returns a member, or one that drains, or CodeNotFound. If fresh is set, it is
	// read after the call.
	Member(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, fresh bool) (lsapi.MemberDetail, error)
	// Instance returns an instance with its memberships, or CodeNotFound. If fresh is set,
	// the memberships that could not be read after the call are Unread.
	Instance(ctx context.Context, instanceID string, fresh bool) (lsapi.InstanceDetail, error)
	// Version grows with each change of a membership by lsapi, before its caller is answered.
	Version() uint64
	// Await waits until a member meets the condition. CodeWaitTimeout: the context
	// ended first. CodeConflict: the instance is terminated. Both come with its last known
	// state. CodeNotFound: it cannot meet the condition.
	Await(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, condition lsapi.WaitCondition) (lsapi.MemberDetail, error)
	// AwaitReporting is Await, and calls report with each state of the member on the way.
	AwaitReporting(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, condition lsapi.WaitCondition,
		report func(lsapi.MemberDetail)) (lsapi.MemberDetail, error)
}

// Exists returns CodeNotFound for a pool that does not exist.
type Exists func(ctx context.Context, pool lsapi.PoolID) error
