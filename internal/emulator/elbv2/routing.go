package elbv2

import (
	"iter"
	"slices"
	"time"
)

// add adds a new rule, or one that forwards to other target groups than before.
func (r *routing) add(added *rule) {
	r.byBalancer[added.loadBalancer] = with(r.byBalancer[added.loadBalancer], added.arn)
	for _, group := range groupsOf(added.actions) {
		r.byGroup[group] = with(r.byGroup[group], added.arn)
	}
}

func with(arns []string, added string) []string {
	if slices.Contains(arns, added) {
		return arns
	}
	return append(arns, added)
}

// setActions sets the actions of a rule.
func (r *rule) setActions(actions []action, now time.Time) {
	before := r.forwards
	r.actions, r.forwards = actions, map[string]time.Time{}
	for _, group := range groupsOf(actions) {
		since, forwarded := before[group]
		if !forwarded {
			since = now
		}
		r.forwards[group] = since
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
	since         time.Time // when the first of the rules began to forward
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
		since, forwards := r.forwards[group]
		if !forwards {
			continue
		}
		if !slices.Contains(found.loadBalancers, r.loadBalancer) {
			found.loadBalancers = append(found.loadBalancers, r.loadBalancer)
		}
		if found.since.IsZero() || since.Before(found.since) {
			found.since = since
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
