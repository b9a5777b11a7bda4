package membership

import (
	"time"

	"lsapi"
	"lsapi/internal/observe"
)

// report adds what the observation differs from the record in.
func (r *round) report(o observe.Observation, b *recordBatch) {
	r.countLooks()
	if o.Gone {
		r.forget(o.Began) // what was read in the record since
	}
	event, differs := r.difference(&o)
	if !differs {
		r.observed(o)
		return
	}
	b.write(event)
	b.then(pendingAnswer{give: func() { r.observed(o) }})
}

// difference returns the event that explains an observation, if it needs one. An
// observation that is older than the last look proves nothing.
func (r *round) difference(o *observe.Observation) (lsapi.Event, bool) {
	if !o.Began.After(r.recorded.lookedAt) || o.Gone && !r.recorded.known {
		return lsapi.Event{}, false
	}
	if !o.Gone {
		o.Members = r.service.overlay.Over(r.loadBalancer, o.IDs, o.Began)
	}
	return r.recorded.unexplained(setOf(o.Members), o.Began, o.Began)
}

// countLooks moves the time of the last look on to that of the last read that found what
// is on record.
func (r *round) countLooks() {
	r.recorded.looked(r.service.inbox.LastRead(r.loadBalancer, r.recorded.head))
}

// observed reports that an observation is on record.
func (r *round) observed(o observe.Observation) {
	r.service.inbox.Recorded(r.loadBalancer, o, r.recorded.head, r.recorded.lookedAt)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
