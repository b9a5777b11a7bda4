package elb

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/wire"
)

// The types of policies. AWS has three more, all for TLS, which the emulator lacks.
const (
	typeAppCookie     = "AppCookieStickinessPolicyType"
	typeLBCookie      = "LBCookieStickinessPolicyType"
	typeProxyProtocol = "ProxyProtocolPolicyType"
)

// The attributes of policies.
const (
	attributeCookieName    = "CookieName"
	attributeCookiePeriod  = "CookieExpirationPeriod" // in seconds; none: as long as the browser runs
	attributeProxyProtocol = "ProxyProtocol"
)

// maxPolicies is the limit of a load balancer. It is inferred.
const maxPolicies = 100

// policyTypes have the attribute of each type.
var policyTypes = []policyType{
	{typeAppCookie, "Stickiness by the lifetime of a cookie of the application. For HTTP and HTTPS listeners.", attributeType{attributeCookieName, "String", "ONE"}},
	{typeLBCookie, "Stickiness by a cookie of the load balancer. For HTTP and HTTPS listeners.", attributeType{attributeCookiePeriod, "Long", "ZERO_OR_ONE"}},
	{typeProxyProtocol, "The PROXY header before the data of a connection. For instance ports of TCP and SSL listeners.", attributeType{attributeProxyProtocol, "Boolean", "ONE"}},
}

// policyType is a type of policies with its only attribute.
type policyType struct {
	name, description string
	attribute         attributeType
}

type attributeType struct{ name, kind, cardinality string }

// policy is a policy of a load balancer. It has an effect on the listeners and instance ports
// for which it is set.
type policy struct {
	name, kind, value string // the value of its type's attribute; "": none
}

func findPolicyType(name string) (policyType, bool) {
	at := slices.IndexFunc(policyTypes, func(t policyType) bool { return t.name == name })
	if at < 0 {
		return policyType{}, false
	}
	return policyTypes[at], true
}

func (s *Service) createAppCookiePolicy(c wire.Call) (any, error) {
	return s.createPolicy(c, policy{c.Text("PolicyName"), typeAppCookie, c.Text(attributeCookieName)})
}

func (s *Service) createLBCookiePolicy(c wire.Call) (any, error) {
	return s.createPolicy(c, policy{c.Text("PolicyName"), typeLBCookie, c.Text(attributeCookiePeriod)})
}

func (s *Service) createLoadBalancerPolicy(c wire.Call) (any, error) {
	p := policy{name: c.Text("PolicyName"), kind: c.Text("PolicyTypeName")}
	t, ok := findPolicyType(p.kind)
	if !ok {
		return nil, errNoPolicyType(p.kind)
	}
	for _, attribute := range c.Elements("PolicyAttributes.member") {
		if name := attribute.Text("AttributeName"); name != t.attribute.name {
			return nil, errConfiguration(fmt.Sprintf("Policies of the type %s have no attribute %s", t.name, name))
		}
		p.value = attribute.Text("AttributeValue")
	}
	if p.kind == typeProxyProtocol {
		p.value = strings.ToLower(p.value) // Terraform sends True
	}
	return s.createPolicy(c, p)
}

func (s *Service) createPolicy(c wire.Call, p policy) (any, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	b, err := s.findNamed(c)
	if err != nil {
		return nil, err
	}
	present := b.latest().policies
	if slices.ContainsFunc(present, func(other policy) bool { return other.name == p.name }) {
		return nil, wire.BadRequest("DuplicatePolicyName", "A policy with the name '%s' already exists for the load balancer", p.name)
	}
	if len(present) >= maxPolicies {
		return nil, wire.BadRequest("TooManyPolicies", "A load balancer can have at most %d policies", maxPolicies)
	}
	b.revise(c.Time.Now, s.account.Lag, func(st *state) { st.policies = append(slices.Clone(present), p) })
	return struct{}{}, nil
}

func (p policy) validate() error {
	var v wire.Validation
	v.Require(p.name, "policyName")
	if err := v.Err(); err != nil {
		return err
	}
	switch p.kind {
	case typeAppCookie:
		if p.value == "" {
			return errConfiguration("The name of the application's cookie is missing")
		}
	case typeLBCookie:
		if n, err := strconv.Atoi(p.value); p.value != "" && (err != nil || n < 0) {
			return errConfiguration("The expiration period of a cookie is a number of seconds: " + p.value)
		}
	case typeProxyProtocol:
		if p.value != "true" && p.value != "false" {
			return errConfiguration("The attribute ProxyProtocol is true or false: " + p.value)
		}
	}
	return nil
}

// deletePolicy succeeds for a policy that does not exist.
func (s *Service) deletePolicy(c wire.Call) (any, error) {
	b, err := s.findNamed(c)
	if err != nil {
		return nil, err
	}
	name, r := c.Text("PolicyName"), b.latest()
	for _, set := range []map[int][]string{r.listenerPolicies, r.instancePolicies} {
		for port, names := range set {
			if slices.Contains(names, name) {
				return nil, errConfiguration(fmt.Sprintf("The policy '%s' is set for port %d", name, port))
			}
		}
	}
	b.revise(c.Time.Now, s.account.Lag, func(st *state) {
		st.policies = slices.DeleteFunc(slices.Clone(st.policies), func(p policy) bool { return p.name == name })
	})
	return struct{}{}, nil
}

// setListenerPolicies replaces the policies of a listener. It has no more than one, for
// stickiness.
func (s *Service) setListenerPolicies(c wire.Call) (any, error) {
	b, names, err := s.policyCall(c)
	if err != nil {
		return nil, err
	}
	port, err := c.Number("LoadBalancerPort", 0)
	if err != nil {
		return nil, err
	}
	r := b.latest()
	at := slices.IndexFunc(r.listeners, func(l Listener) bool { return l.LoadBalancerPort == port })
	if at < 0 {
		return nil, wire.BadRequest("ListenerNotFound", "There is no listener with the port %d", port)
	}
	if len(names) > 1 {
		return nil, errConfiguration("A listener can have one policy for stickiness")
	}
	for _, name := range names {
		p, _ := r.policy(name)
		if p.kind == typeProxyProtocol || r.listeners[at].Protocol != "HTTP" && r.listeners[at].Protocol != "HTTPS" {
			return nil, errConfiguration(fmt.Sprintf("The policy '%s' cannot be set for a listener with the protocol %s", name, r.listeners[at].Protocol))
		}
	}
	b.revise(c.Time.Now, s.account.Lag, func(st *state) { st.listenerPolicies = setNames(st.listenerPolicies, port, names) })
	return struct{}{}, nil
}

// setInstancePolicies replaces the policies of an instance port.
func (s *Service) setInstancePolicies(c wire.Call) (any, error) {
	b, names, err := s.policyCall(c)
	if err != nil {
		return nil, err
	}
	port, err := c.Number("InstancePort", 0)
	if err != nil {
		return nil, err
	}
	r := b.latest()
	if !slices.ContainsFunc(r.listeners, func(l Listener) bool { return l.InstancePort == port }) {
		return nil, errConfiguration(fmt.Sprintf("No listener has the instance port %d", port))
	}
	for _, name := range names {
		if p, _ := r.policy(name); p.kind != typeProxyProtocol {
			return nil, errConfiguration(fmt.Sprintf("The policy '%s' cannot be set for an instance port", name))
		}
	}
	b.revise(c.Time.Now, s.account.Lag, func(st *state) { st.instancePolicies = setNames(st.instancePolicies, port, names) })
	return struct{}{}, nil
}

// policyCall returns the load balancer and the names of its policies in a call.
func (s *Service) policyCall(c wire.Call) (*loadBalancer, []string, error) {
	b, err := s.findNamed(c)
	if err != nil {
		return nil, nil, err
	}
	names := wire.Unique(c.List("PolicyNames.member"))
	for _, name := range names {
		if _, ok := b.latest().policy(name); !ok {
			return nil, nil, errNoPolicy(name)
		}
	}
	return b, names, nil
}

// setNames returns a copy of the names by port with those of one port replaced.
func setNames(byPort map[int][]string, port int, names []string) map[int][]string {
	next := maps.Clone(byPort)
	if next == nil {
		next = map[int][]string{}
	}
	delete(next, port)
	if len(names) > 0 {
		next[port] = names
	}
	return next
}

// withoutUnused returns the names of the ports that are in use.
func withoutUnused(byPort map[int][]string, used func(port int) bool) map[int][]string {
	next := maps.Clone(byPort)
	maps.DeleteFunc(next, func(port int, _ []string) bool { return !used(port) })
	return next
}

func (s *state) policy(name string) (policy, bool) {
	at := slices.IndexFunc(s.policies, func(p policy) bool { return p.name == name })
	if at < 0 {
		return policy{}, false
	}
	return s.policies[at], true
}

// stickiness returns the stickiness of the listeners by port, for a data plane.
func (s *state) stickiness() map[int]dataplane.Stickiness {
	byPort := map[int]dataplane.Stickiness{}
	for port, names := range s.listenerPolicies {
		for _, name := range names {
			switch p, _ := s.policy(name); p.kind {
			case typeAppCookie:
				byPort[port] = dataplane.Stickiness{Cookie: p.value}
			case typeLBCookie:
				period, _ := strconv.Atoi(p.value) // 0 without one
				byPort[port] = dataplane.Stickiness{MaxAge: time.Duration(period) * time.Second}
			}
		}
	}
	return byPort
}

// proxyPorts returns the instance ports with the PROXY header, for a data plane.
func (s *state) proxyPorts() (ports []int) {
	for port, names := range s.instancePolicies {
		if slices.ContainsFunc(names, func(name string) bool { p, _ := s.policy(name); return p.value == "true" }) {
			ports = append(ports, port)
		}
	}
	return ports
}

// describePolicies describes the policies of a load balancer. Without one AWS describes
// samples, all for TLS, which the emulator lacks.
func (s *Service) describePolicies(c wire.Call) (any, error) {
	var present []policy
	if c.Has("LoadBalancerName") {
		r, _, err := s.readNamed(c.Text("LoadBalancerName"), c.Time)
		if err != nil {
			return nil, err
		}
		present = r.policies
	}
	names := c.List("PolicyNames.member")
	result := &describePoliciesResult{}
	for _, name := range names {
		if !slices.ContainsFunc(present, func(p policy) bool { return p.name == name }) {
			return nil, errNoPolicy(name)
		}
	}
	for _, p := range present {
		if len(names) == 0 || slices.Contains(names, p.name) {
			result.PolicyDescriptions.Members = append(result.PolicyDescriptions.Members, p.describe())
		}
	}
	return result, nil
}

func (p policy) describe() policyDescription {
	d := policyDescription{PolicyName: p.name, PolicyTypeName: p.kind}
	if t, _ := findPolicyType(p.kind); p.value != "" {
		d.PolicyAttributeDescriptions.Members = []policyAttribute{{t.attribute.name, p.value}}
	}
	return d
}

func (s *Service) describePolicyTypes(c wire.Call) (any, error) {
	names := c.List("PolicyTypeNames.member")
	for _, name := range names {
		if _, ok := findPolicyType(name); !ok {
			return nil, errNoPolicyType(name)
		}
	}
	result := &describePolicyTypesResult{}
	for _, t := range policyTypes {
		if len(names) > 0 && !slices.Contains(names, t.name) {
			continue
		}
		d := policyTypeDescription{PolicyTypeName: t.name, Description: t.description}
		d.PolicyAttributeTypeDescriptions.Members = []policyAttributeType{{t.attribute.name, t.attribute.kind, t.attribute.cardinality}}
		result.PolicyTypeDescriptions.Members = append(result.PolicyTypeDescriptions.Members, d)
	}
	return result, nil
}

// describeSet returns the policies as DescribeLoadBalancers shows them, and those of the
// instance ports.
func (s *state) describeSet() (all policies, ports []instancePortDescription) {
	for _, p := range s.policies {
		switch p.kind {
		case typeAppCookie:
			all.AppCookieStickinessPolicies.Members = append(all.AppCookieStickinessPolicies.Members, appCookiePolicy{p.name, p.value})
		case typeLBCookie:
			all.LBCookieStickinessPolicies.Members = append(all.LBCookieStickinessPolicies.Members, lbCookiePolicy{p.name, p.value})
		default:
			all.OtherPolicies.Members = append(all.OtherPolicies.Members, p.name)
		}
	}
	for _, port := range slices.Sorted(maps.Keys(s.instancePolicies)) {
		ports = append(ports, instancePortDescription{port, wire.List[string]{Members: s.instancePolicies[port]}})
	}
	return all, ports
}

func errNoPolicy(name string) error {
	return wire.BadRequest("PolicyNotFound", "There is no policy with name %s", name)
}

func errNoPolicyType(name string) error {
	return wire.BadRequest("PolicyTypeNotFound", "There is no policy type with name %s", name)
}
