package elb

import (
	"slices"

	"lsapi/internal/emulator/wire"
)

func newListeners(elements []wire.Query) ([]Listener, error) {
	if len(elements) == 0 {
		var v wire.Validation
		v.Missing("listeners")
		return nil, v.Err()
	}
	if len(elements) > maxListeners {
		return nil, wire.ValidationFailed("A load balancer can have at most %d listeners", maxListeners)
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

func newListener(q wire.Query) (l Listener, err error) {
	l = Listener{
		Protocol:         q.Text("Protocol"),
		InstanceProtocol: q.Text("InstanceProtocol"),
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
