package v1

// The types of events, as of the field "event" of a server-sent event.
const (
	EventAttached = "attached" // a member was added
	EventDetached = "detached" // a member was removed
	EventHealth   = "health"   // the health of an instance changed
	EventDrained  = "drained"  // the load balancer is done with a detached instance
	EventDrift    = "drift"    // a membership changed outside of lsapi
	EventDropped  = "dropped"  // the reader was too slow: what comes next is lost to this stream, not to one that resumes
)

// Event is a recorded event. Its position in the record is the id of the server-sent
// event: a client that resumes with it as Last-Event-ID misses and repeats nothing.
type Event struct {
	Type         string  `json:"type" enum:"attached,detached,health,drained,drift,dropped" example:"attached"`
	At           Time    `json:"at" format:"date-time" doc:"When it was recorded" example:"2026-11-24T18:54:00.217Z"`
	LoadBalancer string  `json:"loadBalancer,omitempty" example:"default-elb"`
	InstanceID   string  `json:"instanceId,omitempty" example:"i-5203422c"`
	Change       *Change `json:"change,omitempty" doc:"Of attached, detached and drift: the change. That of a drift is external"`
	Health       *Health `json:"health,omitempty" doc:"Of health: what the load balancer says now"`
	Draining     bool    `json:"draining,omitempty" doc:"Of health: whether the instance is being drained"`
	Detail       string  `json:"detail,omitempty" doc:"Of dropped: why, and what to do"`
}
