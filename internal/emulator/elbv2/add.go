package elbv2

import (
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/ec2"
	"lsapi/internal/emulator/wire"
)

// Target is a target of a group that AddTargets fills. The ID is that of an instance or an
// IP address.
type Target struct {
	ID    string
	Port  int
	Since time.Time // of the registration
}

// AddTargetGroup adds a target group that exists since a moment of the past, with the
// parameters of CreateTargetGroup and attributes. It raises the quota if necessary. It
// returns the ARN, or AWS's error.
func (s *Service) AddTargetGroup(parameters wire.Query, attributes map[string]string, since time.Time) (arn string, err error) {
	s.maxTargetGroups = max(s.maxTargetGroups, s.targetGroups.count()+1)
	g, err := s.makeTargetGroup(wire.Call{Query: parameters, Time: account.At(since)})
	if err != nil {
		return "", err
	}
	for key, value := range attributes {
		if err := groupAttributes.validate(g.groupCreation, key, value); err != nil {
			return "", err
		}
	}
	next := *g
	next.attributes = attributes
	s.targetGroups.set(g.arn, &next, since)
	return g.arn, nil
}

// AddTargets sets the targets of a group that was added at the same moment. It does not
// check that the instances exist and run.
func (s *Service) AddTargets(group string, targets []Target, since time.Time) error {
	g, err := s.targetGroups.find(group)
	if err != nil {
		return err
	}
	next := *g
	next.targets = make([]target, len(targets))
	for n, added := range targets {
		t := target{targetKey: targetKey{added.ID, added.Port}, since: added.Since}
		switch {
		case g.targetType == targetIP:
			err = s.admitAddress(g, &t)
		case g.targetType != targetInstance:
			err = wire.ValidationFailed("A target group of the type '%s' cannot have targets from the beginning", g.targetType)
		case !ec2.IDPattern.MatchString(added.ID):
			err = wire.ValidationFailed("Instance ID '%s' is not valid", added.ID)
		}
		if err != nil {
			return err
		}
		next.targets[n] = t
	}
	if len(targets) > g.maxTargets() {
		return wire.ValidationFailed("A target group has at most %d targets, not %d", g.maxTargets(), len(targets))
	}
	s.targetGroups.set(g.arn, &next, since)
	return nil
}

// AddLoadBalancer adds a load balancer that exists since a moment of the past, with the
// parameters of CreateLoadBalancer. It raises the quota if necessary. It returns the ARN, or
// AWS's error.
func (s *Service) AddLoadBalancer(parameters wire.Query, since time.Time) (arn string, err error) {
	s.maxLoadBalancers = max(s.maxLoadBalancers, s.loadBalancers.count()+1)
	b, err := s.makeLoadBalancer(wire.Call{Query: parameters, Time: account.At(since)})
	if err != nil {
		return "", err
	}
	return b.arn, nil
}

// AddListener adds a listener that exists since a moment of the past, with the parameters
// of CreateListener. It returns the ARN, or AWS's error.
func (s *Service) AddListener(parameters wire.Query, since time.Time) (arn string, err error) {
	l, err := s.makeListener(wire.Call{Query: parameters, Time: account.At(since)})
	if err != nil {
		return "", err
	}
	return l.arn, nil
}

// AddRule adds a rule that exists since a moment of the past, with the parameters of
// CreateRule. Its error is AWS's.
func (s *Service) AddRule(parameters wire.Query, since time.Time) error {
	_, err := s.createRule(wire.Call{Query: parameters, Time: account.At(since)})
	return err
}
