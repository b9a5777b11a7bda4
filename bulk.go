package lsapi

import "time"

// Bulk is a request for changes of several members of one pool, which are decided at once.
type Bulk struct {
	// ID is the HTTP request's id (X-Request-Id).
	ID string
	// BulkID is the id of the bulk, a UUID of version 7, and At the time in it. Its changes
	// have ids of their own.
	BulkID string
	At     time.Time
	Actor  Actor
	Pool   PoolID
	// Items are the changes, no member twice. Nil if Desired is set.
	Items []BulkItem
	// Desired requests the changes that lead to a set of members. Nil if Items is set.
	Desired *DesiredMembers
	// Atomic sends none of the changes if one is refused before AWS is called.
	Atomic bool
	// Reason is the caller's reason. It may be empty.
	Reason string
	Terms
}

// BulkItem is a change of a Bulk.
type BulkItem struct {
	Action Action
	Member MemberID
}

// DesiredMembers is the set of members that a pool is to have.
type DesiredMembers struct {
	// Members has no member twice.
	Members []MemberID
	// Additive keeps the members that are not among them.
	Additive bool
}

// BulkResult is the result of a Bulk that was decided.
type BulkResult struct {
	// Results are those of the items, in their order. Of Desired: those of its members in
	// their order, then those of the others that were to be detached, sorted.
	Results []MemberResult
	// Recorded is whether a change of the bulk is on record.
	Recorded bool
	// Pending is whether changes may still be made and recorded, although the caller has
	// left.
	Pending bool
}

// MemberResult is the result of one change of a Bulk.
type MemberResult struct {
	Action Action
	// Member is its id in the pool: one without a port has the target group's.
	Member MemberID
	// ChangeID is the id of the change. Empty if it is not on record.
	ChangeID string
	// Outcome is OutcomeConflict if the membership already was as requested. In a dry run,
	// OutcomeApplied is that of a change which would be sent. Empty: it was not decided, and
	// Err is the reason.
	Outcome Outcome
	// Instance is EC2's description of the instance, if the change was applied.
	Instance Instance
	// Guard is the guard that refused the change, or that it overrode. Nil: none.
	Guard *GuardVerdict
	// Err is why it was not applied. Nil for OutcomeApplied and OutcomeConflict.
	Err *Error
}
