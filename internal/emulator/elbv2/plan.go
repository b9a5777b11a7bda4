package elbv2

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/ec2"
)

// idleNetwork is the idle timeout of connections through Network Load Balancers.
const idleNetwork = 350 * time.Second

// checkAgent is the user agent of health checks.
const checkAgent = "ELB-HealthChecker/2.0"

// AddToPlan adds the load balancers, the target groups that they forward to, and the
// addresses of targets that are no instances.
func (s *Service) AddToPlan(p *dataplane.Plan, now time.Time) {
	for b := range s.loadBalancers.all() {
		p.Routers = append(p.Routers, s.planRouter(b))
	}
	for g := range s.targetGroups.all() {
		r := s.routes(g.arn, now)
		if !r.inUse() {
			continue
		}
		planned, addresses := s.planGroup(g, r, now)
		p.TargetGroups = append(p.TargetGroups, planned)
		p.Instances = append(p.Instances, addresses...)
	}
}

func (s *Service) planRouter(b *loadBalancer) dataplane.Router {
	r := dataplane.Router{ARN: b.arn, Name: b.name, Network: b.kind == typeNetwork, Zones: b.zones, Idle: idleNetwork}
	if !r.Network {
		r.Idle = seconds(number(balancerAttributes.valueOf(b, attributeIdleTimeout, b.attributes)))
	}
	rules := slices.SortedFunc(s.rulesOf(b.arn), func(a, b *rule) int { return cmp.Compare(a.priority, b.priority) })
	for l := range s.listeners.all() {
		if l.loadBalancer != b.arn {
			continue
		}
		planned := dataplane.RuledListener{Listener: dataplane.Listener{Protocol: l.protocol, Port: l.port}}
		for _, rule := range rules {
			if rule.listener == l.arn {
				planned.Rules = append(planned.Rules, rule.plan())
			}
		}
		r.Listeners = append(r.Listeners, planned)
	}
	return r
}

func (r *rule) plan() dataplane.Rule {
	var planned dataplane.Rule
	for _, c := range r.conditions {
		if c.Field == fieldHost {
			planned.Hosts = c.Values.Members
		} else {
			planned.Paths = c.Values.Members
		}
	}
	a := r.actions[0]
	switch {
	case a.FixedResponseConfig != nil:
		f := a.FixedResponseConfig
		planned.Fixed = &dataplane.FixedResponse{Status: number(f.StatusCode), ContentType: f.ContentType, Body: f.MessageBody}
	case a.RedirectConfig != nil:
		d := a.RedirectConfig
		planned.Redirect = &dataplane.Redirect{
			Status: number(strings.TrimPrefix(d.StatusCode, "HTTP_")), Protocol: d.Protocol, Host: d.Host, Port: d.Port, Path: d.Path, Query: d.Query,
		}
	case a.ForwardConfig != nil:
		for _, g := range a.ForwardConfig.TargetGroups.Members {
			planned.Forward = append(planned.Forward, dataplane.WeightedGroup{ARN: g.TargetGroupARN, Weight: g.Weight})
		}
	}
	return planned
}

// planGroup returns a group that is in use, and the addresses of its targets that are no
// instances. Lambda functions and load balancers get no traffic.
func (s *Service) planGroup(g *targetGroup, r routes, now time.Time) (dataplane.TargetGroup, []dataplane.Instance) {
	planned := dataplane.TargetGroup{
		ARN: g.arn, Name: g.name, Check: g.check.plan(),
		Algorithm:         g.attribute("load_balancing.algorithm.type"),
		Drain:             g.deregistrationDelay(),
		SlowStart:         seconds(number(g.attribute("slow_start.duration_seconds"))),
		MinHealthy:        number(g.attribute("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count")),
		MinHealthyPercent: number(g.attribute("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage")), // off is 0
	}
	var addresses []dataplane.Instance
	for _, t := range g.targets {
		if t.draining() || g.targetType != targetInstance && g.targetType != targetIP {
			continue
		}
		m := dataplane.Member{InstanceID: t.id, TargetID: t.id, Port: t.port, Zone: t.zone, Since: t.since}
		delay := ec2.DefaultRegistrationDelay
		if i, ok := s.instanceOf(g, t); ok {
			current, exists := i.StateAt(now)
			if !exists {
				continue
			}
			delay = i.RegistrationDelay
			m.InstanceID, m.Zone, m.Since = i.ID, cmp.Or(t.zone, i.Zone), later(t.since, current.At)
		} else {
			addresses = append(addresses, dataplane.Instance{ID: t.id, Running: true})
		}
		m.Ready = later(m.Since, r.since).Add(delay)
		m.Served = s.serves(r, m.Zone, now)
		if m.Zone == everyZone {
			m.Zone = s.account.Region + account.ZoneLetters[:1]
		}
		planned.Members = append(planned.Members, m)
	}
	return planned, addresses
}

// plan returns the check for a data plane.
func (h healthCheck) plan() dataplane.HealthCheck {
	c := dataplane.HealthCheck{
		Target:   h.HealthCheckProtocol + ":" + h.HealthCheckPort + h.HealthCheckPath,
		Interval: seconds(h.HealthCheckIntervalSeconds), Timeout: seconds(h.HealthCheckTimeoutSeconds),
		Unhealthy: h.UnhealthyThresholdCount, Healthy: h.HealthyThresholdCount, UserAgent: checkAgent,
	}
	if h.Matcher != nil {
		c.Codes = h.Matcher.HTTPCode
	}
	return c
}
