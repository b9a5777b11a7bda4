package v1

// The types of events, as of the field "event" of a server-sent event.
const (
	EventAttached = "attached" // a member was added
	EventDetached = "detached" // a member was removed
	EventRefused  = "refused"  // a guard refused a change
	EventHealth   = "health"   // the health of a member changed
	EventDrained  = "drained"  // a detached member has finished its requests in flight
	EventDrift    = "drift"    // a membership changed outside of lsapi
	EventDropped  = "dropped"  // the reader was too slow: what comes next is lost to this stream, not to one that resumes
)

// Event is a recorded event. Its position in the record is the id of the server-sent
// event: a client that resumes with it as Last-Event-ID misses and repeats nothing.
type Event struct {
	Type     string  `json:"type" enum:"attached,detached,refused,health,drained,drift,dropped" example:"attached"`
	At       Time    `json:"at" format:"date-time" doc:"When it was recorded" example:"2026-11-24T18:54:00.217Z"`
	Pool     string  `json:"pool,omitempty" example:"elb/default-elb"`
	Member   string  `json:"member,omitempty" doc:"Its id in the pool" example:"i-5203422c"`
	Change   *Change `json:"change,omitempty" doc:"Of attached, detached, refused and drift: the change, with the guard that it overrode or that refused it. That of a drift is external"`
	Health   *Health `json:"health,omitempty" doc:"Of health: the health now"`
	Draining bool    `json:"draining,omitempty" doc:"Of health: whether the member is draining"`
	Detail   string  `json:"detail,omitempty" doc:"Of dropped: why, and what to do"`
}
