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
type HealthRow struct {
	lsapi.MemberHealth
	Seq   int64
	Since time.Time
}

// healths are those of a load balancer, by instance.
type Healths map[string]HealthRow

// apply makes them what they are after an event.
func (h Healths) apply(does effects) {
	for _, row := range does.told {
		h[row.InstanceID] = row
	}
	for _, instance := range does.drained {
		delete(h, instance)
	}
}

// healthPayload is what an event tells of an instance's health.
type HealthPayload struct {
	InstanceID  string            `json:"instance"`
	State       lsapi.HealthState `json:"state"`
	Reason      string            `json:"reason,omitempty"`
	Description string            `json:"description,omitempty"`
	Draining    bool              `json:"draining,omitempty"`
	// Seq and Since are of the event that told it; only in a checkpoint.
	Seq   int64     `json:"seq,omitempty"`
	Since time.Time `json:"since,omitzero"`
}

func NewHealthPayload(h lsapi.MemberHealth) HealthPayload {
	return HealthPayload{
		InstanceID: h.InstanceID, State: h.State, Reason: Clean(h.Reason), Description: Clean(h.Description), Draining: h.Draining,
	}
}

func (h HealthPayload) MemberHealth() lsapi.MemberHealth {
	return lsapi.MemberHealth{
		InstanceID: h.InstanceID, State: h.State, Reason: h.Reason, Description: h.Description, Draining: h.Draining,
	}
}

// stated are those that a checkpoint tells. Nil when it says nothing of health.
func (p *payload) stated() Healths {
	if p.Health == nil {
		return nil
	}
	stated := make(Healths, len(p.Health))
	for _, h := range p.Health {
		stated[h.InstanceID] = HealthRow{MemberHealth: h.MemberHealth(), Seq: h.Seq, Since: h.Since}
	}
	return stated
}

// state puts them into a checkpoint.
func (p *payload) state(kept Healths) {
	p.Health = make([]HealthPayload, 0, len(kept))
	for _, instance := range slices.Sorted(maps.Keys(kept)) {
		told := NewHealthPayload(kept[instance].MemberHealth)
		told.Seq, told.Since = kept[instance].Seq, kept[instance].Since
		p.Health = append(p.Health, told)
	}
}

// Health implements Store.
func (r Record) Health(ctx context.Context, loadBalancer string) (map[string]lsapi.MemberHealth, error) {
	return Read(ctx, r, func(t Tables) (map[string]lsapi.MemberHealth, error) {
		kept, err := t.Health(ctx, loadBalancer)
		found := make(map[string]lsapi.MemberHealth, len(kept))
		for instance, row := range kept {
			found[instance] = row.MemberHealth
		}
		return found, err
	})
}
