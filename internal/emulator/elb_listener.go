package emulator

import "slices"

// newListeners reads the listeners of a load balancer to be created.
func newListeners(elements []query) ([]listener, error) {
	var v validation
	if len(elements) == 0 {
		v.fail(nil, "listeners", "Member must not be null")
		return nil, v.err()
	}
	if len(elements) > maxListeners {
		return nil, errValidation("A load balancer can have at most %d listeners", maxListeners)
	}
	listeners := make([]listener, 0, len(elements))
	for _, element := range elements {
		l, err := newListener(element)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(listeners, func(other listener) bool { return other.LoadBalancerPort == l.LoadBalancerPort }) {
			return nil, errValidation("More than one listener has the load balancer port %d", l.LoadBalancerPort)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func newListener(q query) (listener, error) {
	port, err := q.number("LoadBalancerPort", 0)
	if err != nil {
		return listener{}, err
	}
	instancePort, err := q.number("InstancePort", 0)
	if err != nil {
		return listener{}, err
	}
	l := listener{
		Protocol:         q.text("Protocol"),
		LoadBalancerPort: port,
		InstanceProtocol: q.text("InstanceProtocol"),
		InstancePort:     instancePort,
		SSLCertificateID: q.text("SSLCertificateId"),
	}
	l.complete()
	return l, l.valid()
}

// complete fills in the instances' protocol: by default that of the listener,
// without the encryption that ends at the load balancer.
func (l *listener) complete() {
	if l.InstanceProtocol != "" {
		return
	}
	switch l.Protocol {
	case "HTTPS":
		l.InstanceProtocol = "HTTP"
	case "SSL":
		l.InstanceProtocol = "TCP"
	default:
		l.InstanceProtocol = l.Protocol
	}
}

func (l *listener) valid() error {
	var v validation
	v.between(l.LoadBalancerPort, 1, 65535, "listeners.loadBalancerPort")
	v.between(l.InstancePort, 1, 65535, "listeners.instancePort")
	if err := v.err(); err != nil {
		return err
	}
	protocols := []string{"HTTP", "HTTPS", "TCP", "SSL"}
	if !slices.Contains(protocols, l.Protocol) || !slices.Contains(protocols, l.InstanceProtocol) {
		return refusal("UnsupportedProtocol", "A listener's protocols must be HTTP, HTTPS, TCP or SSL: '%s' to '%s'", l.Protocol, l.InstanceProtocol)
	}
	encrypted := l.Protocol == "HTTPS" || l.Protocol == "SSL"
	if encrypted && l.SSLCertificateID == "" {
		return refusal("CertificateNotFound", "A listener with the protocol %s must have a certificate", l.Protocol)
	}
	return nil
}
