package v1

import (
	"cmp"
	"net/netip"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

func newMember(d *lsapi.MemberDetail) apiv1.Member {
	return apiv1.Member{
		Member:            d.ID.String(),
		InstanceID:        d.ID.Instance,
		Address:           addressText(d.ID.Address),
		Port:              int(d.ID.Port),
		Attached:          d.Member,
		Draining:          d.Health != nil && d.Health.Draining,
		InstanceType:      d.Instance.Type,
		LaunchDate:        instant(d.Instance.LaunchTime),
		Zone:              d.Instance.Zone,
		PrivateAddress:    d.Instance.PrivateAddress,
		Name:              d.Instance.Name,
		AutoScalingGroup:  d.Instance.AutoScalingGroup,
		State:             string(d.Instance.State),
		Health:            newHealth(d.Health, &d.History),
		Since:             instant(d.History.Since),
		LastChange:        newLastChange(d.History.LastChange),
		RecordUnavailable: d.History.Unavailable,
	}
}

// addressText returns an IP address, empty for none.
func addressText(address netip.Addr) string {
	if !address.IsValid() {
		return ""
	}
	return address.String()
}

func newInstance(d *lsapi.InstanceDetail) apiv1.Instance {
	return apiv1.Instance{
		InstanceID:       d.ID,
		InstanceType:     d.Type,
		LaunchDate:       instant(d.LaunchTime),
		Zone:             d.Zone,
		PrivateAddress:   d.PrivateAddress,
		Name:             d.Name,
		AutoScalingGroup: d.AutoScalingGroup,
		State:            string(d.State),
		Complete:         d.Whole,
		Unread:           converted(d.Unread, func(p *lsapi.PoolID) string { return p.Path() }),
		Outdated:         converted(d.Outdated, newOutdatedKind),
		Memberships:      converted(d.Memberships, newInstanceMembership),
	}
}

func newInstanceMembership(d *lsapi.InstanceMembership) apiv1.InstanceMembership {
	m := newMember(&d.MemberDetail)
	return apiv1.InstanceMembership{
		Pool:              d.Pool.Path(),
		Member:            m.Member,
		Port:              m.Port,
		Attached:          m.Attached,
		Draining:          m.Draining,
		Health:            m.Health,
		HealthAsOf:        instant(d.HealthAsOf),
		AsOf:              instant(d.AsOf),
		Since:             m.Since,
		LastChange:        m.LastChange,
		RecordUnavailable: m.RecordUnavailable,
	}
}

// newHealth returns the observed health, and its time if the record has the same health.
func newHealth(observed *lsapi.MemberHealth, history *lsapi.MemberHistory) *apiv1.Health {
	if observed == nil {
		return nil
	}
	health := healthNow(observed)
	if history.Health != nil && *history.Health == *observed {
		health.Since = instant(history.HealthSince)
	}
	return health
}

func healthNow(h *lsapi.MemberHealth) *apiv1.Health {
	return &apiv1.Health{State: string(h.State), AWSState: cmp.Or(h.AWSState, string(h.State)), Reason: h.Reason, Description: h.Description}
}

func newLastChange(c *lsapi.Change) *apiv1.LastChange {
	if c == nil {
		return nil
	}
	change := newChange(c)
	return &apiv1.LastChange{
		ID:          change.ID,
		Action:      change.Action,
		Actor:       change.Actor,
		Reason:      change.Reason,
		Outcome:     change.Outcome,
		IntendedAt:  change.IntendedAt,
		CompletedAt: change.CompletedAt,
	}
}
