// Package elb emulates Classic Load Balancing.
package elb

import "lsapi/internal/emulator/wire"

// Version is the version of the API.
const Version = "2012-06-01"

// All reads share a token bucket, and so do all writes. Sources: "API request
// throttling" in the ELB documentation for reads, the settings of controllers in
// production for writes.
var (
	reads  = wire.Bucket{Name: "ELB reads", Size: 40, PerSecond: 10}
	writes = wire.Bucket{Name: "ELB writes", Size: 20, PerSecond: 4}
)

// API returns the operations of the service.
func (s *Service) API() *wire.API {
	return &wire.API{
		Name: "elasticloadbalancing", Version: Version, Dialect: wire.QueryDialect,
		Namespace: "http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/",
		Operations: map[string]wire.Operation{
			"AddTags":                                 {Perform: s.addTags, Bucket: writes.Always},
			"ApplySecurityGroupsToLoadBalancer":       {Perform: s.applySecurityGroups, Bucket: writes.Always},
			"AttachLoadBalancerToSubnets":             {Perform: s.attachToSubnets, Bucket: writes.Always},
			"ConfigureHealthCheck":                    {Perform: s.configureHealthCheck, Bucket: writes.Always},
			"CreateAppCookieStickinessPolicy":         {Perform: s.createAppCookiePolicy, Bucket: writes.Always},
			"CreateLBCookieStickinessPolicy":          {Perform: s.createLBCookiePolicy, Bucket: writes.Always},
			"CreateLoadBalancer":                      {Perform: s.createLoadBalancer, Bucket: writes.Always},
			"CreateLoadBalancerListeners":             {Perform: s.createListeners, Bucket: writes.Always},
			"CreateLoadBalancerPolicy":                {Perform: s.createLoadBalancerPolicy, Bucket: writes.Always},
			"DeleteLoadBalancer":                      {Perform: s.deleteLoadBalancer, Bucket: writes.Always},
			"DeleteLoadBalancerListeners":             {Perform: s.deleteListeners, Bucket: writes.Always},
			"DeleteLoadBalancerPolicy":                {Perform: s.deletePolicy, Bucket: writes.Always},
			"DeregisterInstancesFromLoadBalancer":     {Perform: s.deregisterInstances, Bucket: writes.Always},
			"DescribeAccountLimits":                   {Perform: s.describeAccountLimits, Bucket: reads.Always},
			"DescribeInstanceHealth":                  {Perform: s.describeInstanceHealth, Bucket: reads.Always},
			"DescribeLoadBalancerAttributes":          {Perform: s.describeAttributes, Bucket: reads.Always},
			"DescribeLoadBalancerPolicies":            {Perform: s.describePolicies, Bucket: reads.Always},
			"DescribeLoadBalancerPolicyTypes":         {Perform: s.describePolicyTypes, Bucket: reads.Always},
			"DescribeLoadBalancers":                   {Perform: s.describeLoadBalancers, Bucket: reads.Always},
			"DescribeTags":                            {Perform: s.describeTags, Bucket: reads.Always},
			"DetachLoadBalancerFromSubnets":           {Perform: s.detachFromSubnets, Bucket: writes.Always},
			"DisableAvailabilityZonesForLoadBalancer": {Perform: s.disableZones, Bucket: writes.Always},
			"EnableAvailabilityZonesForLoadBalancer":  {Perform: s.enableZones, Bucket: writes.Always},
			"ModifyLoadBalancerAttributes":            {Perform: s.modifyAttributes, Bucket: writes.Always},
			"RegisterInstancesWithLoadBalancer":       {Perform: s.registerInstances, Bucket: writes.Always},
			"RemoveTags":                              {Perform: s.removeTags, Bucket: writes.Always},
			"SetLoadBalancerPoliciesForBackendServer": {Perform: s.setInstancePolicies, Bucket: writes.Always},
			"SetLoadBalancerPoliciesOfListener":       {Perform: s.setListenerPolicies, Bucket: writes.Always},
		},
	}
}
