package elbv2

import (
	"slices"
	"time"
)

// rule routes the requests of a listener that its conditions match. The default rule
// matches every request.
type rule struct {
	arn          string
	listener     string // the ARN, as the next one
	loadBalancer string
	actions      []action
	isDefault    bool
	createdAt    time.Time
}

// addRule adds a rule to a listener.
func (s *Service) addRule(l *listener, r *rule, now time.Time) {
	r.listener, r.loadBalancer, r.createdAt = l.arn, l.loadBalancer, now
	r.arn = s.rules.prefix + l.path + "/" + s.newID()
	s.rules.set(r.arn, r, now)
}

func (s *Service) removeRule(arn string, now time.Time) {
	s.rules.remove(arn, now)
	s.tags.remove(arn, now)
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
	for r := range s.rules.at(t) {
		if !slices.Contains(groupsOf(r.actions), group) {
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
