package elb

import (
	"slices"
	"time"
)

// maxHistory limits the history's memory.
const maxHistory = 200_000

// record adds changes to the history. A full history drops its older half.
func (s *Service) record(action, loadBalancer string, ids []string, now time.Time) {
	if len(s.history) >= maxHistory {
		s.history = slices.Clone(s.history[maxHistory/2:])
	}
	for _, id := range ids {
		s.history = append(s.history, MembershipChange{now.UTC(), action, loadBalancer, id})
	}
}

// History returns at least the last 100,000 membership changes, oldest first.
func (s *Service) History() []MembershipChange { return slices.Clone(s.history) }
