package lsapi

import (
	"reflect"
	"time"
)

// Pool is a pool as AWS lists it.
type Pool struct {
	ID PoolID
	// Members are the ids of its members, in AWS's order.
	Members []MemberID
	// MembersUnlisted is whether AWS lists the pool without its members, which takes a call
	// for each pool.
	MembersUnlisted bool
	// Description is its configuration. It is immutable: equal pointers have equal contents.
	// Nil if unknown.
	Description *Description
}

// PoolRead is what a read of one pool found.
type PoolRead struct {
	// Members are the ids of its members, in AWS's order.
	Members []MemberID
	// Health has the health of the members and of those that drain. Nil if it takes a call of
	// its own.
	Health []MemberHealth
	// Incarnation differs between pools that were made one after the other under one name.
	// Empty if unknown.
	Incarnation string
}

// Description is the part of a pool's configuration that AWS lists. Fields that a kind of
// pool does not have are zero.
type Description struct {
	// ARN identifies a target group: a group that is deleted and made again under its name
	// has another one.
	ARN string
	// TargetType is what its members are.
	TargetType TargetType
	// Port is the port of members that are registered without one. 0: members have no port.
	Port uint16
	// Protocol is that of the traffic to a target group's members, such as "HTTP".
	Protocol string
	// LoadBalancers are the ARNs of the load balancers that route to a target group.
	LoadBalancers []string

	DNSName string
	// Scheme is "internet-facing" or "internal".
	Scheme string
	// VPCID is the id of its VPC. Empty in EC2-Classic.
	VPCID string
	// Zones are the names of its availability zones, sorted.
	Zones       []string
	Listeners   []Listener
	HealthCheck HealthCheck
	CreatedAt   time.Time
}

// Incarnation returns PoolRead.Incarnation of the pool. Empty for nil.
func (d *Description) Incarnation() string {
	switch {
	case d == nil:
		return ""
	case d.ARN != "" || d.CreatedAt.IsZero():
		return d.ARN
	}
	return d.CreatedAt.UTC().Format(time.RFC3339Nano)
}

// TargetType is what the members of a pool are, in AWS's words.
type TargetType string

// The types. Members of the last two are shown and never changed.
const (
	TargetInstance TargetType = "instance"
	TargetIP       TargetType = "ip"
	TargetLambda   TargetType = "lambda"
	TargetALB      TargetType = "alb"
)

// Equal reports whether two descriptions have equal contents.
func (d *Description) Equal(other *Description) bool {
	return d == other || d != nil && other != nil && reflect.DeepEqual(d, other)
}

// CheckChangeable returns an error if the members of a pool with a description, nil if
// unknown, are never changed (CodeNotChangeable), or if that is unknown (CodeUnavailable).
func CheckChangeable(pool PoolID, d *Description) error {
	switch {
	case pool.Kind == KindELB:
		return nil
	case d == nil:
		return Errorf(CodeUnavailable, "the target group has not been read yet")
	case d.TargetType == TargetLambda || d.TargetType == TargetALB:
		return Errorf(CodeNotChangeable, "the targets of a group of type %s are shown, and never changed", d.TargetType)
	}
	return nil
}

// ResolveMember returns the id that a member has in a pool with a description, nil if unknown:
// without a port, a member of a target group has the group's.
//
// Errors: CodeInvalid if the pool has no such members, and those of CheckChangeable.
func ResolveMember(pool PoolID, d *Description, member MemberID) (MemberID, error) {
	if err := CheckChangeable(pool, d); err != nil {
		return MemberID{}, err
	}
	switch {
	case pool.Kind == KindELB && member != InstanceMember(member.Instance):
		return MemberID{}, Errorf(CodeInvalid, "members of a Classic load balancer are instances, without a port")
	case pool.Kind == KindELB:
		return member, nil
	case d.TargetType == TargetIP && member.Instance != "":
		return MemberID{}, Errorf(CodeInvalid, "members of this target group are IP addresses")
	case d.TargetType == TargetInstance && member.Instance == "":
		return MemberID{}, Errorf(CodeInvalid, "members of this target group are instances")
	}
	if member.Port == 0 {
		member.Port = d.Port
	}
	return member, nil
}

// Listener is a port of a Classic load balancer and its target.
type Listener struct {
	// Protocol and InstanceProtocol are HTTP, HTTPS, TCP or SSL.
	Protocol         string
	Port             int
	InstanceProtocol string
	InstancePort     int
	// Certificate is the ARN of the certificate. Empty for HTTP and TCP.
	Certificate string
}

// HealthCheck is the health check of a pool.
type HealthCheck struct {
	// Target is a protocol, a port and a path, such as "HTTP:8000/healthcheck".
	Target             string
	Interval, Timeout  time.Duration
	UnhealthyThreshold int
	HealthyThreshold   int
	// Matcher has the codes of healthy responses, such as "200-299". Empty if the kind of
	// pool or the protocol has none.
	Matcher string
}

// Attributes are the settings of a pool that AWS does not list.
type Attributes struct {
	// Draining is whether the requests in flight of a detached instance may finish, within
	// DrainingTimeout.
	Draining        bool
	DrainingTimeout time.Duration
	CrossZone       bool
	IdleTimeout     time.Duration
}

// Route is a listener that forwards to a target group, by one of its rules or by default.
type Route struct {
	// LoadBalancer is the ARN of the listener's load balancer.
	LoadBalancer string
	// Protocol and Port are the listener's.
	Protocol string
	Port     int
	// Priority is that of the rule. 0 is the default rule.
	Priority int
	// Conditions are those of the rule, such as "path-pattern /api/*". A request meets all.
	Conditions []string
	// Weight is the group's among those of the rule. Nil if it is the only one.
	Weight *int
}
