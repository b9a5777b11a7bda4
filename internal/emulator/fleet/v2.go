package fleet

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/elbv2"
	"lsapi/internal/emulator/wire"
)

// TargetGroup is a target group of a Fleet. Zero fields have AWS's defaults.
type TargetGroup struct {
	Name string `yaml:"name"`
	// Type is "instance", the default, or "ip".
	Type     string `yaml:"type"`
	Protocol string `yaml:"protocol"` // HTTP when empty
	Port     int    `yaml:"port"`
	// HealthCheck is by HTTP for the protocols HTTP and HTTPS, else by TCP.
	HealthCheck TargetCheck `yaml:"healthCheck"`
	// Attributes are AWS's, such as deregistration_delay.timeout_seconds.
	Attributes map[string]string `yaml:"attributes"`
	Tags       map[string]string `yaml:"tags"`
	// Targets are ids of the fleet's instances or IP addresses, without a port (the
	// group's) or with one: i-0592fe5ccee879f04:9090.
	Targets []string `yaml:"targets"`
}

// TargetCheck is the health check of a target group. Times are whole seconds.
type TargetCheck struct {
	Protocol           string        `yaml:"protocol"`
	Port               string        `yaml:"port"` // "traffic-port", the default, or a number
	Path               string        `yaml:"path"`
	Matcher            string        `yaml:"matcher"` // expected statuses, such as "200-299,302"
	Interval           time.Duration `yaml:"interval"`
	Timeout            time.Duration `yaml:"timeout"`
	UnhealthyThreshold int           `yaml:"unhealthyThreshold"`
	HealthyThreshold   int           `yaml:"healthyThreshold"`
}

// LoadBalancerV2 is an Application or Network Load Balancer of a Fleet.
type LoadBalancerV2 struct {
	Name      string            `yaml:"name"`
	Scheme    string            `yaml:"scheme"` // "internet-facing", the default, or "internal"
	Zones     []string          `yaml:"zones"`  // a and b when empty
	Tags      map[string]string `yaml:"tags"`
	Listeners []ListenerV2      `yaml:"listeners"`
}

// ListenerV2 is a listener of a LoadBalancerV2.
type ListenerV2 struct {
	Protocol string `yaml:"protocol"`
	Port     int    `yaml:"port"`
	// Forward is the action for requests that no rule matches: weights by the names of
	// target groups.
	Forward map[string]int `yaml:"forward"`
	Rules   []Rule         `yaml:"rules"` // in the order of their priorities, from 1
}

// Rule forwards the requests that it matches, of an Application Load Balancer.
type Rule struct {
	Hosts   []string       `yaml:"hosts"`
	Paths   []string       `yaml:"paths"`
	Forward map[string]int `yaml:"forward"`
}

// addV2 adds the target groups, then the load balancers that forward to them. It reports
// what AWS would reject, with the YAML path.
func (f Fleet) addV2(s *elbv2.Service, region string, now time.Time, report func(path string, err error)) {
	arns := make(map[string]string, len(f.TargetGroups))
	registering := make(map[string]bool)
	for _, i := range f.Instances {
		registering[i.ID] = i.RegistrationDelay > 0
	}
	for index, g := range f.TargetGroups {
		path := fmt.Sprintf("$.targetGroups[%d]", index)
		arn, err := s.AddTargetGroup(g.parameters(), g.Attributes, defaultLaunched)
		report(path, err)
		if err != nil {
			continue
		}
		arns[g.Name] = arn
		targets := make([]elbv2.Target, len(g.Targets))
		for n, text := range g.Targets {
			targets[n] = g.target(text)
			targets[n].Since = defaultLaunched
			if registering[targets[n].ID] {
				targets[n].Since = now
			}
		}
		report(path+".targets", s.AddTargets(arn, targets, defaultLaunched))
	}
	a := adding{s, region, arns, report}
	for index, b := range f.ApplicationLoadBalancers {
		a.loadBalancer(fmt.Sprintf("$.applicationLoadBalancers[%d]", index), "application", b)
	}
	for index, b := range f.NetworkLoadBalancers {
		a.loadBalancer(fmt.Sprintf("$.networkLoadBalancers[%d]", index), "network", b)
	}
}

// adding adds load balancers to a service.
type adding struct {
	service *elbv2.Service
	region  string
	groups  map[string]string // ARNs by name
	report  func(path string, err error)
}

func (a adding) loadBalancer(path, kind string, b LoadBalancerV2) {
	arn, err := a.service.AddLoadBalancer(b.parameters(kind, a.region), defaultLaunched)
	a.report(path, err)
	if err != nil {
		return
	}
	for index, l := range b.Listeners {
		a.listener(fmt.Sprintf("%s.listeners[%d]", path, index), arn, l)
	}
}

func (a adding) listener(path, loadBalancer string, l ListenerV2) {
	p := make(wire.Query)
	set(p, "LoadBalancerArn", loadBalancer)
	set(p, "Protocol", l.Protocol)
	setNumber(p, "Port", l.Port)
	a.forward(p, "DefaultActions.member.1.", path, l.Forward)
	arn, err := a.service.AddListener(p, defaultLaunched)
	a.report(path, err)
	if err != nil {
		return
	}
	for index, r := range l.Rules {
		rulePath := fmt.Sprintf("%s.rules[%d]", path, index)
		p := make(wire.Query)
		set(p, "ListenerArn", arn)
		setNumber(p, "Priority", index+1)
		number := 0
		for _, c := range []struct {
			field  string
			values []string
		}{{"host-header", r.Hosts}, {"path-pattern", r.Paths}} {
			if len(c.values) == 0 {
				continue
			}
			number++
			prefix := fmt.Sprintf("Conditions.member.%d.", number)
			set(p, prefix+"Field", c.field)
			setList(p, prefix+"Values.member", c.values)
		}
		a.forward(p, "Actions.member.1.", rulePath, r.Forward)
		a.report(rulePath, a.service.AddRule(p, defaultLaunched))
	}
}

// forward sets the parameters of a forward action.
func (a adding) forward(p wire.Query, prefix, path string, weights map[string]int) {
	set(p, prefix+"Type", "forward")
	for n, name := range slices.Sorted(maps.Keys(weights)) {
		if a.groups[name] == "" {
			a.report(path+".forward", wire.ValidationFailed("%q is none of the fleet's target groups", name))
		}
		group := fmt.Sprintf("%sForwardConfig.TargetGroups.member.%d.", prefix, n+1)
		set(p, group+"TargetGroupArn", a.groups[name])
		p[group+"Weight"] = []string{strconv.Itoa(weights[name])}
	}
}

// parameters returns those of CreateTargetGroup.
func (g TargetGroup) parameters() wire.Query {
	p := make(wire.Query)
	set(p, "Name", g.Name)
	set(p, "TargetType", g.Type)
	set(p, "Protocol", g.protocol())
	setNumber(p, "Port", g.Port)
	set(p, "VpcId", account.VPCID)
	c := g.HealthCheck
	set(p, "HealthCheckProtocol", c.Protocol)
	set(p, "HealthCheckPort", c.Port)
	set(p, "HealthCheckPath", c.Path)
	set(p, "Matcher.HttpCode", c.Matcher)
	setNumber(p, "HealthCheckIntervalSeconds", seconds(c.Interval))
	setNumber(p, "HealthCheckTimeoutSeconds", seconds(c.Timeout))
	setNumber(p, "UnhealthyThresholdCount", c.UnhealthyThreshold)
	setNumber(p, "HealthyThresholdCount", c.HealthyThreshold)
	setTags(p, g.Tags)
	return p
}

func (g TargetGroup) protocol() string {
	if g.Protocol == "" {
		return "HTTP"
	}
	return g.Protocol
}

// target parses a target, without its time.
func (g TargetGroup) target(text string) elbv2.Target {
	id, digits, err := net.SplitHostPort(text)
	if err != nil {
		return elbv2.Target{ID: text, Port: g.Port}
	}
	port, err := strconv.Atoi(digits)
	if err != nil {
		return elbv2.Target{ID: text, Port: g.Port}
	}
	return elbv2.Target{ID: id, Port: port}
}

// parameters returns those of CreateLoadBalancer.
func (b LoadBalancerV2) parameters(kind, region string) wire.Query {
	p := make(wire.Query)
	set(p, "Name", b.Name)
	set(p, "Type", kind)
	set(p, "Scheme", b.Scheme)
	setTags(p, b.Tags)
	zones := b.Zones
	if len(zones) == 0 {
		zones = []string{"a", "b"}
	}
	subnets := make([]string, len(zones))
	for n, letter := range zones {
		subnets[n] = account.SubnetOf(region + letter)
	}
	setList(p, "Subnets.member", subnets)
	return p
}

// set sets a parameter that is not empty.
func set(p wire.Query, name, value string) {
	if value != "" {
		url.Values(p).Set(name, value)
	}
}

// setNumber sets a parameter that is not zero.
func setNumber(p wire.Query, name string, value int) {
	if value != 0 {
		set(p, name, strconv.Itoa(value))
	}
}

func setList(p wire.Query, prefix string, values []string) {
	for n, value := range values {
		p[fmt.Sprintf("%s.%d", prefix, n+1)] = []string{value}
	}
}

func setTags(p wire.Query, tags map[string]string) {
	for n, t := range account.TagsOf(tags) {
		prefix := fmt.Sprintf("Tags.member.%d.", n+1)
		p[prefix+"Key"], p[prefix+"Value"] = []string{t.Key}, []string{t.Value}
	}
}
