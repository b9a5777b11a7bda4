package elbv2

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/ec2"
	"lsapi/internal/emulator/wire"
)

// registerTargets registers all targets or none. As in AWS, it answers before the targets
// are healthy. A registered target stays as it is. A draining one is registered anew.
func (s *Service) registerTargets(c wire.Call) (any, error) {
	g, targets, err := s.targetsCall(c)
	if err != nil {
		return nil, err
	}
	next := *g
	next.targets = slices.DeleteFunc(slices.Clone(g.targets), func(t target) bool { return !t.remains(c.Time.Now) })
	var joining []targetKey
	for n := range targets {
		if err := s.admit(g, &targets[n], c.Time.Now); err != nil {
			return nil, err
		}
		targets[n].since = c.Time.Now
		at := slices.IndexFunc(next.targets, func(t target) bool { return t.targetKey == targets[n].targetKey })
		switch {
		case at < 0:
			next.targets = append(next.targets, targets[n])
			joining = append(joining, targets[n].targetKey)
		case next.targets[at].draining():
			next.targets[at] = targets[n]
			joining = append(joining, targets[n].targetKey)
		}
	}
	if err := s.checkQuota(&next, c.Time.Now); err != nil {
		return nil, err
	}
	s.record("attach", g.name, joining, c.Time.Now)
	s.targetGroups.set(g.arn, &next, c.Time.Now)
	return struct{}{}, nil
}

// deregisterTargets begins to drain the targets. As in AWS, it succeeds for those that are
// not registered with exactly that port. Without a port it means the group's. Targets of a
// group that is not in use have nothing to drain (inferred).
func (s *Service) deregisterTargets(c wire.Call) (any, error) {
	g, targets, err := s.targetsCall(c)
	if err != nil {
		return nil, err
	}
	drained := c.Time.Now
	if s.routes(g.arn, c.Time.Now).inUse() {
		drained = drained.Add(g.deregistrationDelay())
	}
	next := *g
	next.targets = slices.Clone(g.targets)
	var leaving []targetKey
	for n, t := range next.targets {
		leaves := slices.ContainsFunc(targets, func(other target) bool { return other.targetKey == t.targetKey })
		if leaves && !t.draining() {
			next.targets[n].drained = drained
			leaving = append(leaving, t.targetKey)
		}
	}
	s.record("detach", g.name, leaving, c.Time.Now)
	next.targets = slices.DeleteFunc(next.targets, func(t target) bool { return !t.remains(c.Time.Now) })
	s.targetGroups.set(g.arn, &next, c.Time.Now)
	return struct{}{}, nil
}

// record adds changes to the history.
func (s *Service) record(action, group string, targets []targetKey, now time.Time) {
	for _, t := range targets {
		s.account.Record(account.MembershipChange{At: now, Action: action, TargetGroup: group, TargetID: t.id, Port: t.port})
	}
}

// targetsCall returns the group and the targets of a call that names at least one.
func (s *Service) targetsCall(c wire.Call) (*targetGroup, []target, error) {
	g, err := s.targetGroups.find(c.Text("TargetGroupArn"))
	if err != nil {
		return nil, nil, err
	}
	targets, err := g.targetsOf(c.Query)
	if err == nil && len(targets) == 0 {
		var v wire.Validation
		v.Missing("targets")
		err = v.Err()
	}
	return g, targets, err
}

// targetsOf returns the targets in a request, with the group's port where they have none.
func (g *targetGroup) targetsOf(q wire.Query) ([]target, error) {
	var v wire.Validation
	var targets []target
	for _, element := range q.Elements("Targets.member") {
		port, err := element.Number("Port", g.port)
		if err != nil {
			return nil, err
		}
		v.Require(element.Text("Id"), "targets.id")
		if element.Has("Port") {
			v.Between(port, 1, 65535, "targets.port")
		}
		if g.targetType == targetLambda {
			port = 0
		}
		targets = append(targets, target{targetKey: targetKey{element.Text("Id"), port}, zone: element.Text("AvailabilityZone")})
	}
	return targets, v.Err()
}

// admit returns AWS's error for a target that cannot be registered, and sets the zone of an
// IP address.
func (s *Service) admit(g *targetGroup, t *target, now time.Time) error {
	switch g.targetType {
	case targetInstance:
		t.zone = ""
		return s.admitInstance(t.id, now)
	case targetIP:
		return s.admitAddress(g, t)
	case targetLambda:
		if !strings.HasPrefix(t.id, "arn:aws:lambda:") {
			return wire.ValidationFailed("'%s' is not a valid Lambda function ARN", t.id)
		}
	case targetALB:
		b, ok := s.loadBalancers.live(t.id)
		if !ok || b.kind != typeApplication {
			return wire.BadRequest("InvalidTarget", "The following targets are not Application Load Balancers in the target group VPC: '%s'", t.id)
		}
	}
	return nil
}

func (s *Service) admitInstance(id string, now time.Time) error {
	if !ec2.IDPattern.MatchString(id) {
		return wire.ValidationFailed("Instance ID '%s' is not valid", id)
	}
	i, ok := s.instances.Instance(id)
	if !ok {
		return errNoInstance(id)
	}
	current, ok := i.StateAt(now)
	switch {
	case !ok:
		return errNoInstance(id)
	case current.State != ec2.Running:
		return wire.BadRequest("InvalidTarget", "The following targets are not in a running state and cannot be registered: '%s'", id)
	}
	return nil
}

func errNoInstance(id string) error {
	return wire.BadRequest("InvalidTarget", "The following targets are not valid instances: '%s'", id)
}

// vpc is the network of the instances.
var vpc = netip.MustParsePrefix("10.0.0.0/8")

// admitAddress checks an IP address. An address in the VPC is in the zone of its instance,
// or in the first zone; one outside must be private and be registered for all zones.
func (s *Service) admitAddress(g *targetGroup, t *target) error {
	address, err := netip.ParseAddr(t.id)
	if err != nil || address.Is4() != (g.addresses == addressesIPv4) {
		return wire.ValidationFailed("The IP address '%s' is not a valid %s address", t.id, g.addresses)
	}
	if t.zone != "" && t.zone != everyZone && !s.account.HasZone(t.zone) {
		return wire.ValidationFailed("The Availability Zone '%s' is not valid", t.zone)
	}
	if address.Is4() && !vpc.Contains(address) {
		if !address.IsPrivate() {
			return wire.ValidationFailed("The IP address '%s' is not within a private range", t.id)
		}
		if t.zone != everyZone {
			return wire.ValidationFailed("The IP address '%s' is outside the VPC and must have the Availability Zone '%s'", t.id, everyZone)
		}
		return nil
	}
	t.zone = s.account.Region + account.ZoneLetters[:1]
	if i, ok := s.instances.ByAddress(address); ok {
		t.zone = i.Zone
	}
	return nil
}

// checkQuota checks the number of registered targets of a changed group, and of the load
// balancers that route to it.
func (s *Service) checkQuota(g *targetGroup, now time.Time) error {
	count := g.registered()
	if limit := g.maxTargets(); count > limit {
		return wire.BadRequest("TooManyTargets", "The maximum number of targets per target group '%d' has been reached on target group '%s'", limit, g.arn)
	}
	for _, balancer := range s.routes(g.arn, now).loadBalancers {
		if err := s.checkBalancerQuota(balancer, g.arn, count); err != nil {
			return err
		}
	}
	return nil
}

// checkBalancerQuota checks the number of targets of a load balancer that routes to a group
// with added targets.
func (s *Service) checkBalancerQuota(balancer, group string, added int) error {
	count := added
	for _, arn := range s.groupsBehind(balancer) {
		if other, ok := s.targetGroups.live(arn); ok && arn != group {
			count += other.registered()
		}
	}
	if count > MaxTargets {
		return wire.BadRequest("TooManyTargets", "The maximum number of targets per load balancer '%d' has been reached on load balancer '%s'", MaxTargets, balancer)
	}
	return nil
}

// maxTargets returns the quota of targets. Lambda functions and load balancers stand alone.
func (g *groupCreation) maxTargets() int {
	if g.targetType == targetLambda || g.targetType == targetALB {
		return 1
	}
	return MaxTargets
}

// registered returns the number of registered targets.
func (g *targetGroup) registered() int {
	count := 0
	for _, t := range g.targets {
		if !t.draining() {
			count++
		}
	}
	return count
}
