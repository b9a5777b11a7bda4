package v1

import (
	"context"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// Fleet shows load balancers and waits for their members. Errors are *lsapi.Error; other
// errors are defects, unless they are the context's.
type Fleet interface {
	// LoadBalancers returns a page of the load balancers that pass the filter, by name,
	// and whether there are more.
	LoadBalancers(ctx context.Context, filter lsapi.FleetFilter) (page []lsapi.PoolSummary, more bool, err error)
	// LoadBalancer returns the load balancer with a name, or CodeNotFound.
	LoadBalancer(ctx context.Context, name string) (lsapi.PoolDetail, error)
	// Member returns a member or draining instance, or CodeNotFound.
	Member(ctx context.Context, name, instanceID string) (lsapi.MemberDetail, error)
	// Await waits until an instance meets the condition. CodeWaitTimeout: the context
	// ended first. CodeConflict: the instance is terminated. Both come with its last known
	// state. CodeNotFound: it cannot meet the condition.
	Await(ctx context.Context, name, instanceID string, condition lsapi.WaitCondition) (lsapi.MemberDetail, error)
}

func newLoadBalancer(s *lsapi.PoolSummary) apiv1.LoadBalancer {
	b := apiv1.LoadBalancer{
		Name:    s.Name,
		Tags:    s.Tags,
		Members: s.Members,
		AsOf:    instant(s.AsOf),
	}
	if s.Health != nil {
		counts := apiv1.HealthCounts(*s.Health)
		b.Health = &counts
		b.HealthAsOf = instant(s.HealthAsOf)
	}
	if d := s.Description; d != nil {
		b.DNSName, b.Scheme, b.Zones, b.CreatedAt = d.DNSName, d.Scheme, d.Zones, instant(d.CreatedAt)
		for _, l := range d.Listeners {
			b.Listeners = append(b.Listeners, apiv1.Listener(l))
		}
	}
	return b
}

func newLoadBalancers(page []lsapi.PoolSummary) []apiv1.LoadBalancer {
	list := make([]apiv1.LoadBalancer, len(page)) // not nil: an empty list is []
	for i := range page {
		list[i] = newLoadBalancer(&page[i])
	}
	return list
}

func newLoadBalancerDetail(d *lsapi.PoolDetail) apiv1.LoadBalancerDetail {
	b := apiv1.LoadBalancerDetail{
		LoadBalancer: newLoadBalancer(&d.PoolSummary),
		Instances:    make([]apiv1.Member, len(d.Instances)), // not nil: an empty list is []
	}
	if a := d.Attributes; a != nil {
		b.Attributes = &apiv1.Attributes{
			Draining:               a.Draining,
			DrainingTimeoutSeconds: seconds(a.DrainingTimeout),
			CrossZone:              a.CrossZone,
			IdleTimeoutSeconds:     seconds(a.IdleTimeout),
		}
	}
	if d.Description != nil {
		c := d.Description.HealthCheck
		b.HealthCheck = &apiv1.HealthCheck{
			Target:             c.Target,
			IntervalSeconds:    seconds(c.Interval),
			TimeoutSeconds:     seconds(c.Timeout),
			UnhealthyThreshold: c.UnhealthyThreshold,
			HealthyThreshold:   c.HealthyThreshold,
		}
	}
	for i := range d.Instances {
		b.Instances[i] = newMember(&d.Instances[i])
	}
	return b
}

func newMember(d *lsapi.MemberDetail) apiv1.Member {
	return apiv1.Member{
		InstanceID:        d.ID,
		Member:            d.Member,
		Draining:          d.Health != nil && d.Health.Draining,
		InstanceType:      d.Type,
		LaunchDate:        instant(d.LaunchTime),
		Zone:              d.Zone,
		PrivateAddress:    d.PrivateAddress,
		Name:              d.Name,
		State:             string(d.State),
		Health:            newHealth(d.Health, &d.History),
		Since:             instant(d.History.Since),
		LastChange:        newLastChange(d.History.LastChange),
		RecordUnavailable: d.History.Unavailable,
	}
}

// newHealth returns the observed health, and its time if the record has the same health.
func newHealth(observed *lsapi.MemberHealth, history *lsapi.MemberHistory) *apiv1.Health {
	if observed == nil {
		return nil
	}
	health := &apiv1.Health{State: string(observed.State), Reason: observed.Reason, Description: observed.Description}
	if history.Health != nil && *history.Health == *observed {
		health.Since = instant(history.HealthSince)
	}
	return health
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

// seconds returns a duration of AWS, which are whole seconds.
func seconds(d time.Duration) int { return int(d / time.Second) }
