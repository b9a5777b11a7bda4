package lsapi

import "time"

// Delivery is how far notifications have been sent to a receiver.
type Delivery struct {
	// Position is behind the last event that was sent, or that is not for the receiver.
	Position Position
	// At is the time of that event.
	At time.Time
	// OutUntil is the time until which members that were out of service for too long have
	// been reported.
	OutUntil time.Time
}

// OutMember is a member that has been out of service since a time, or a former one that
// lsapi detached and that has not come back.
type OutMember struct {
	Pool   PoolID
	Member MemberID
	// Since is when its health was recorded, or when its detach was requested.
	Since time.Time
	// Health is its recorded health. Nil for a former member.
	Health *MemberHealth
	// Detach is the change that detached it. Nil for a member.
	Detach *Change
}
