package fleet

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/guard"
)

// Lists returns pools and their members: as AWS lists them, with recent changes applied
// that AWS may not show yet.
type Lists interface {
	// All returns every pool of a kind, or of all kinds if it is empty.
	All(ctx context.Context, kind lsapi.Kind) (lsapi.Listing, error)
	// Pools returns the ids of the pools in memory, sorted. Peek returns one of them; false if
	// its members are unknown. Neither counts as a read, which would keep refreshes from
	// pausing.
	Pools() []lsapi.PoolID
	Peek(pool lsapi.PoolID) (lsapi.Membership, bool)
	// One returns one pool. If fresh is set, the read begins after the call. CodeNotFound:
	// there is no such pool.
	One(ctx context.Context, pool lsapi.PoolID, fresh bool) (lsapi.Membership, error)
	// Memberships returns the pools that an instance is a member of. If fresh is set,
	// those that could not be read after the call are Unread.
	Memberships(ctx context.Context, instanceID string, fresh bool) (lsapi.Memberships, error)
}

// Health returns the health of members. Its polls are shared by all callers.
type Health interface {
	// Follow polls a pool until the Follower is closed.
	Follow(pool lsapi.PoolID) Follower
	// FollowDrain polls a member that was detached at since and drains for at most timeout;
	// zero is unknown. A report without the member shows that it is drained.
	FollowDrain(pool lsapi.PoolID, member lsapi.MemberID, since time.Time, timeout time.Duration) Follower
	// Recent returns a report no older than maxAge, and polls for it if necessary.
	// CodeNotFound: there is no such pool.
	Recent(ctx context.Context, pool lsapi.PoolID, maxAge time.Duration) (lsapi.HealthReport, error)
	// Latest returns the last report, without a poll; false if there is none.
	Latest(pool lsapi.PoolID) (lsapi.HealthReport, bool)
	// Draining returns the members with an instance that may be draining.
	Draining(instanceID string) []lsapi.DrainingMember
}

// Follower returns the health reports of a pool.
type Follower interface {
	// Next returns the first report whose poll began after the given time. It waits while
	// AWS fails. CodeNotFound: the pool does not exist any more. CodeThrottled,
	// CodeUnavailable: this Follower returns no reports.
	Next(ctx context.Context, after time.Time) (lsapi.HealthReport, error)
	Close()
}

// Settings returns the settings of pools that AWS's list does not contain. Calls return
// within seconds.
type Settings interface {
	// Attributes returns the attributes of a pool. CodeNotFound: there is none.
	Attributes(ctx context.Context, pool lsapi.PoolID) (lsapi.Attributes, error)
	// Routes returns the routes to a target group, none to a Classic load balancer.
	// CodeNotFound: there is no such pool.
	Routes(ctx context.Context, pool lsapi.PoolID) ([]lsapi.Route, error)
	TagReader
}

// TagReader reads the tags of pools. Calls return within seconds.
type TagReader interface {
	// Tags returns the tags of each pool. CodeNotFound: one does not exist.
	Tags(ctx context.Context, pools []lsapi.PoolID) (map[lsapi.PoolID]map[string]string, error)
}

// Instances returns EC2's description of instances, by id, without unknown ones.
type Instances interface {
	Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error)
}

// Record is the record of changes.
type Record interface {
	// MemberHistory returns the history of members of a pool, by id; of all recorded ones
	// if ids is nil.
	MemberHistory(ctx context.Context, pool lsapi.PoolID, ids []lsapi.MemberID) (map[lsapi.MemberID]lsapi.MemberHistory, error)
	// LaneState returns the open changes of a pool, those applied within some time, and its
	// detached members.
	LaneState(ctx context.Context, pool lsapi.PoolID, within time.Duration) (lsapi.LaneState, error)
}

// Guards has the rules of pools.
type Guards interface {
	// Rules returns the rules of a pool. With CodeTagsUnknown, it returns those that do not
	// depend on the pool's tags.
	Rules(ctx context.Context, pool lsapi.PoolID) ([]guard.Rule, error)
	// Known returns the rules of a pool without a call; false if they are not known.
	Known(pool lsapi.PoolID) ([]guard.Rule, bool)
	// Selects reports whether the policy has rules for a pool by its name, apart from
	// defaults.
	Selects(pool lsapi.PoolID) bool
}
