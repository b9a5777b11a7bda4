package v1

import (
	"strconv"
	"strings"

	"lsapi"
	"lsapi/api/status"
	apiv1 "lsapi/api/v1"
)

func newPool(s *lsapi.PoolSummary) apiv1.Pool {
	p := apiv1.Pool{
		Pool:  s.ID.Path(),
		Kind:  string(s.ID.Kind),
		Name:  s.ID.Name,
		Scope: s.ID.Scope,
		Tags:  s.Tags,
		AsOf:  instant(s.AsOf),
	}
	if !s.AsOf.IsZero() {
		p.MemberCount = &s.MemberCount
	}
	if s.Health != nil {
		counts := apiv1.HealthCounts(*s.Health)
		p.Health = &counts
		p.HealthAsOf = instant(s.HealthAsOf)
	}
	if d := s.Description; d != nil {
		p.ARN, p.Protocol, p.Port = d.ARN, d.Protocol, int(d.Port)
		p.DNSName, p.Scheme, p.VPCID, p.Zones, p.CreatedAt = d.DNSName, d.Scheme, d.VPCID, d.Zones, instant(d.CreatedAt)
		for _, l := range d.Listeners {
			p.Listeners = append(p.Listeners, apiv1.Listener(l))
		}
		for _, arn := range d.LoadBalancers {
			p.LoadBalancers = append(p.LoadBalancers, newLoadBalancer(arn))
		}
		if s.ID.Kind == lsapi.KindTG {
			p.TargetType, p.FailsOpen = string(d.TargetType), failsOpen(s)
		}
	}
	return p
}

// failsOpen reports whether load balancers send requests to all members of a target group,
// because none is in service.
func failsOpen(s *lsapi.PoolSummary) bool {
	routed := len(s.Description.LoadBalancers) > 0
	return routed && s.Health != nil && s.Health.InService == 0 && s.Health.OutOfService+s.Health.Unknown > 0
}

// loadBalancerTypes are the types in the ARNs of load balancers.
var loadBalancerTypes = map[string]string{"app": "application", "net": "network", "gwy": "gateway"}

// newLoadBalancer returns the load balancer of an ARN that ends in
// "loadbalancer/app/NAME/ID".
func newLoadBalancer(arn string) apiv1.LoadBalancer {
	b := apiv1.LoadBalancer{ARN: arn, Name: arn}
	if parts := strings.Split(arn, "/"); len(parts) == 4 {
		b.Type, b.Name = loadBalancerTypes[parts[1]], parts[2]
	}
	return b
}

func newPoolDetail(d *lsapi.PoolDetail) apiv1.PoolDetail {
	p := apiv1.PoolDetail{
		Pool:    newPool(&d.PoolSummary),
		Members: converted(d.Members, newMember),
	}
	if !d.AsOf.IsZero() {
		p.MembershipVersion = membershipVersion(d.Members)
	}
	for i := range d.Routes {
		p.Routes = append(p.Routes, newRoute(&d.Routes[i]))
	}
	if a := d.Attributes; a != nil {
		p.Attributes = &apiv1.Attributes{
			Draining:               a.Draining,
			DrainingTimeoutSeconds: seconds(a.DrainingTimeout),
			IdleTimeoutSeconds:     seconds(a.IdleTimeout),
		}
		if d.ID.Kind == lsapi.KindELB {
			p.Attributes.CrossZone = &a.CrossZone
		}
	}
	if d.Description != nil {
		c := d.Description.HealthCheck
		p.HealthCheck = &apiv1.HealthCheck{
			Target:             c.Target,
			IntervalSeconds:    seconds(c.Interval),
			TimeoutSeconds:     seconds(c.Timeout),
			UnhealthyThreshold: c.UnhealthyThreshold,
			HealthyThreshold:   c.HealthyThreshold,
			Matcher:            c.Matcher,
		}
	}
	return p
}

func newRoute(r *lsapi.Route) apiv1.Route {
	rule := "default"
	if r.Priority > 0 {
		rule = strconv.Itoa(r.Priority)
	}
	return apiv1.Route{
		LoadBalancer: newLoadBalancer(r.LoadBalancer).Name, Protocol: r.Protocol, Port: r.Port,
		Rule: rule, Conditions: r.Conditions, Weight: r.Weight,
	}
}

// membershipVersion returns the version of the attached ones of the members.
func membershipVersion(all []lsapi.MemberDetail) string {
	var attached []lsapi.MemberID
	for _, m := range all {
		if m.Member {
			attached = append(attached, m.ID)
		}
	}
	return lsapi.MembershipVersion(attached)
}

func newOutdatedKind(k *lsapi.KindListing) apiv1.OutdatedKind {
	kind := apiv1.OutdatedKind{Kind: string(k.Kind), Shown: k.Served, AsOf: instant(k.AsOf)}
	switch {
	case k.Denied:
		kind.Reason = string(lsapi.CodeDenied)
	case k.Failure != "":
		kind.Reason = string(status.Public(k.Failure))
	}
	return kind
}
