package lsapi

import (
	"reflect"
	"time"
)

// Pool is a load balancer as AWS lists it.
type Pool struct {
	ID PoolID
	// Members are the ids of its members, in AWS's order.
	Members []MemberID
	// Description is its configuration. It is immutable: equal pointers have equal contents.
	// Nil if unknown.
	Description *Description
}

// Description is the part of a load balancer's configuration that AWS lists.
type Description struct {
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

// Equal reports whether two descriptions have equal contents.
func (d *Description) Equal(other *Description) bool {
	return d == other || d != nil && other != nil && reflect.DeepEqual(d, other)
}

// Listener is a port of a load balancer and its target.
type Listener struct {
	// Protocol and InstanceProtocol are HTTP, HTTPS, TCP or SSL.
	Protocol         string
	Port             int
	InstanceProtocol string
	InstancePort     int
	// Certificate is the ARN of the certificate. Empty for HTTP and TCP.
	Certificate string
}

// HealthCheck is the health check of a load balancer's members.
type HealthCheck struct {
	// Target is a protocol, a port and a path, such as "HTTP:8000/healthcheck".
	Target             string
	Interval, Timeout  time.Duration
	UnhealthyThreshold int
	HealthyThreshold   int
}

// Attributes are the settings of a load balancer that AWS does not list.
type Attributes struct {
	// Draining is whether the requests in flight of a detached instance may finish, within
	// DrainingTimeout.
	Draining        bool
	DrainingTimeout time.Duration
	CrossZone       bool
	IdleTimeout     time.Duration
}
