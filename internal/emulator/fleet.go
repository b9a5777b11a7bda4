package emulator

import (
	_ "embed"
	"fmt"
	"strings"
	"time"
)

// Fleet is what an account holds when the emulator starts. Its YAML form is
// what a fleet file has; demo.yaml shows all of it.
type Fleet struct {
	LoadBalancers []LoadBalancer `yaml:"loadBalancers"`
	Instances     []Instance     `yaml:"instances"`
	// RegistrationDelay is how long an instance takes from being registered, or
	// started while it is a member, until it is in service.
	// DefaultRegistrationDelay when 0.
	RegistrationDelay time.Duration `yaml:"registrationDelay"`
	// StartDelay is how long an instance is pending before it runs, stopping
	// before it is stopped, and shutting down before it is terminated.
	StartDelay time.Duration `yaml:"startDelay"`
}

// LoadBalancer is a Classic load balancer of a Fleet.
type LoadBalancer struct {
	Name string `yaml:"name"`
	// Scheme is "internet-facing" when empty, or "internal".
	Scheme string `yaml:"scheme"`
	// Zones are the letters of the availability zones that it serves; a and b
	// when empty.
	Zones []string `yaml:"zones"`
	// Listeners are HTTP on port 80 to HTTP on port 80 when empty.
	Listeners   []Listener        `yaml:"listeners"`
	HealthCheck *HealthCheck      `yaml:"healthCheck"`
	Draining    *Draining         `yaml:"draining"` // nil: connection draining is off
	CrossZone   bool              `yaml:"crossZone"`
	Tags        map[string]string `yaml:"tags"`
	// Members are the ids of its instances, which must be among the fleet's.
	Members []string `yaml:"members"`
}

// Listener is a port of a load balancer and where it leads.
type Listener struct {
	Protocol         string `yaml:"protocol"` // HTTP, HTTPS, TCP or SSL
	Port             int    `yaml:"port"`
	InstanceProtocol string `yaml:"instanceProtocol"` // Protocol's, decrypted, when empty
	InstancePort     int    `yaml:"instancePort"`
	Certificate      string `yaml:"certificate"` // for HTTPS and SSL
}

// HealthCheck is a load balancer's check of its members. What is 0 or empty has
// AWS's default. Times are whole seconds.
type HealthCheck struct {
	Target             string        `yaml:"target"` // such as "HTTP:8000/healthcheck"
	Interval           time.Duration `yaml:"interval"`
	Timeout            time.Duration `yaml:"timeout"`
	UnhealthyThreshold int           `yaml:"unhealthyThreshold"`
	HealthyThreshold   int           `yaml:"healthyThreshold"`
}

// Draining is connection draining that is on.
type Draining struct {
	// Timeout is the attribute of AWS, whole seconds; 300 s when 0.
	Timeout time.Duration `yaml:"timeout"`
	// Lasts is how long requests in flight take when an instance leaves; the
	// timeout cuts it short. DefaultDrainTime when 0.
	Lasts time.Duration `yaml:"lasts"`
}

// Instance is an EC2 instance of a Fleet.
type Instance struct {
	ID   string `yaml:"id"`
	Type string `yaml:"type"` // t3.micro when empty
	// State is "running" when empty, "pending", "stopping", "stopped",
	// "shutting-down", "terminated" (since the emulator started, so that EC2
	// describes it for a while yet), or "gone": EC2 knows it no longer, though
	// it may linger as a member.
	State string `yaml:"state"`
	// Launched is when it was last started.
	Launched time.Time `yaml:"launched"`
	// Zone is the letter of its availability zone; a when empty.
	Zone string            `yaml:"zone"`
	Tags map[string]string `yaml:"tags"`
	// Healthy is whether it passes health checks; nil means true. Description
	// says why it does not, in one of AWS's sentences when empty.
	Healthy     *bool  `yaml:"healthy"`
	Description string `yaml:"description"`
	// RegistrationDelay and StartDelay are as in Fleet, for this instance. A
	// member with a RegistrationDelay of its own is registering when the
	// emulator starts; others have long been in service.
	RegistrationDelay time.Duration `yaml:"registrationDelay"`
	StartDelay        time.Duration `yaml:"startDelay"`
}

const stateGone = "gone"

//go:embed demo.yaml
var demoFile []byte

// ParseFleet returns the fleet that a specification stands for:
//
//   - "demo": two small load balancers, see demo.yaml
//   - "empty": nothing
//   - "100x20": 100 load balancers of 20 members each, see Generate
//   - anything with a path separator or that ends in .yaml or .yml: a file
//
// Errors about a file name the file, the line and the reason.
func ParseFleet(spec string) (Fleet, error) {
	if strings.ContainsAny(spec, `/\`) || strings.HasSuffix(spec, ".yaml") || strings.HasSuffix(spec, ".yml") {
		return readFleetFile(spec)
	}
	switch spec {
	case "demo":
		return decodeFleet("demo.yaml", demoFile)
	case "empty":
		return Fleet{}, nil
	}
	balancers, members, ok := parseSize(spec)
	if !ok {
		return Fleet{}, fmt.Errorf("fleet %q is none of demo, empty, LBSxMEMBERS (such as 100x20) and FILE.yaml", spec)
	}
	return Generate(balancers, members)
}
