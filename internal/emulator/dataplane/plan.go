package dataplane

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options configure a Plane. The zero value has no limits.
type Options struct {
	// Concurrency is the limit of concurrent requests to each member; 0 is no limit.
	Concurrency int
	// Backends are the addresses, host:port, of real servers that replace emulated
	// instances, by instance id.
	Backends map[string]string
	// Log receives the changes of listeners and members. Default: none.
	Log *slog.Logger
}

// Plan is the complete state: all load balancers and all instances that are or were
// members of one.
type Plan struct {
	LoadBalancers []LoadBalancer
	Instances     []Instance
}

// LoadBalancer is a load balancer of a Plan.
type LoadBalancer struct {
	Name string
	// Zones are its availability zones, for the metrics by zone.
	Zones     []string
	Listeners []Listener
	Check     HealthCheck
	// Idle is the idle timeout of connections.
	Idle time.Duration
	// Drain is how long requests to a former member may take; 0 cuts them.
	Drain   time.Duration
	Members []Member
}

// Listener forwards a port of a load balancer to a port of its members. Only the protocols
// HTTP and TCP are supported.
type Listener struct {
	Protocol           string
	Port, InstancePort int
}

// HealthCheck configures the probes of members.
type HealthCheck struct {
	// Target is TCP:port, SSL:port, HTTP:port/path or HTTPS:port/path. Instances do not
	// support TLS: SSL and HTTPS only check that the port accepts connections.
	Target             string
	Interval, Timeout  time.Duration
	Unhealthy, Healthy int // thresholds of consecutive probes
}

// Member is a registered instance.
type Member struct {
	InstanceID string
	Zone       string
	// Since is the time of its registration or last start. It identifies the member
	// together with InstanceID.
	Since time.Time
	// Ready is the time of its first probe.
	Ready time.Time
	// Served is whether the load balancer routes requests to its zone.
	Served bool
}

// Instance is an instance of a Plan.
type Instance struct {
	ID string
	// Number is unique and determines the address.
	Number uint64
	// Running instances answer. Failing instances fail their health checks.
	Running, Failing bool
}

// Health is the state of a member according to its probes.
type Health int

// The states.
const (
	Registering Health = iota // not probed yet
	InService
	Failing    // failed its last probes
	Recovering // passes again, below the threshold
)

// memberPorts returns the ports that members must serve.
func (lb LoadBalancer) memberPorts() []int {
	var ports []int
	for _, l := range lb.Listeners {
		ports = append(ports, l.InstancePort)
	}
	if t, err := parseTarget(lb.Check.Target); err == nil {
		ports = append(ports, t.port)
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// target is a parsed HealthCheck.Target.
type target struct {
	http bool
	port int
	path string
}

func parseTarget(text string) (target, error) {
	protocol, rest, _ := strings.Cut(text, ":")
	port, path, hasPath := strings.Cut(rest, "/")
	number, err := strconv.Atoi(port)
	if err != nil || number < 1 || number > 65535 {
		return target{}, fmt.Errorf("the target %q has no port", text)
	}
	return target{http: protocol == "HTTP" && hasPath, port: number, path: "/" + path}, nil
}

// Traffic is the current traffic of a load balancer.
type Traffic struct {
	LoadBalancer string         `json:"loadBalancer"`
	Listeners    []OpenListener `json:"listeners"`
	Members      []Load         `json:"members"`
	// Waiting is the length of the surge queue. Spilled and Requests count since the
	// start.
	Waiting  int    `json:"waiting"`
	Spilled  uint64 `json:"spilled"`
	Requests uint64 `json:"requests"`
}

// OpenListener is a listener with its local address.
type OpenListener struct {
	Protocol string `json:"protocol"`
	Port     int    `json:"port"`
	// URL is empty if it is not open; Problem is the reason.
	URL     string `json:"url,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// Load is the load of a member or a draining instance.
type Load struct {
	InstanceID string   `json:"instanceId"`
	Addresses  []string `json:"addresses"`
	InService  bool     `json:"inService"`
	Draining   bool     `json:"draining,omitempty"`
	InFlight   int      `json:"inFlight"`
}
