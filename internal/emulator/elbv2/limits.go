package elbv2

import "lsapi/internal/emulator/wire"

// describeAccountLimits returns the quotas that the emulator has.
func (s *Service) describeAccountLimits(c wire.Call) (any, error) {
	if _, err := pageSize(c.Query); err != nil {
		return nil, err
	}
	return describeAccountLimitsResult{Limits: list(
		limit{"application-load-balancers", s.maxLoadBalancers},
		limit{"network-load-balancers", s.maxLoadBalancers},
		limit{"target-groups", s.maxTargetGroups},
		limit{"targets-per-application-load-balancer", MaxTargets},
		limit{"targets-per-network-load-balancer", MaxTargets},
		limit{"listeners-per-application-load-balancer", maxListeners},
		limit{"listeners-per-network-load-balancer", maxListeners},
		limit{"rules-per-application-load-balancer", maxRules},
		limit{"condition-values-per-alb-rule", maxConditionValues},
		limit{"target-groups-per-action-on-application-load-balancer", maxGroupsInApplication},
		limit{"target-groups-per-action-on-network-load-balancer", maxGroupsInNetwork},
	)}, nil
}
