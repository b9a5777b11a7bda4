package elb

import (
	"slices"
	"strconv"
	"strings"

	"lsapi/internal/emulator/wire"
)

func (s *Service) createListeners(c wire.Call) (any, error) {
	added, err := newListeners(c.Elements("Listeners.member"))
	if err != nil {
		return nil, err
	}
	b, err := s.findNamed(c)
	if err != nil {
		return nil, err
	}
	next, err := b.latest().listenersWith(added)
	if err != nil {
		return nil, err
	}
	b.revise(c.Time.Now, s.account.Lag, func(st *state) { st.listeners = next })
	return struct{}{}, nil
}

// listenersWith returns present and added listeners. A listener that is present with the
// same settings is no duplicate.
func (s *state) listenersWith(added []Listener) ([]Listener, error) {
	next := slices.Clone(s.listeners)
	for _, l := range added {
		at := slices.IndexFunc(s.listeners, func(other Listener) bool { return other.LoadBalancerPort == l.LoadBalancerPort })
		switch {
		case at < 0:
			next = append(next, l)
		case s.listeners[at] != l:
			return nil, wire.BadRequest("DuplicateListener", "A listener already exists for %s with LoadBalancerPort %d, but with a different InstancePort, Protocol, or SSLCertificateId", s.name, l.LoadBalancerPort)
		}
	}
	if len(next) > maxListeners {
		return nil, errTooManyListeners()
	}
	return next, nil
}

// deleteListeners succeeds for ports without a listener.
func (s *Service) deleteListeners(c wire.Call) (any, error) {
	ports := c.List("LoadBalancerPorts.member")
	if len(ports) == 0 {
		var v wire.Validation
		v.Missing("loadBalancerPorts")
		return nil, v.Err()
	}
	b, err := s.findNamed(c)
	if err != nil {
		return nil, err
	}
	kept := slices.DeleteFunc(slices.Clone(b.latest().listeners), func(l Listener) bool {
		return slices.Contains(ports, strconv.Itoa(l.LoadBalancerPort))
	})
	b.revise(c.Time.Now, s.account.Lag, func(st *state) { st.setListeners(kept) })
	return struct{}{}, nil
}

// setListeners sets the listeners. Policies stay set for their ports only.
func (s *state) setListeners(listeners []Listener) {
	s.listeners = listeners
	s.listenerPolicies = withoutUnused(s.listenerPolicies, func(port int) bool {
		return slices.ContainsFunc(listeners, func(l Listener) bool { return l.LoadBalancerPort == port })
	})
	s.instancePolicies = withoutUnused(s.instancePolicies, func(port int) bool {
		return slices.ContainsFunc(listeners, func(l Listener) bool { return l.InstancePort == port })
	})
}

func newListeners(elements []wire.Query) ([]Listener, error) {
	if len(elements) == 0 {
		var v wire.Validation
		v.Missing("listeners")
		return nil, v.Err()
	}
	if len(elements) > maxListeners {
		return nil, errTooManyListeners()
	}
	listeners := make([]Listener, 0, len(elements))
	for _, element := range elements {
		l, err := newListener(element)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(listeners, func(other Listener) bool { return other.LoadBalancerPort == l.LoadBalancerPort }) {
			return nil, wire.ValidationFailed("More than one listener has the load balancer port %d", l.LoadBalancerPort)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func errTooManyListeners() error {
	return wire.ValidationFailed("A load balancer can have at most %d listeners", maxListeners)
}

func newListener(q wire.Query) (l Listener, err error) {
	l = Listener{
		Protocol:         strings.ToUpper(q.Text("Protocol")),
		InstanceProtocol: strings.ToUpper(q.Text("InstanceProtocol")),
		SSLCertificateID: q.Text("SSLCertificateId"),
	}
	if l.LoadBalancerPort, err = q.Number("LoadBalancerPort", 0); err != nil {
		return l, err
	}
	if l.InstancePort, err = q.Number("InstancePort", 0); err != nil {
		return l, err
	}
	l = l.WithDefaults()
	return l, l.Validate()
}

// WithDefaults returns the listener with an instance protocol: by default its own
// protocol, decrypted.
func (l Listener) WithDefaults() Listener {
	if l.InstanceProtocol != "" {
		return l
	}
	switch l.Protocol {
	case "HTTPS":
		l.InstanceProtocol = "HTTP"
	case "SSL":
		l.InstanceProtocol = "TCP"
	default:
		l.InstanceProtocol = l.Protocol
	}
	return l
}

// Validate returns AWS's error for an invalid listener.
func (l Listener) Validate() error {
	var v wire.Validation
	v.Between(l.LoadBalancerPort, 1, 65535, "listeners.loadBalancerPort")
	v.Between(l.InstancePort, 1, 65535, "listeners.instancePort")
	if err := v.Err(); err != nil {
		return err
	}
	protocols := []string{"HTTP", "HTTPS", "TCP", "SSL"}
	if !slices.Contains(protocols, l.Protocol) || !slices.Contains(protocols, l.InstanceProtocol) {
		return wire.BadRequest("UnsupportedProtocol", "A listener's protocols must be HTTP, HTTPS, TCP or SSL: '%s' to '%s'", l.Protocol, l.InstanceProtocol)
	}
	encrypted := l.Protocol == "HTTPS" || l.Protocol == "SSL"
	if encrypted && l.SSLCertificateID == "" {
		return wire.BadRequest("CertificateNotFound", "A listener with the protocol %s must have a certificate", l.Protocol)
	}
	return nil
}
