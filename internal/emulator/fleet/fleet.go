// Package fleet defines the initial load balancers, target groups and instances of the
// emulator.
package fleet

import "time"

// Fleet is the initial content of the account. demo.yaml shows all fields of its YAML
// form.
type Fleet struct {
	LoadBalancers            []LoadBalancer   `yaml:"loadBalancers"` // the Classic ones
	TargetGroups             []TargetGroup    `yaml:"targetGroups"`
	ApplicationLoadBalancers []LoadBalancerV2 `yaml:"applicationLoadBalancers"`
	NetworkLoadBalancers     []LoadBalancerV2 `yaml:"networkLoadBalancers"`
	Instances                []Instance       `yaml:"instances"`
	// RegistrationDelay is the time until an instance is in service, after it was
	// registered, or started as a member. ec2.DefaultRegistrationDelay when 0.
	RegistrationDelay time.Duration `yaml:"registrationDelay"`
	// StartDelay is the time from pending to running, from stopping to stopped, and
	// from shutting-down to terminated.
	StartDelay time.Duration `yaml:"startDelay"`
}

// LoadBalancer is a Classic load balancer of a Fleet.
type LoadBalancer struct {
	Name string `yaml:"name"`
	// Scheme is "internet-facing", the default, or "internal".
	Scheme string `yaml:"scheme"`
	// Zones are the letters of its availability zones; a and b when empty.
	Zones []string `yaml:"zones"`
	// Listeners forward HTTP from port 80 to port 80 when empty.
	Listeners   []Listener        `yaml:"listeners"`
	HealthCheck *HealthCheck      `yaml:"healthCheck"`
	Draining    *Draining         `yaml:"draining"` // nil: connection draining is off
	CrossZone   bool              `yaml:"crossZone"`
	Tags        map[string]string `yaml:"tags"`
	// Members are ids of the fleet's instances.
	Members []string `yaml:"members"`
}

// Listener forwards a port of a load balancer.
type Listener struct {
	Protocol         string `yaml:"protocol"` // HTTP, HTTPS, TCP or SSL
	Port             int    `yaml:"port"`
	InstanceProtocol string `yaml:"instanceProtocol"` // default: Protocol, decrypted
	InstancePort     int    `yaml:"instancePort"`
	Certificate      string `yaml:"certificate"` // for HTTPS and SSL
}

// HealthCheck is a load balancer's health check. Zero fields have AWS's defaults. Times
// are whole seconds.
type HealthCheck struct {
	Target             string        `yaml:"target"` // such as "HTTP:8000/healthcheck"
	Interval           time.Duration `yaml:"interval"`
	Timeout            time.Duration `yaml:"timeout"`
	UnhealthyThreshold int           `yaml:"unhealthyThreshold"`
	HealthyThreshold   int           `yaml:"healthyThreshold"`
}

// Draining is enabled connection draining.
type Draining struct {
	// Timeout is in whole seconds; 300 s when 0.
	Timeout time.Duration `yaml:"timeout"`
	// Lasts is how long in-flight requests to a deregistered instance take, at most
	// Timeout. elb.DefaultDrainTime when 0.
	Lasts time.Duration `yaml:"lasts"`
}

// Instance is an EC2 instance of a Fleet.
type Instance struct {
	ID   string `yaml:"id"`
	Type string `yaml:"type"` // t3.micro when empty
	// State is "running", the default, "pending", "stopping", "stopped",
	// "shutting-down", "terminated" (when the emulator starts, so EC2 still describes
	// it), or "gone" (EC2 no longer describes it, but it can still be a member).
	State string `yaml:"state"`
	// Launched is the last start.
	Launched time.Time `yaml:"launched"`
	// Zone is the letter of its availability zone; a when empty.
	Zone string            `yaml:"zone"`
	Tags map[string]string `yaml:"tags"`
	// Healthy is whether it passes health checks, the default. Description is the
	// reason in its health when it fails; AWS's usual one when empty.
	Healthy     *bool  `yaml:"healthy"`
	Description string `yaml:"description"`
	// RegistrationDelay and StartDelay override those of the Fleet. A member with a
	// RegistrationDelay is still registering when the emulator starts; others are in
	// service.
	RegistrationDelay time.Duration `yaml:"registrationDelay"`
	StartDelay        time.Duration `yaml:"startDelay"`
}
