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
	LoadBalancers []LoadBalancer // the Classic ones
	TargetGroups  []TargetGroup  // those that Routers forward to
	Routers       []Router       // the Application and Network Load Balancers
	Instances     []Instance
}

// LoadBalancer is a Classic load balancer of a Plan.
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
	// Stickiness is that of HTTP listeners, by port.
	Stickiness map[int]Stickiness
	// ProxyPorts are the instance ports to which connections of TCP listeners begin with the
	// PROXY header.
	ProxyPorts []int
}

// Stickiness binds the requests of a client to a member, with the cookie AWSELB.
type Stickiness struct {
	// Cookie is the name of an application's cookie: a client is bound as long as it has that.
	// Empty: as long as it has AWSELB.
	Cookie string
	// MaxAge is the lifetime of AWSELB without an application's cookie; 0: as long as the
	// browser runs.
	MaxAge time.Duration
}

// Listener forwards a port of a load balancer to a port of its members. Only the protocols
// HTTP and TCP are supported. The members of target groups have ports of their own.
type Listener struct {
	Protocol           string
	Port, InstancePort int
}

// TargetGroup is a target group of a Plan.
type TargetGroup struct {
	ARN   string // the key
	Name  string
	Check HealthCheck
	// Algorithm selects the target of a request: "round_robin",
	// "least_outstanding_requests" or "weighted_random", as in AWS.
	Algorithm string
	// Drain is how long requests to a former target may take.
	Drain time.Duration
	// SlowStart is how long the share of a new target grows in the round robin; 0 is off.
	SlowStart time.Duration
	// With fewer healthy targets than MinHealthy, or MinHealthyPercent of all, the group
	// fails open: all targets get requests.
	MinHealthy, MinHealthyPercent int
	Members                       []Member
}

// Router is an Application or Network Load Balancer of a Plan.
type Router struct {
	ARN     string // the key
	Name    string
	Network bool
	// Zones are its availability zones, for the metrics by zone.
	Zones     []string
	Idle      time.Duration
	Listeners []RuledListener
}

// RuledListener is a listener with rules. The first that matches a request applies; the
// last one matches every request.
type RuledListener struct {
	Listener
	Rules []Rule
}

// Rule has an action for the requests that match its patterns.
type Rule struct {
	Hosts, Paths []string // patterns with * and ?; empty: any
	// One of these is the action.
	Forward  []WeightedGroup
	Fixed    *FixedResponse
	Redirect *Redirect
}

// WeightedGroup is a target group, by ARN, that gets a share of the requests.
type WeightedGroup struct {
	ARN    string
	Weight int
}

// FixedResponse is the answer of a rule.
type FixedResponse struct {
	Status            int
	ContentType, Body string
}

// Redirect is the redirection of a rule. Its texts may contain #{protocol}, #{host},
// #{port}, #{path} and #{query}.
type Redirect struct {
	Status                            int
	Protocol, Host, Port, Path, Query string
}

// HealthCheck configures the probes of members.
type HealthCheck struct {
	// Target is TCP:port, SSL:port, HTTP:port/path or HTTPS:port/path. The port can be
	// traffic-port, the member's own. Instances do not support TLS: SSL and HTTPS only
	// check that the port accepts connections.
	Target string
	// Codes are the statuses that pass, such as "200-299,302"; 200 when empty.
	Codes              string
	UserAgent          string // of HTTP checks; that of Classic load balancers when empty
	Interval, Timeout  time.Duration
	Unhealthy, Healthy int // thresholds of consecutive probes
}

// Member is a registered instance or target.
type Member struct {
	InstanceID string
	TargetID   string // the IP address of a target that is registered by it
	Port       int    // of a target; 0: that of the listener
	Zone       string
	// Since is the time of its registration or last start. It identifies the member
	// together with the fields above.
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
	// Running instances answer. Failing instances fail their health checks, or those of
	// FailingPorts.
	Running, Failing bool
	FailingPorts     map[int]bool
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

// FailureReason is why a probe failed.
type FailureReason int

// The reasons.
const (
	Unreachable FailureReason = iota // no connection, or no valid response
	TimedOut
	WrongStatus
)

// Failure is a failed probe.
type Failure struct {
	Reason FailureReason
	Status int // of WrongStatus
}

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

// portsOf returns the ports that a member must serve.
func (g TargetGroup) portsOf(m Member) []int {
	ports := []int{m.Port}
	if t, err := parseTarget(g.Check.Target); err == nil && t.port != 0 && t.port != m.Port {
		ports = append(ports, t.port)
	}
	return ports
}

// target is a parsed HealthCheck.Target.
type target struct {
	http bool
	port int // 0: the member's own
	path string
}

// trafficPort is the port of a target that stands for the member's own.
const trafficPort = "traffic-port"

func parseTarget(text string) (target, error) {
	protocol, rest, _ := strings.Cut(text, ":")
	port, path, hasPath := strings.Cut(rest, "/")
	if port == trafficPort {
		return target{http: protocol == "HTTP" && hasPath, path: "/" + path}, nil
	}
	number, err := strconv.Atoi(port)
	if err != nil || number < 1 || number > 65535 {
		return target{}, fmt.Errorf("the target %q has no port", text)
	}
	return target{http: protocol == "HTTP" && hasPath, port: number, path: "/" + path}, nil
}

// Traffic is the current traffic of a load balancer.
type Traffic struct {
	LoadBalancer string `json:"loadBalancer"`
	// Type is classic, application or network.
	Type      string         `json:"type"`
	Listeners []OpenListener `json:"listeners"`
	Members   []Load         `json:"members"`
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
	InstanceID  string   `json:"instanceId"`
	TargetGroup string   `json:"targetGroup,omitempty"`
	Port        int      `json:"port,omitempty"` // of a target
	Addresses   []string `json:"addresses"`
	InService   bool     `json:"inService"`
	Draining    bool     `json:"draining,omitempty"`
	InFlight    int      `json:"inFlight"`
}

// The types of load balancers in Traffic.
const (
	typeClassic     = "classic"
	typeApplication = "application"
	typeNetwork     = "network"
)
