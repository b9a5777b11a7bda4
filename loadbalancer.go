package lsapi

import (
	"reflect"
	"time"
)

// Pool is what AWS says of a load balancer when it lists it.
type Pool struct {
	Name string
	// Members are the ids of its members, in AWS's order.
	Members []string
	// Description is how it is set up. It is never changed: the same pointer says
	// the same. Nil when that is not known.
	Description *Description
}

// Description is how a load balancer is set up, as far as listing it tells.
type Description struct {
	DNSName string
	// Scheme is "internet-facing" or "internal".
	Scheme string
	// Zones are the names of its availability zones, sorted.
	Zones       []string
	Listeners   []Listener
	HealthCheck HealthCheck
	CreatedAt   time.Time
}

// Equal reports whether two descriptions say the same.
func (d *Description) Equal(other *Description) bool {
	return d == other || d != nil && other != nil && reflect.DeepEqual(d, other)
}

// Listener is a port of a load balancer, and where it leads.
type Listener struct {
	// Protocol and InstanceProtocol are HTTP, HTTPS, TCP or SSL.
	Protocol         string
	Port             int
	InstanceProtocol string
	InstancePort     int
	// Certificate is the ARN of the certificate. Empty for HTTP and TCP.
	Certificate string
}

// HealthCheck is how a load balancer finds out whether its members serve.
type HealthCheck struct {
	// Target is a protocol, a port and a path, such as "HTTP:8000/healthcheck".
	Target             string
	Interval, Timeout  time.Duration
	UnhealthyThreshold int
	HealthyThreshold   int
}

// Attributes are the settings of a load balancer that listing it does not tell.
type Attributes struct {
	// Draining is whether requests in flight may finish when an instance is
	// detached, and DrainingTimeout for how long.
	Draining        bool
	DrainingTimeout time.Duration
	CrossZone       bool
	IdleTimeout     time.Duration
}
