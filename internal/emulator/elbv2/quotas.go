package elbv2

// AWS's quotas.
const (
	defaultMaxLoadBalancers = 50   // of each type
	defaultMaxTargetGroups  = 3000 // per region
	// MaxTargets is the quota of a target group and of a load balancer.
	MaxTargets             = 1000
	maxListeners           = 50  // per load balancer
	maxRules               = 100 // per load balancer, without the default rules
	maxConditionValues     = 5   // per rule
	maxGroupsInApplication = 5   // per action of an Application Load Balancer
	maxGroupsInNetwork     = 1   // per action of a Network Load Balancer
)
