package elbv2

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/ec2"
	"lsapi/internal/emulator/wire"
)

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

// arnPrefix precedes the type and path of a resource in its ARN.
func arnPrefix(a *account.Account) string {
	return "arn:aws:elasticloadbalancing:" + a.Region + ":" + account.ID + ":"
}

// validateName checks the name of a load balancer or target group, which its messages
// begin with.
func validateName(subject, name string) error {
	allowed := func(r rune) bool {
		return r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	switch {
	case name == "":
		var v wire.Validation
		v.Missing("name")
		return v.Err()
	case len(name) > 32:
		return wire.ValidationFailed("%s '%s' cannot be longer than '32' characters", subject, name)
	case strings.ContainsFunc(name, func(r rune) bool { return !allowed(r) }):
		return wire.ValidationFailed("%s '%s' can only contain characters that are alphanumeric characters or hyphens(-)", subject, name)
	case strings.HasPrefix(name, "-"), strings.HasSuffix(name, "-"):
		return wire.ValidationFailed("%s '%s' cannot begin or end with '-'", subject, name)
	}
	return nil
}

// oneOf adds the parameter to the violations if its value is none of those allowed.
func oneOf(v *wire.Validation, value, parameter string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		v.Fail(value, parameter, "Member must satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
	}
}

// quoted returns values for a message: 'a', 'b'.
func quoted(values []string) string { return "'" + strings.Join(values, "', '") + "'" }
