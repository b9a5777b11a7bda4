package membership

import (
	"time"

	"lsapi"
	"lsapi/internal/observe"
)

// recordHealth records what a report says that is not on record. Nobody waits for it:
// callers have their answers before.
func (r *round) recordHealth(report *lsapi.HealthReport) {
	if report == nil || r.failure != nil {
		return
	}
	ctx, cancel := r.service.recording()
	defer cancel()
	known, err := r.service.record.Health(ctx, r.loadBalancer)
	if err != nil {
		r.service.inbox.UnrecordedHealth(r.loadBalancer, err)
		return
	}
	event := lsapi.Event{Kind: lsapi.EventHealth, At: time.Now(), Health: observe.ChangedHealth(report, known), Drained: r.drained(report, known)}
	if len(event.Health)+len(event.Drained) == 0 {
		return
	}
	if err := r.append(&recordBatch{events: []lsapi.Event{event}}); err != nil {
		r.service.inbox.UnrecordedHealth(r.loadBalancer, err)
	}
}

// drained returns the instances that are on record, are no members, and are not in the
// report any more. One that is detached later than the report was asked for may be
// draining now.
func (r *round) drained(report *lsapi.HealthReport, known map[string]lsapi.MemberHealth) []string {
	if !r.recorded.known {
		return nil
	}
	var gone []string
	staying := make(map[string]bool)
	for _, id := range observe.Unreported(report, known) {
		switch {
		case r.recorded.members[id]:
			staying[id] = true
		case r.service.overlay.LastChange(r.loadBalancer, id).After(report.AsOf):
		default:
			gone = append(gone, id)
		}
	}
	r.service.inbox.KeepStale(r.loadBalancer, staying)
	return gone
}
