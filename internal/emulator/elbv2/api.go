// Package elbv2 emulates the Application and Network Load Balancers of Elastic Load
// Balancing and their target groups.
//
// Error codes and descriptions of health are AWS's. So are the messages of users' reports:
// resources that are not found, duplicate or in use, names, subnets, instances that do not
// run, disabled health checks, and quotas of targets. The other messages are inferred.
package elbv2

import "lsapi/internal/emulator/wire"

// Version is the version of the API.
const Version = "2015-12-01"

// The token buckets are separate from those of Classic load balancers. Sources: "API
// request throttling" in the ELB documentation for reads, the settings of controllers in
// production for writes.
var (
	reads  = wire.Bucket{Name: "ELBv2 reads", Size: 40, PerSecond: 10}
	writes = wire.Bucket{Name: "ELBv2 writes", Size: 20, PerSecond: 4}
)

// API returns the operations of the service.
func (s *Service) API() *wire.API {
	return &wire.API{
		Name: "elasticloadbalancing", Version: Version, Dialect: wire.QueryDialect,
		Namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
		Operations: map[string]wire.Operation{
			"AddTags":                        {Perform: s.addTags, Bucket: writes.Always},
			"CreateListener":                 {Perform: s.createListener, Bucket: writes.Always},
			"CreateLoadBalancer":             {Perform: s.createLoadBalancer, Bucket: writes.Always},
			"CreateRule":                     {Perform: s.createRule, Bucket: writes.Always},
			"CreateTargetGroup":              {Perform: s.createTargetGroup, Bucket: writes.Always},
			"DeleteListener":                 {Perform: s.deleteListener, Bucket: writes.Always},
			"DeleteLoadBalancer":             {Perform: s.deleteLoadBalancer, Bucket: writes.Always},
			"DeleteRule":                     {Perform: s.deleteRule, Bucket: writes.Always},
			"DeleteTargetGroup":              {Perform: s.deleteTargetGroup, Bucket: writes.Always},
			"DeregisterTargets":              {Perform: s.deregisterTargets, Bucket: writes.Always},
			"DescribeAccountLimits":          {Perform: s.describeAccountLimits, Bucket: reads.Always},
			"DescribeListenerAttributes":     {Perform: s.describeListenerAttributes, Bucket: reads.Always},
			"DescribeListeners":              {Perform: s.describeListeners, Bucket: reads.Always},
			"DescribeLoadBalancerAttributes": {Perform: s.describeBalancerAttributes, Bucket: reads.Always},
			"DescribeLoadBalancers":          {Perform: s.describeLoadBalancers, Bucket: reads.Always},
			"DescribeRules":                  {Perform: s.describeRules, Bucket: reads.Always},
			"DescribeTags":                   {Perform: s.describeTags, Bucket: reads.Always},
			"DescribeTargetGroupAttributes":  {Perform: s.describeAttributes, Bucket: reads.Always},
			"DescribeTargetGroups":           {Perform: s.describeTargetGroups, Bucket: reads.Always},
			"DescribeTargetHealth":           {Perform: s.describeTargetHealth, Bucket: reads.Always},
			"ModifyListener":                 {Perform: s.modifyListener, Bucket: writes.Always},
			"ModifyListenerAttributes":       {Perform: s.modifyListenerAttributes, Bucket: writes.Always},
			"ModifyLoadBalancerAttributes":   {Perform: s.modifyBalancerAttributes, Bucket: writes.Always},
			"ModifyRule":                     {Perform: s.modifyRule, Bucket: writes.Always},
			"ModifyTargetGroup":              {Perform: s.modifyTargetGroup, Bucket: writes.Always},
			"ModifyTargetGroupAttributes":    {Perform: s.modifyAttributes, Bucket: writes.Always},
			"RegisterTargets":                {Perform: s.registerTargets, Bucket: writes.Always},
			"RemoveTags":                     {Perform: s.removeTags, Bucket: writes.Always},
			"SetRulePriorities":              {Perform: s.setRulePriorities, Bucket: writes.Always},
			"SetSecurityGroups":              {Perform: s.setSecurityGroups, Bucket: writes.Always},
			"SetSubnets":                     {Perform: s.setSubnets, Bucket: writes.Always},
		},
	}
}
