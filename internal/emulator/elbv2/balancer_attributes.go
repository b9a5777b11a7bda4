package elbv2

import "lsapi/internal/emulator/wire"

const (
	attributeDeletionProtection = "deletion_protection.enabled"
	attributeIdleTimeout        = "idle_timeout.timeout_seconds"
)

// balancerAttributes are the attributes of load balancers, as in the API reference
// (LoadBalancerAttribute), in the order of answers. Of them, deletion protection
// and the idle timeout have an effect.
var balancerAttributes = attributeRules[loadBalancer]{"Load balancer", []attributeRule[loadBalancer]{
	{"access_logs.s3.enabled", "false", anyBalancer, either("true", "false")},
	{"access_logs.s3.bucket", "", anyBalancer, anyValue},
	{"access_logs.s3.prefix", "", anyBalancer, anyValue},
	{attributeDeletionProtection, "false", anyBalancer, either("true", "false")},
	{"ipv6.deny_all_igw_traffic", "false", anyBalancer, either("true", "false")},
	{"load_balancing.cross_zone.enabled", "true", isApplication, either("true")},
	{"load_balancing.cross_zone.enabled", "false", isNetworkBalancer, either("true", "false")},
	{"zonal_shift.config.enabled", "false", anyBalancer, either("true", "false")},
	{"client_keep_alive.seconds", "3600", isApplication, between(60, 604800)},
	{"connection_logs.s3.enabled", "false", isApplication, either("true", "false")},
	{"connection_logs.s3.bucket", "", isApplication, anyValue},
	{"connection_logs.s3.prefix", "", isApplication, anyValue},
	{attributeIdleTimeout, "60", isApplication, between(1, 4000)},
	{"routing.http.desync_mitigation_mode", "defensive", isApplication, either("monitor", "defensive", "strictest")},
	{"routing.http.drop_invalid_header_fields.enabled", "false", isApplication, either("true", "false")},
	{"routing.http.preserve_host_header.enabled", "false", isApplication, either("true", "false")},
	{"routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false", isApplication, either("true", "false")},
	{"routing.http.xff_client_port.enabled", "false", isApplication, either("true", "false")},
	{"routing.http.xff_header_processing.mode", "append", isApplication, either("append", "preserve", "remove")},
	{"routing.http2.enabled", "true", isApplication, either("true", "false")},
	{"waf.fail_open.enabled", "false", isApplication, either("true", "false")},
	{"dns_record.client_routing_policy", "any_availability_zone", isNetworkBalancer,
		either("availability_zone_affinity", "partial_availability_zone_affinity", "any_availability_zone")},
}}

func anyBalancer(*loadBalancer) bool         { return true }
func isApplication(b *loadBalancer) bool     { return b.kind == typeApplication }
func isNetworkBalancer(b *loadBalancer) bool { return b.kind == typeNetwork }

// protected reports whether the load balancer cannot be deleted.
func (b *loadBalancer) protected() bool { return b.attributes[attributeDeletionProtection] == "true" }

func (s *Service) describeBalancerAttributes(c wire.Call) (any, error) {
	b, err := s.loadBalancers.read(c.Text("LoadBalancerArn"), c.Time)
	if err != nil {
		return nil, err
	}
	return balancerAttributes.describe(b.state, b.state.attributes), nil
}

func (s *Service) modifyBalancerAttributes(c wire.Call) (any, error) {
	b, err := s.loadBalancers.find(c.Text("LoadBalancerArn"))
	if err != nil {
		return nil, err
	}
	next := *b
	if next.attributes, err = balancerAttributes.with(b, b.attributes, c.Query); err != nil {
		return nil, err
	}
	s.loadBalancers.set(b.arn, &next, c.Time.Now)
	return balancerAttributes.describe(&next, next.attributes), nil
}
