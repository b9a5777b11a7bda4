package emulator

import (
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// modifyBalancer sets an attribute of a load balancer.
func (a *testAccount) modifyBalancer(t *testing.T, balancer, key, value string) error {
	t.Helper()
	_, err := a.elbv2.ModifyLoadBalancerAttributes(t.Context(), &elasticloadbalancingv2.ModifyLoadBalancerAttributesInput{
		LoadBalancerArn: &balancer, Attributes: []types.LoadBalancerAttribute{{Key: &key, Value: &value}},
	})
	return err
}

func TestLoadBalancerAttributes(t *testing.T) {
	a := start(t, Options{})
	balancer := a.balancer(t, "web")
	noError(t, a.modifyBalancer(t, balancer, "idle_timeout.timeout_seconds", "120"))
	noError(t, a.modifyBalancer(t, balancer, "routing.http.xff_header_processing.mode", "preserve"))
	out := must[*elasticloadbalancingv2.DescribeLoadBalancerAttributesOutput](t)(a.elbv2.DescribeLoadBalancerAttributes(t.Context(),
		&elasticloadbalancingv2.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &balancer}))
	got := map[string]string{}
	for _, attribute := range out.Attributes {
		got[*attribute.Key] = *attribute.Value
	}
	want := map[string]string{
		"access_logs.s3.enabled": "false", "access_logs.s3.bucket": "", "access_logs.s3.prefix": "",
		"deletion_protection.enabled": "false", "ipv6.deny_all_igw_traffic": "false",
		"load_balancing.cross_zone.enabled": "true", "zonal_shift.config.enabled": "false",
		"client_keep_alive.seconds":  "3600",
		"connection_logs.s3.enabled": "false", "connection_logs.s3.bucket": "", "connection_logs.s3.prefix": "",
		"idle_timeout.timeout_seconds":                             "120",
		"routing.http.desync_mitigation_mode":                      "defensive",
		"routing.http.drop_invalid_header_fields.enabled":          "false",
		"routing.http.preserve_host_header.enabled":                "false",
		"routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
		"routing.http.xff_client_port.enabled":                     "false",
		"routing.http.xff_header_processing.mode":                  "preserve",
		"routing.http2.enabled":                                    "true",
		"waf.fail_open.enabled":                                    "false",
	}
	if !maps.Equal(got, want) {
		t.Errorf("attributes %v\nwant       %v", got, want)
	}
	for _, c := range []struct{ key, value, message string }{
		{"idle_timeout.timeout_seconds", "0", "'idle_timeout.timeout_seconds' must be between '1' and '4000' inclusive"},
		{"load_balancing.cross_zone.enabled", "false", "'load_balancing.cross_zone.enabled' must be one of [true]"},
		{"dns_record.client_routing_policy", "any_availability_zone", "Load balancer attribute key 'dns_record.client_routing_policy' is not recognized"},
	} {
		wantCode(t, a.modifyBalancer(t, balancer, c.key, c.value), "ValidationError", c.message)
	}
	wantCode(t, a.modifyBalancer(t, balancer+"0", "routing.http2.enabled", "true"), "LoadBalancerNotFound", "")
}

func TestLoadBalancerOfNetworkHasAttributesOfItsType(t *testing.T) {
	a := start(t, Options{})
	in := creatingV2("net")
	in.Type = types.LoadBalancerTypeEnumNetwork
	created := must[*elasticloadbalancingv2.CreateLoadBalancerOutput](t)(a.elbv2.CreateLoadBalancer(t.Context(), in))
	balancer := *created.LoadBalancers[0].LoadBalancerArn
	noError(t, a.modifyBalancer(t, balancer, "load_balancing.cross_zone.enabled", "true"))
	noError(t, a.modifyBalancer(t, balancer, "dns_record.client_routing_policy", "availability_zone_affinity"))
	wantCode(t, a.modifyBalancer(t, balancer, "idle_timeout.timeout_seconds", "60"), "ValidationError", "Load balancer attribute key 'idle_timeout.timeout_seconds' is not recognized")
}

func TestProtectedLoadBalancerIsNotDeleted(t *testing.T) {
	a := start(t, Options{})
	balancer := a.balancer(t, "web")
	noError(t, a.modifyBalancer(t, balancer, "deletion_protection.enabled", "true"))
	in := &elasticloadbalancingv2.DeleteLoadBalancerInput{LoadBalancerArn: &balancer}
	_, err := a.elbv2.DeleteLoadBalancer(t.Context(), in)
	wantCode(t, err, "OperationNotPermitted", "Load balancer '"+balancer+"' cannot be deleted because deletion protection is enabled")
	noError(t, a.modifyBalancer(t, balancer, "deletion_protection.enabled", "false"))
	must[*elasticloadbalancingv2.DeleteLoadBalancerOutput](t)(a.elbv2.DeleteLoadBalancer(t.Context(), in))
}

func TestListenerAttributes(t *testing.T) {
	a := start(t, Options{})
	listener := a.listen(t, a.balancer(t, "web"), 80, a.group(t, creatingGroup("shop")))
	modify := func(listener, key, value string) error {
		_, err := a.elbv2.ModifyListenerAttributes(t.Context(), &elasticloadbalancingv2.ModifyListenerAttributesInput{
			ListenerArn: &listener, Attributes: []types.ListenerAttribute{{Key: &key, Value: &value}},
		})
		return err
	}
	noError(t, modify(listener, "routing.http.response.server.enabled", "false"))
	out := must[*elasticloadbalancingv2.DescribeListenerAttributesOutput](t)(a.elbv2.DescribeListenerAttributes(t.Context(),
		&elasticloadbalancingv2.DescribeListenerAttributesInput{ListenerArn: aws.String(listener)}))
	if first := out.Attributes[0]; *first.Key != "routing.http.response.server.enabled" || *first.Value != "false" || len(out.Attributes) != 11 {
		t.Errorf("attributes %v", out.Attributes)
	}
	wantCode(t, modify(listener, "tcp.idle_timeout.seconds", "350"), "ValidationError", "Listener attribute key 'tcp.idle_timeout.seconds' is not recognized")
	wantCode(t, modify(listener+"0", "routing.http.response.server.enabled", "true"), "ListenerNotFound", "")
}
