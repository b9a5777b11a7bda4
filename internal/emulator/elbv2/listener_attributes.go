package elbv2

import (
	"strings"

	"lsapi/internal/emulator/wire"
)

// listenerAttributes are the attributes of listeners, as in the API reference
// (ListenerAttribute), in the order of answers. They have no effect.
var listenerAttributes = attributeRules[listener]{"Listener", []attributeRule[listener]{
	{"tcp.idle_timeout.seconds", "350", forTCP, between(60, 6000)},
	{"routing.http.response.server.enabled", "true", forHTTP, either("true", "false")},
	{"routing.http.response.strict_transport_security.header_value", "", forHTTP, anyValue},
	{"routing.http.response.access_control_allow_origin.header_value", "", forHTTP, anyValue},
	{"routing.http.response.access_control_allow_methods.header_value", "", forHTTP, anyValue},
	{"routing.http.response.access_control_allow_headers.header_value", "", forHTTP, anyValue},
	{"routing.http.response.access_control_allow_credentials.header_value", "", forHTTP, anyValue},
	{"routing.http.response.access_control_expose_headers.header_value", "", forHTTP, anyValue},
	{"routing.http.response.access_control_max_age.header_value", "", forHTTP, anyValue},
	{"routing.http.response.content_security_policy.header_value", "", forHTTP, anyValue},
	{"routing.http.response.x_content_type_options.header_value", "", forHTTP, anyValue},
	{"routing.http.response.x_frame_options.header_value", "", forHTTP, anyValue},
	{"routing.http.request.x_amzn_mtls_clientcert_serial_number.header_name", "X-Amzn-Mtls-Clientcert-Serial-Number", forHTTPS, anyValue},
	{"routing.http.request.x_amzn_mtls_clientcert_issuer.header_name", "X-Amzn-Mtls-Clientcert-Issuer", forHTTPS, anyValue},
	{"routing.http.request.x_amzn_mtls_clientcert_subject.header_name", "X-Amzn-Mtls-Clientcert-Subject", forHTTPS, anyValue},
	{"routing.http.request.x_amzn_mtls_clientcert_validity.header_name", "X-Amzn-Mtls-Clientcert-Validity", forHTTPS, anyValue},
	{"routing.http.request.x_amzn_mtls_clientcert_leaf.header_name", "X-Amzn-Mtls-Clientcert-Leaf", forHTTPS, anyValue},
	{"routing.http.request.x_amzn_mtls_clientcert.header_name", "X-Amzn-Mtls-Clientcert", forHTTPS, anyValue},
	{"routing.http.request.x_amzn_tls_version.header_name", "X-Amzn-Tls-Version", forHTTPS, anyValue},
	{"routing.http.request.x_amzn_tls_cipher_suite.header_name", "X-Amzn-Tls-Cipher-Suite", forHTTPS, anyValue},
}}

func forTCP(l *listener) bool   { return l.protocol == "TCP" || l.protocol == "TCP_UDP" }
func forHTTP(l *listener) bool  { return strings.HasPrefix(l.protocol, "HTTP") }
func forHTTPS(l *listener) bool { return l.protocol == "HTTPS" }

func (s *Service) describeListenerAttributes(c wire.Call) (any, error) {
	l, err := s.listeners.read(c.Text("ListenerArn"), c.Time)
	if err != nil {
		return nil, err
	}
	return listenerAttributes.describe(l.state, l.state.attributes), nil
}

func (s *Service) modifyListenerAttributes(c wire.Call) (any, error) {
	l, err := s.listeners.find(c.Text("ListenerArn"))
	if err != nil {
		return nil, err
	}
	next := *l
	if next.attributes, err = listenerAttributes.with(l, l.attributes, c.Query); err != nil {
		return nil, err
	}
	s.listeners.set(l.arn, &next, c.Time.Now)
	return listenerAttributes.describe(&next, next.attributes), nil
}
