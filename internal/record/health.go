package record

import (
	"context"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// healthRow is what was last recorded of an instance's health: by which event, and
// when that was.
type healthRow struct {
	lsapi.MemberHealth
	seq   int64
	since time.Time
}

// healths are those of a load balancer, by instance.
type healths map[string]healthRow

// apply makes them what they are after an event.
func (h healths) apply(does effects) {
	for _, row := range does.told {
		h[row.InstanceID] = row
	}
	for _, instance := range does.drained {
		delete(h, instance)
	}
}

// healthPayload is what an event tells of an instance's health.
type healthPayload struct {
	InstanceID  string            `json:"instance"`
	State       lsapi.HealthState `json:"state"`
	Reason      string            `json:"reason,omitempty"`
	Description string            `json:"description,omitempty"`
	Draining    bool              `json:"draining,omitempty"`
	// Seq and Since are of the event that told it; only in a checkpoint.
	Seq   int64     `json:"seq,omitempty"`
	Since time.Time `json:"since,omitzero"`
}

func healthPayloadOf(h lsapi.MemberHealth) healthPayload {
	return healthPayload{
		InstanceID: h.InstanceID, State: h.State, Reason: clean(h.Reason), Description: clean(h.Description), Draining: h.Draining,
	}
}

func (h healthPayload) health() lsapi.MemberHealth {
	return lsapi.MemberHealth{
		InstanceID: h.InstanceID, State: h.State, Reason: h.Reason, Description: h.Description, Draining: h.Draining,
	}
}

// stated are those that a checkpoint tells. Nil when it says nothing of health.
func (p *payload) stated() healths {
	if p.Health == nil {
		return nil
	}
	stated := make(healths, len(p.Health))
	for _, h := range p.Health {
		stated[h.InstanceID] = healthRow{MemberHealth: h.health(), seq: h.Seq, since: h.Since}
	}
	return stated
}

// state puts them into a checkpoint.
func (p *payload) state(kept healths) {
	p.Health = make([]healthPayload, 0, len(kept))
	for _, instance := range slices.Sorted(maps.Keys(kept)) {
		told := healthPayloadOf(kept[instance].MemberHealth)
		told.Seq, told.Since = kept[instance].seq, kept[instance].since
		p.Health = append(p.Health, told)
	}
}

// Health implements Store.
func (r record) Health(ctx context.Context, loadBalancer string) (map[string]lsapi.MemberHealth, error) {
	return view(ctx, r, func(t tables) (map[string]lsapi.MemberHealth, error) {
		kept, err := t.health(ctx, loadBalancer)
		found := make(map[string]lsapi.MemberHealth, len(kept))
		for instance, row := range kept {
			found[instance] = row.MemberHealth
		}
		return found, err
	})
}
