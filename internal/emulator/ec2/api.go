// Package ec2 emulates the instances of EC2.
package ec2

import (
	"slices"

	"lsapi/internal/emulator/wire"
)

// Version is the version of the API.
const Version = "2016-11-15"

// Each action has its own token bucket. Source: "Request throttling for the Amazon EC2
// API" in the EC2 developer guide.
var (
	listings = wire.Bucket{Name: "EC2 unfiltered reads", Size: 50, PerSecond: 10, PerAction: true}
	searches = wire.Bucket{Name: "EC2 filtered reads", Size: 100, PerSecond: 20, PerAction: true}
	changes  = wire.Bucket{Name: "EC2 changes", Size: 50, PerSecond: 5, PerAction: true}
	launches = wire.Bucket{Name: "EC2 launches", Size: 5, PerSecond: 2, PerAction: true}
)

// API returns the operations of the service.
func (s *Service) API() *wire.API {
	return &wire.API{
		Name: "ec2", Version: Version, Dialect: wire.EC2Dialect,
		Namespace: "http://ec2.amazonaws.com/doc/2016-11-15/",
		Operations: map[string]wire.Operation{
			"CreateTags":                {Perform: s.createTags, Bucket: changes.Always},
			"DescribeInstances":         {Perform: s.describeInstances, Bucket: describeBucket},
			"DescribeInstanceStatus":    {Perform: s.describeInstanceStatus, Bucket: describeBucket},
			"DescribeNetworkInterfaces": {Perform: s.describeNetworkInterfaces, Bucket: describeBucket},
			"DescribeSecurityGroups":    {Perform: s.describeSecurityGroups, Bucket: describeBucket},
			"RunInstances":              {Perform: s.runInstances, Bucket: launches.Always},
			"StartInstances":            {Perform: s.startInstances, Bucket: launches.Always},
			"StopInstances":             {Perform: s.stopInstances, Bucket: changes.Always},
			"TerminateInstances":        {Perform: s.terminateInstances, Bucket: changes.Always},
		},
	}
}

func describeBucket(q wire.Query) wire.Bucket {
	named := func(parameter string) bool { return len(q.Elements(parameter)) > 0 }
	if q.Has("MaxResults") || slices.ContainsFunc([]string{"Filter", "InstanceId", "GroupId", "GroupName", "NetworkInterfaceId"}, named) {
		return searches
	}
	return listings
}
