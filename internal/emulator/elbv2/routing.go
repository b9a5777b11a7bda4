package elbv2

import (
	"iter"
	"slices"
	"time"
)

func (r *routing) add(added *rule) {
	r.byBalancer[added.loadBalancer] = append(r.byBalancer[added.loadBalancer], added.arn)
	for _, group := range groupsOf(added.actions) {
		r.byGroup[group] = append(r.byGroup[group], added.arn)
	}
}

// present removes the rules that are gone from an entry of an index.
func (s *Service) present(index map[string][]string, key string) []string {
	arns := slices.DeleteFunc(index[key], func(arn string) bool { return s.rules.resources[arn] == nil })
	if index[key] = arns; len(arns) == 0 {
		delete(index, key)
	}
	return arns
}

// rulesOf iterates over the actual rules of a load balancer's listeners.
func (s *Service) rulesOf(balancer string) iter.Seq[*rule] {
	return func(yield func(*rule) bool) {
		for _, arn := range s.present(s.routing.byBalancer, balancer) {
			if r, ok := s.rules.live(arn); ok && !yield(r) {
				return
			}
		}
	}
}

// groupsBehind returns the ARNs of the target groups that a load balancer forwards to.
func (s *Service) groupsBehind(balancer string) []string {
	var arns []string
	for r := range s.rulesOf(balancer) {
		arns = append(arns, groupsOf(r.actions)...)
	}
	slices.Sort(arns)
	return slices.Compact(arns)
}

// routes are what forwards requests to a target group.
type routes struct {
	loadBalancers []string  // ARNs, sorted
	since         time.Time // when the oldest of the rules was created
}

// inUse reports whether any load balancer forwards to the target group.
func (r routes) inUse() bool { return len(r.loadBalancers) > 0 }

// routes returns what forwarded requests to a target group at t.
func (s *Service) routes(group string, t time.Time) (found routes) {
	for _, arn := range s.present(s.routing.byGroup, group) {
		r, ok := s.rules.resources[arn].At(t)
		if !ok {
			continue
		}
		if !slices.Contains(found.loadBalancers, r.loadBalancer) {
			found.loadBalancers = append(found.loadBalancers, r.loadBalancer)
		}
		if found.since.IsZero() || r.createdAt.Before(found.since) {
			found.since = r.createdAt
		}
	}
	slices.Sort(found.loadBalancers)
	return found
}

// groupsOf returns the ARNs of the target groups that actions forward to.
func groupsOf(actions []action) []string {
	var arns []string
	for _, a := range actions {
		if a.ForwardConfig == nil {
			continue
		}
		for _, g := range a.ForwardConfig.TargetGroups.Members {
			arns = append(arns, g.TargetGroupARN)
		}
	}
	return arns
}
