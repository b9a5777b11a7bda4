package elbv2

import (
	"fmt"
	"hash/fnv"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/ec2"
)

// Service holds the load balancers, target groups, listeners and rules. It is not safe for
// concurrent use, but its answers may be encoded concurrently with later calls.
type Service struct {
	// Plane is the data plane that decides health; nil: it follows from the clock.
	Plane *dataplane.Plane

	account   *account.Account
	instances *ec2.Service

	loadBalancers *collection[loadBalancer]
	targetGroups  *collection[targetGroup]
	listeners     *collection[listener]
	rules         *collection[rule]
	tags          *collection[[]account.Tag] // by the ARN of their resource
	routing       routing

	maxLoadBalancers int // of each type
	maxTargetGroups  int
	created          uint64 // the number of ARNs ever made
}

// New returns a service without resources.
func New(a *account.Account, instances *ec2.Service) *Service {
	return &Service{
		account: a, instances: instances,
		loadBalancers: newCollection[loadBalancer](a, "loadbalancer", "load balancer", "LoadBalancerNotFound"),
		targetGroups:  newCollection[targetGroup](a, "targetgroup", "target group", "TargetGroupNotFound"),
		listeners:     newCollection[listener](a, "listener", "listener", "ListenerNotFound"),
		rules:         newCollection[rule](a, "listener-rule", "listener rule", "RuleNotFound"),
		tags:          newCollection[[]account.Tag](a, "", "resource", "ResourceNotFound"),
		routing:       routing{map[string][]string{}, map[string][]string{}},

		maxLoadBalancers: defaultMaxLoadBalancers, maxTargetGroups: defaultMaxTargetGroups,
	}
}

// newID returns the last part of an ARN. It is the same in every run for the same calls.
func (s *Service) newID(path string) string {
	s.created++
	hash := fnv.New64a()
	fmt.Fprint(hash, path, " ", s.created) // never fails
	return fmt.Sprintf("%016x", hash.Sum64())
}
