package elbv2

import (
	"fmt"
	"time"
)

// The types and schemes of load balancers.
const (
	typeApplication = "application"
	typeNetwork     = "network"

	schemeInternetFacing = "internet-facing"
	schemeInternal       = "internal"
)

// loadBalancer is an Application or Network Load Balancer.
type loadBalancer struct {
	arn            string
	path           string // in its ARN and those of its listeners: app/NAME/ID
	name           string
	kind           string // typeApplication or typeNetwork
	scheme         string
	dnsName        string
	zones          []string // sorted
	securityGroups []string
	attributes     map[string]string // immutable; those that were changed
	createdAt      time.Time
}

func (b *loadBalancer) key() string { return b.arn }

// listener is a port of a load balancer. Its default rule is a rule of its own.
type listener struct {
	arn          string
	path         string // in its ARN and those of its rules
	loadBalancer string // the ARN
	protocol     string
	port         int
	certificates []string
	actions      []action          // of the default rule
	attributes   map[string]string // immutable; those that were changed
}

func (l *listener) key() string { return l.arn }

// defaultPriority is the priority of a listener's default rule, above that of all others.
const defaultPriority = 50_001

// rule routes the requests of a listener that its conditions match. The default rule
// matches every request.
type rule struct {
	arn          string
	listener     string // the ARN, as the next one
	loadBalancer string
	priority     int
	conditions   []condition
	actions      []action
	forwards     map[string]time.Time // since when, by the ARN of a target group; immutable
}

// key sorts the rules of a listener by priority.
func (r *rule) key() string { return fmt.Sprintf("%05d", r.priority) }

func (r *rule) isDefault() bool { return r.priority == defaultPriority }

// The types of targets.
const (
	targetInstance = "instance"
	targetIP       = "ip"
	targetLambda   = "lambda"
	targetALB      = "alb"
)

const (
	addressesIPv4 = "ipv4"
	addressesIPv6 = "ipv6"
)

// targetGroup is the state of a target group.
type targetGroup struct {
	*groupCreation
	check      healthCheck
	attributes map[string]string // immutable; those that were changed
	targets    []target          // in the order of registration; the draining ones too
}

// groupCreation is the part of the state that is set at creation and never changes.
type groupCreation struct {
	arn             string
	name            string
	targetType      string
	protocol        string // empty for Lambda functions, as are the next two
	protocolVersion string
	port            int
	addresses       string // addressesIPv4 or addressesIPv6
}

func (g *targetGroup) key() string { return g.arn }

// forHTTP reports whether the group is one for Application Load Balancers.
func (g *groupCreation) forHTTP() bool {
	return g.targetType == targetLambda || g.protocol == "HTTP" || g.protocol == "HTTPS"
}

// everyZone is the availability zone of an IP address outside the VPC.
const everyZone = "all"

// target is a registered or draining target.
type target struct {
	targetKey
	zone    string // of an IP address
	since   time.Time
	drained time.Time // the end of draining; zero for a registered target
}

// targetKey identifies a target in its group. The ID is that of an instance, an IP address,
// or the ARN of a Lambda function, which has no port, or of a load balancer.
type targetKey struct {
	id   string
	port int
}

func (t target) draining() bool { return !t.drained.IsZero() }

// remains reports whether the target is registered or draining at t.
func (t target) remains(at time.Time) bool { return !t.draining() || at.Before(t.drained) }

// routing indexes the rules by what they connect. It can hold rules that are gone, or no longer
// forward to the target group.
type routing struct {
	byGroup    map[string][]string // ARNs of rules by the ARN of a target group
	byBalancer map[string][]string // ARNs of rules by the ARN of a load balancer
}
