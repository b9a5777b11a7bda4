package elbv2

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"lsapi/internal/emulator/wire"
)

func (s *Service) createListener(c wire.Call) (any, error) {
	l, err := s.makeListener(c)
	if err != nil {
		return nil, err
	}
	return describeListenersResult{Listeners: list(l.describe())}, nil
}

// makeListener creates a listener with its default rule.
func (s *Service) makeListener(c wire.Call) (*listener, error) {
	b, err := s.loadBalancers.find(c.Text("LoadBalancerArn"))
	if err != nil {
		return nil, err
	}
	l, err := newListener(b, c.Query)
	if err != nil {
		return nil, err
	}
	if l.actions, err = s.newActions(b, l, c.Query, "DefaultActions.member"); err != nil {
		return nil, err
	}
	tags, err := newTags(c.Query)
	if err != nil {
		return nil, err
	}
	if err := s.admitListener(l); err != nil {
		return nil, err
	}
	if err := s.checkNewRoutes(b, l.actions, c.Time.Now); err != nil {
		return nil, err
	}
	l.path = b.path + "/" + s.newID(b.path)
	l.arn = s.listeners.prefix + l.path
	s.listeners.set(l.arn, l, c.Time.Now)
	s.setTags(l.arn, tags, c.Time.Now)
	r := &rule{priority: defaultPriority}
	r.setActions(l.actions, c.Time.Now)
	s.addRule(l, r, c.Time.Now)
	return l, nil
}

func newListener(b *loadBalancer, q wire.Query) (*listener, error) {
	return listener{loadBalancer: b.arn}.with(b, q)
}

// with returns the listener with the settings that a call contains.
func (l listener) with(b *loadBalancer, q wire.Query) (*listener, error) {
	l.protocol = cmp.Or(q.Text("Protocol"), l.protocol)
	if arns := q.Column("Certificates.member", "CertificateArn"); len(arns) > 0 {
		l.certificates = arns
	}
	var err error
	if l.port, err = q.Number("Port", l.port); err != nil {
		return nil, err
	}
	protocols := []string{"HTTP", "HTTPS"}
	if b.kind == typeNetwork {
		protocols = []string{"TCP", "TLS", "UDP", "TCP_UDP"}
	}
	var v wire.Validation
	v.Require(l.protocol, "protocol")
	v.Between(l.port, 1, 65535, "port")
	if err := v.Err(); err != nil {
		return nil, err
	}
	if !slices.Contains(protocols, l.protocol) {
		return nil, wire.ValidationFailed("Protocol '%s' must be one of '%s'", l.protocol, strings.Join(protocols, ", "))
	}
	if (l.protocol == "HTTPS" || l.protocol == "TLS") && len(l.certificates) == 0 {
		return nil, wire.ValidationFailed("A certificate must be specified for %s listeners", l.protocol)
	}
	return &l, nil
}

// modifyListener changes the settings that the call contains: port, protocol, certificates
// and default actions.
func (s *Service) modifyListener(c wire.Call) (any, error) {
	l, err := s.listeners.find(c.Text("ListenerArn"))
	if err != nil {
		return nil, err
	}
	b, err := s.loadBalancers.find(l.loadBalancer)
	if err != nil {
		return nil, err
	}
	next, err := l.with(b, c.Query)
	if err != nil {
		return nil, err
	}
	if err := s.checkPort(next); err != nil {
		return nil, err
	}
	defaultRule := *s.defaultRule(l)
	if len(c.Elements("DefaultActions.member")) > 0 {
		if err := s.replaceActions(&defaultRule, b, next, c, "DefaultActions.member"); err != nil {
			return nil, err
		}
		next.actions = defaultRule.actions
	} else if err := s.checkProtocol(b, next); err != nil {
		return nil, err
	}
	s.listeners.set(next.arn, next, c.Time.Now)
	s.setRule(&defaultRule, c.Time.Now)
	return describeListenersResult{Listeners: list(next.describe())}, nil
}

// defaultRule returns the default rule of a listener, which every one has.
func (s *Service) defaultRule(l *listener) (found *rule) {
	for r := range s.rulesOf(l.loadBalancer) {
		if r.listener == l.arn && r.isDefault() {
			found = r
		}
	}
	return found
}

// checkProtocol checks that a listener can forward to the target groups of its default
// actions.
func (s *Service) checkProtocol(b *loadBalancer, l *listener) error {
	for _, arn := range groupsOf(l.actions) {
		g, err := s.targetGroups.find(arn)
		if err != nil {
			return err
		}
		if !g.serves(b, l) {
			return errIncompatible([]string{arn})
		}
	}
	return nil
}

// admitListener checks that the load balancer has room and the port free for a listener.
func (s *Service) admitListener(l *listener) error {
	count := 0
	for other := range s.listeners.all() {
		if other.loadBalancer == l.loadBalancer {
			count++
		}
	}
	if count >= maxListeners {
		return wire.BadRequest("TooManyListeners", "The maximum number of listeners has been reached on load balancer '%s'", l.loadBalancer)
	}
	return s.checkPort(l)
}

// checkPort checks that no other listener of the load balancer has the port.
func (s *Service) checkPort(l *listener) error {
	for other := range s.listeners.all() {
		if other.loadBalancer == l.loadBalancer && other.port == l.port && other.arn != l.arn {
			return wire.BadRequest("DuplicateListener", "A listener already exists on this port for this load balancer '%s'", l.loadBalancer)
		}
	}
	return nil
}

// describeListeners returns listeners by ARN, else a page of a load balancer's.
func (s *Service) describeListeners(c wire.Call) (any, error) {
	arns, balancer := c.List("ListenerArns.member"), c.Text("LoadBalancerArn")
	if (len(arns) == 0) == (balancer == "") {
		return nil, wire.ValidationFailed("You must specify either listener ARNs or a load balancer ARN")
	}
	var found []shown[listener]
	var next string
	var err error
	if len(arns) > 0 {
		found, err = s.listeners.readAll(arns, c.Time)
	} else if _, err = s.loadBalancers.read(balancer, c.Time); err == nil {
		all := s.listeners.listing(c.Time, func(l shown[listener]) bool { return l.state.loadBalancer == balancer })
		found, next, err = page(c.Query, all, (*listener).key)
	}
	if err != nil {
		return nil, err
	}
	result := describeListenersResult{NextMarker: next}
	for _, l := range found {
		result.Listeners.Members = append(result.Listeners.Members, l.state.describe())
	}
	return result, nil
}

func (l *listener) describe() listenerDescription {
	d := listenerDescription{
		ListenerARN:     l.arn,
		LoadBalancerARN: l.loadBalancer,
		Port:            l.port,
		Protocol:        l.protocol,
		DefaultActions:  wire.List[action]{Members: l.actions},
	}
	for _, arn := range l.certificates {
		d.Certificates.Members = append(d.Certificates.Members, certificate{arn})
	}
	return d
}

func (s *Service) deleteListener(c wire.Call) (any, error) {
	l, err := s.listeners.find(c.Text("ListenerArn"))
	if err != nil {
		return nil, err
	}
	s.removeListener(l.arn, c.Time.Now)
	return struct{}{}, nil
}

// removeListener deletes a listener with its rules.
func (s *Service) removeListener(arn string, now time.Time) {
	for r := range s.rules.all() {
		if r.listener == arn {
			s.removeRule(r.arn, now)
		}
	}
	s.listeners.remove(arn, now)
	s.tags.remove(arn, now)
}
