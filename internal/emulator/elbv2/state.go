package elbv2

import (
	"net"
	"slices"
	"strconv"
	"time"

	"lsapi/internal/emulator/ec2"
)

// TargetGroupState is the actual state of a target group.
type TargetGroupState struct {
	Name          string        `json:"name"`
	ARN           string        `json:"arn"`
	LoadBalancers []string      `json:"loadBalancers"` // ARNs of those that forward to it
	Targets       []TargetState `json:"targets"`       // in the order of registration; the draining ones too
}

// TargetState is the health of a target. The port of a Lambda function is 0.
type TargetState struct {
	ID   string `json:"id"`
	Port int    `json:"port"`
	TargetHealth
}

// Targets returns the actual targets of a group without the draining ones, sorted; nil when
// it does not exist.
func (s *Service) Targets(group string) []string {
	for _, arn := range s.targetGroups.named(group, "") {
		if g, ok := s.targetGroups.live(arn); ok {
			targets := make([]string, 0, len(g.targets))
			for _, t := range g.targets {
				if !t.draining() {
					targets = append(targets, net.JoinHostPort(t.id, strconv.Itoa(t.port)))
				}
			}
			slices.Sort(targets)
			return targets
		}
	}
	return nil
}

// Balancers returns the load balancers for EC2.
func (s *Service) Balancers() []ec2.Balancer {
	var all []ec2.Balancer
	for b := range s.loadBalancers.all() {
		described := ec2.Balancer{Description: "ELB " + b.path, Type: ec2.BalancerInterface, Zones: b.zones, SecurityGroups: b.securityGroups, Created: b.createdAt}
		if b.kind == typeNetwork {
			described.Type = "network_load_balancer"
		}
		all = append(all, described)
	}
	return all
}

// State returns all target groups, sorted by name.
func (s *Service) State(now time.Time) []TargetGroupState {
	all := []TargetGroupState{}
	for g := range s.targetGroups.all() {
		r := s.routes(g.arn, now)
		state := TargetGroupState{g.name, g.arn, append([]string{}, r.loadBalancers...), []TargetState{}}
		for _, t := range g.targets {
			if health, ok := s.health(g, t, r, now); ok {
				state.Targets = append(state.Targets, TargetState{t.id, t.port, health})
			}
		}
		all = append(all, state)
	}
	return all
}
