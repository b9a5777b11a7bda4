// Package lsapi has the types of lsapi, an HTTP API and CLI to register EC2 instances with
// AWS load balancers.
//
// It imports only the standard library, and every package may import it. The use case is
// in internal/membership, AWS in internal/cloud, and HTTP in internal/web.
package lsapi

import (
	"time"
)

// Action is the action of a change.
type Action string

// The actions. AWS calls them register and deregister.
const (
	Attach Action = "attach"
	Detach Action = "detach"
)

// Actor is an authenticated user.
type Actor struct {
	Name string
}

// Request is a request for one change of a pool's membership.
type Request struct {
	// ID is the HTTP request's id (X-Request-Id).
	ID string
	// ChangeID is the id of the change, a UUID of version 7, and At the time in it.
	ChangeID string
	At       time.Time
	Actor    Actor
	Action   Action
	Pool     PoolID
	Member   MemberID
	// Reason is the caller's reason. It may be empty.
	Reason string
	Terms
	// Undoes is the id of the change that this one undoes: it is made only if that is the
	// last change of the member. Empty: none.
	Undoes string
}

// Terms are the conditions of a request for changes.
type Terms struct {
	// IfMatch are versions (MembershipVersion) of which the pool's members must have one
	// when the request is decided, or AnyVersion. Nil: no condition.
	IfMatch []string
	// Override is the reason to override the guards of the pool. Empty: they hold.
	Override string
	// MinInService is a guard of the request's own, beside those of the pool: a detach is
	// refused, with CodeMinInService, if it would leave fewer members in service. Override
	// does not override it. 0: none.
	MinInService int
	// DryRun decides the request, and neither sends nor records it.
	DryRun bool
}

// Result is the result of a Request, successful or not.
type Result struct {
	// Member is the id that the request's member has in its pool: one without a port has the
	// target group's.
	Member MemberID
	// Instance is EC2's description of the instance, if the request succeeded.
	Instance Instance
	// Guard is the guard that refused the change, or that it overrode. Nil: none.
	Guard *GuardVerdict
	// Recorded is whether the change is on record, so that its id names it whatever
	// crashes.
	Recorded bool
	// Pending is whether the change may still be made and recorded, although its
	// caller has left.
	Pending bool
}
