package membership

import (
	"time"

	"lsapi"
	"lsapi/internal/observe"
)

// reportAll reports the observations. Each is compared with the record after the one
// before.
func (r *round) reportAll(found []observe.Observation, b *recordBatch) {
	for _, o := range found {
		if r.journal.append(b) != nil {
			return
		}
		r.report(o, b)
	}
}

// report adds what the observation differs from the record in.
func (r *round) report(o observe.Observation, b *recordBatch) {
	r.countReads()
	if o.Gone {
		r.forget(o.Began) // what was read in the record since
	}
	events := r.difference(&o)
	if len(events) == 0 {
		r.journal.recorded.looked(o.Began)
		r.observed(o)
		return
	}
	b.write(events...)
	b.then(pendingAnswer{give: func() { r.observed(o) }})
}

// difference returns the events that explain an observation, if it needs some. An
// observation that is older than the last read proves nothing.
func (r *round) difference(o *observe.Observation) []lsapi.Event {
	recorded := r.journal.recorded
	if !o.Began.After(recorded.lookedAt) || o.Gone && !recorded.known {
		return nil
	}
	found := look{incarnation: o.Incarnation, began: o.Began, ended: o.Began}
	if recorded.isReplacedBy(found) {
		r.forget(o.Began)
	}
	if !o.Gone {
		o.Members = r.overlay.Over(r.pool, o.IDs, o.Began)
	}
	found.members = setOf(o.Members)
	return recorded.unexplained(found)
}

// countReads moves the time of the last look on to that of the last read that found what
// is on record.
func (r *round) countReads() {
	r.journal.recorded.looked(r.inbox.LastRead(r.pool, r.journal.recorded.end))
}

// observed reports to the inbox that an observation is on record.
func (r *round) observed(o observe.Observation) {
	r.inbox.Recorded(r.pool, o, r.journal.recorded.end, r.journal.recorded.lookedAt)
}

// recordHealth records what a report says that is not on record. Callers have their
// answers before.
func (r *round) recordHealth(report *lsapi.HealthReport) {
	if report == nil || r.journal.failure != nil {
		return
	}
	if r.journal.recorded.isOther(report.Incarnation) {
		return // reads of its members decide which of the two pools is the one of now
	}
	r.countReads()
	ctx, cancel := r.recording(0)
	defer cancel()
	known, err := r.record.Health(ctx, r.pool)
	if err != nil {
		r.inbox.UnrecordedHealth(r.pool, err)
		return
	}
	event := lsapi.Event{Kind: lsapi.EventHealth, At: time.Now(), Health: observe.ChangedHealth(report, known), Drained: r.drained(report, known)}
	if len(event.Health)+len(event.Drained) == 0 {
		return
	}
	if err := r.journal.append(&recordBatch{events: []lsapi.Event{event}}); err != nil {
		r.inbox.UnrecordedHealth(r.pool, err)
	}
}

// drained returns the instances that are on record, are no members, and are absent from
// the report. One that was detached after the report began may be draining.
func (r *round) drained(report *lsapi.HealthReport, known map[lsapi.MemberID]lsapi.MemberHealth) []lsapi.MemberID {
	if !r.journal.recorded.known {
		return nil
	}
	var drained []lsapi.MemberID
	stale := make(map[lsapi.MemberID]bool)
	for _, id := range observe.Unreported(report, known) {
		switch {
		case r.journal.recorded.members[id]:
			stale[id] = true
		case r.overlay.LastChange(r.pool, id).After(report.AsOf):
		default:
			drained = append(drained, id)
		}
	}
	r.inbox.KeepStale(r.pool, stale)
	return drained
}
