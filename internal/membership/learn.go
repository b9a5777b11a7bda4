package membership

import (
	"context"

	"lsapi"
)

// Learn takes in changes of a load balancer that other processes have applied,
// oldest first, as the record has them: reads show them from now on, for as long
// as AWS may not.
//
// Errors: CodeThrottled when too many load balancers are being changed for it to
// be remembered; then reads may miss it.
func (s *Service) Learn(loadBalancer string, changes []lsapi.AppliedChange) error {
	news, err := s.lay(loadBalancer, changes)
	if len(news) == 0 {
		return err
	}
	var attached, detached []lsapi.Instance
	for _, c := range news {
		attached, detached = without(attached, c.InstanceID), without(detached, c.InstanceID)
		if c.Action == lsapi.Attach {
			attached = append(attached, c.Instance)
		} else {
			detached = append(detached, c.Instance)
		}
	}
	s.applied(loadBalancer, attached, detached)
	return nil
}

// CatchUp makes reads show what was applied to the load balancer until now, in
// whatever process.
//
// Errors: those of the record, and of Learn.
func (s *Service) CatchUp(ctx context.Context, loadBalancer string) error {
	changes, err := s.record.Applied(ctx, loadBalancer, s.recently())
	if err != nil {
		return err
	}
	return s.Learn(loadBalancer, changes)
}

// lay puts changes into the overlay of the load balancer's lane, and returns
// those that were not there.
func (s *Service) lay(loadBalancer string, changes []lsapi.AppliedChange) (news []lsapi.AppliedChange, err error) {
	if len(changes) == 0 {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.lanes[loadBalancer]
	if !ok {
		if s.closing {
			return nil, nil // nobody reads any more
		}
		if len(s.lanes) >= maxLanes {
			return nil, errFull("too many load balancers are being changed at once")
		}
		l = s.startLane(loadBalancer)
	}
	for _, c := range changes {
		if l.overlay.lay(c) {
			news = append(news, c)
		}
	}
	return news, nil
}

// without returns the instances but one.
func without(instances []lsapi.Instance, id string) []lsapi.Instance {
	var others []lsapi.Instance
	for _, i := range instances {
		if i.ID != id {
			others = append(others, i)
		}
	}
	return others
}
