package emulator

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"

	"lsapi/internal/emulator/dataplane"
)

// policyCalls are calls about policies of web-elb that must succeed.
type policyCalls struct {
	*testAccount
	t    *testing.T
	name *string
}

func policiesOf(t *testing.T, a *testAccount) policyCalls {
	t.Helper()
	return policyCalls{a, t, aws.String("web-elb")}
}

func (p policyCalls) addLBCookie(name string, seconds *int64) {
	p.t.Helper()
	must[*elb.CreateLBCookieStickinessPolicyOutput](p.t)(p.elb.CreateLBCookieStickinessPolicy(p.t.Context(), &elb.CreateLBCookieStickinessPolicyInput{LoadBalancerName: p.name, PolicyName: &name, CookieExpirationPeriod: seconds}))
}

func (p policyCalls) addAppCookie(name, cookie string) {
	p.t.Helper()
	must[*elb.CreateAppCookieStickinessPolicyOutput](p.t)(p.elb.CreateAppCookieStickinessPolicy(p.t.Context(), &elb.CreateAppCookieStickinessPolicyInput{LoadBalancerName: p.name, PolicyName: &name, CookieName: &cookie}))
}

func (p policyCalls) add(name, kind string, attributes ...string) error {
	p.t.Helper()
	in := &elb.CreateLoadBalancerPolicyInput{LoadBalancerName: p.name, PolicyName: &name, PolicyTypeName: &kind}
	for _, attribute := range attributes {
		key, value, _ := strings.Cut(attribute, "=")
		in.PolicyAttributes = append(in.PolicyAttributes, types.PolicyAttribute{AttributeName: &key, AttributeValue: &value})
	}
	_, err := p.elb.CreateLoadBalancerPolicy(p.t.Context(), in)
	return err
}

func (p policyCalls) setListener(port int32, names ...string) error {
	p.t.Helper()
	_, err := p.elb.SetLoadBalancerPoliciesOfListener(p.t.Context(), &elb.SetLoadBalancerPoliciesOfListenerInput{LoadBalancerName: p.name, LoadBalancerPort: port, PolicyNames: append([]string{}, names...)})
	return err
}

func (p policyCalls) setInstancePort(port int32, names ...string) error {
	p.t.Helper()
	_, err := p.elb.SetLoadBalancerPoliciesForBackendServer(p.t.Context(), &elb.SetLoadBalancerPoliciesForBackendServerInput{LoadBalancerName: p.name, InstancePort: &port, PolicyNames: append([]string{}, names...)})
	return err
}

func (p policyCalls) remove(name string) error {
	p.t.Helper()
	_, err := p.elb.DeleteLoadBalancerPolicy(p.t.Context(), &elb.DeleteLoadBalancerPolicyInput{LoadBalancerName: p.name, PolicyName: &name})
	return err
}

func (p policyCalls) mustSucceed(errs ...error) {
	p.t.Helper()
	for _, err := range errs {
		if err != nil {
			p.t.Fatal(err)
		}
	}
}

func TestPoliciesAreDescribedWhereTheyAreSet(t *testing.T) {
	p := policiesOf(t, demo(t))
	p.addLBCookie("hour", aws.Int64(3600))
	p.addAppCookie("cart", "CARTID")
	p.mustSucceed(p.add("proxy", "ProxyProtocolPolicyType", "ProxyProtocol=True"), p.setListener(80, "hour"), p.setInstancePort(8080, "proxy"))
	d := p.classic(t, "web-elb")
	got := fmt.Sprint(
		*d.Policies.LBCookieStickinessPolicies[0].PolicyName, *d.Policies.LBCookieStickinessPolicies[0].CookieExpirationPeriod, " ",
		*d.Policies.AppCookieStickinessPolicies[0].PolicyName, *d.Policies.AppCookieStickinessPolicies[0].CookieName, " ", d.Policies.OtherPolicies, " ",
		d.ListenerDescriptions[0].PolicyNames, " ", *d.BackendServerDescriptions[0].InstancePort, d.BackendServerDescriptions[0].PolicyNames,
	)
	if want := "hour3600 cartCARTID [proxy] [hour] 8080 [proxy]"; got != want {
		t.Errorf("described as %s, want %s", got, want)
	}
	out := must[*elb.DescribeLoadBalancerPoliciesOutput](t)(p.elb.DescribeLoadBalancerPolicies(t.Context(), &elb.DescribeLoadBalancerPoliciesInput{LoadBalancerName: p.name, PolicyNames: []string{"cart"}}))
	if one := out.PolicyDescriptions; len(one) != 1 || *one[0].PolicyTypeName != "AppCookieStickinessPolicyType" || *one[0].PolicyAttributeDescriptions[0].AttributeValue != "CARTID" {
		t.Errorf("the policy is %+v", one)
	}
	kinds := must[*elb.DescribeLoadBalancerPolicyTypesOutput](t)(p.elb.DescribeLoadBalancerPolicyTypes(t.Context(), &elb.DescribeLoadBalancerPolicyTypesInput{}))
	if got := len(kinds.PolicyTypeDescriptions); got != 3 {
		t.Errorf("%d types of policies", got)
	}
	wantCode(t, p.remove("hour"), "InvalidConfigurationRequest", "The policy 'hour' is set for port 80")
	wantCode(t, p.remove("proxy"), "InvalidConfigurationRequest", "The policy 'proxy' is set for port 8080")
	p.mustSucceed(p.setListener(80), p.remove("hour"), p.remove("hour"))
	p.mustSucceed(p.removeListeners(t, "web-elb", 80), p.remove("proxy")) // its instance port is no longer in use
	if d := p.classic(t, "web-elb"); len(d.Policies.LBCookieStickinessPolicies)+len(d.Policies.OtherPolicies)+len(d.BackendServerDescriptions) > 0 {
		t.Errorf("left are %+v %+v", d.Policies, d.BackendServerDescriptions)
	}
}

func TestInvalidPoliciesAreRejected(t *testing.T) {
	p := policiesOf(t, demo(t))
	p.addLBCookie("hour", nil)
	p.addLBCookie("day", nil)
	p.mustSucceed(p.add("proxy", "ProxyProtocolPolicyType", "ProxyProtocol=true"), p.addListeners(t, "web-elb", types.Listener{Protocol: aws.String("TCP"), LoadBalancerPort: 90, InstancePort: aws.Int32(8080)}))
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"a name twice":                   {p.add("hour", "LBCookieStickinessPolicyType"), "DuplicatePolicyName"},
		"an unknown type":                {p.add("tls", "SSLNegotiationPolicyType"), "PolicyTypeNotFound"},
		"an unknown attribute":           {p.add("other", "LBCookieStickinessPolicyType", "Colour=red"), "InvalidConfigurationRequest"},
		"a period that is no number":     {p.add("other", "LBCookieStickinessPolicyType", "CookieExpirationPeriod=long"), "InvalidConfigurationRequest"},
		"no cookie":                      {p.add("other", "AppCookieStickinessPolicyType"), "InvalidConfigurationRequest"},
		"neither true nor false":         {p.add("other", "ProxyProtocolPolicyType", "ProxyProtocol=perhaps"), "InvalidConfigurationRequest"},
		"an unknown policy":              {p.setListener(80, "nope"), "PolicyNotFound"},
		"no such listener":               {p.setListener(81, "hour"), "ListenerNotFound"},
		"stickiness of a TCP listener":   {p.setListener(90, "hour"), "InvalidConfigurationRequest"},
		"PROXY headers for a listener":   {p.setListener(80, "proxy"), "InvalidConfigurationRequest"},
		"two policies":                   {p.setListener(80, "hour", "day"), "InvalidConfigurationRequest"},
		"stickiness of an instance port": {p.setInstancePort(8080, "hour"), "InvalidConfigurationRequest"},
		"no such instance port":          {p.setInstancePort(9999, "proxy"), "InvalidConfigurationRequest"},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, c.err, c.code, "") })
	}
}

// visitor is a browser that keeps cookies.
type visitor struct {
	url     string
	cookies map[string]string
}

// visit returns the instance that answers, and the cookie that the load balancer sets.
func (v *visitor) visit(t *testing.T, path string) (instance string, set *http.Cookie) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.url+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("answered %d", response.StatusCode)
	}
	for _, cookie := range response.Cookies() {
		v.cookies[cookie.Name] = cookie.Value
		if cookie.Name == "AWSELB" {
			set = cookie
		}
	}
	return response.Header.Get("X-Instance-Id"), set
}

// twoServing returns an account whose web-elb has two members in service.
func twoServing(t *testing.T) policyCalls {
	t.Helper()
	a := carrying(t)
	if err := a.healthyFrom(t, demoFailing); err != nil {
		t.Fatal(err)
	}
	a.awaitHealth(t, demoServing, healthy)
	a.awaitHealth(t, demoFailing, healthy)
	return policiesOf(t, a)
}

// healthyFrom makes an instance pass its health checks.
func (a *testAccount) healthyFrom(t *testing.T, instance string) error {
	t.Helper()
	if status, body := a.send(t, http.MethodPost, "/_emulator/health", `{"instanceId":"`+instance+`","healthy":true}`, nil); status != http.StatusOK {
		return fmt.Errorf("status %d: %s", status, body)
	}
	return nil
}

func TestCookieOfLoadBalancerBindsClientToAMember(t *testing.T) {
	t.Parallel()
	p := twoServing(t)
	v := &visitor{p.Traffic()[1].Listeners[0].URL, map[string]string{}}
	if _, set := v.visit(t, "/"); set != nil {
		t.Fatalf("without a policy there is the cookie %v", set)
	}
	p.addLBCookie("hour", aws.Int64(3600))
	p.mustSucceed(p.setListener(80, "hour"))
	first, set := v.visit(t, "/")
	if set == nil || set.MaxAge != 3600 || set.Path != "/" {
		t.Fatalf("the cookie is %v", set)
	}
	for range 10 {
		if again, set := v.visit(t, "/"); again != first || set != nil {
			t.Fatalf("a bound client gets %s after %s, and the cookie %v", again, first, set)
		}
	}
	if _, err := p.deregister(t.Context(), "web-elb", first); err != nil {
		t.Fatal(err)
	}
	other, set := v.visit(t, "/")
	if other == first || set == nil {
		t.Errorf("after the detach %s answers, with the cookie %v", other, set)
	}
	if again, _ := v.visit(t, "/"); again != other {
		t.Errorf("then %s answers, not %s", again, other)
	}
}

func TestCookieOfApplicationBindsClientWhileItLasts(t *testing.T) {
	t.Parallel()
	a := onTheClock(t)
	backends := map[string]string{}
	for _, id := range []string{demoServing, demoFailing} {
		backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Instance-Id", id)
			if r.URL.Path == "/login" {
				http.SetCookie(w, &http.Cookie{Name: "CARTID", Value: "1"})
			}
		}))
		t.Cleanup(backend.Close)
		backends[id] = backend.Listener.Addr().String()
	}
	a.Carry(dataplane.Options{Backends: backends})
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := a.healthyFrom(t, demoFailing); err != nil {
		t.Fatal(err)
	}
	a.awaitHealth(t, demoServing, healthy)
	a.awaitHealth(t, demoFailing, healthy)
	p := policiesOf(t, a)
	p.addAppCookie("cart", "CARTID")
	p.mustSucceed(p.setListener(80, "cart"))
	v := &visitor{p.Traffic()[1].Listeners[0].URL, map[string]string{}}
	if _, set := v.visit(t, "/"); set != nil {
		t.Errorf("before the application sets its cookie there is %v", set)
	}
	first, set := v.visit(t, "/login")
	if set == nil || set.MaxAge != 0 {
		t.Fatalf("the cookie is %v", set)
	}
	for range 10 {
		if again, _ := v.visit(t, "/"); again != first {
			t.Fatalf("a bound client gets %s after %s", again, first)
		}
	}
	delete(v.cookies, "CARTID") // the application's session ends
	seen := map[string]bool{}
	for range 10 {
		instance, _ := v.visit(t, "/")
		seen[instance] = true
	}
	if len(seen) != 2 {
		t.Errorf("without the application's cookie a client gets %v only", seen)
	}
}

func TestProxyProtocolPolicyPrecedesConnections(t *testing.T) {
	t.Parallel()
	backend, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	first := make(chan string, 100) // of each connection
	go func() {
		for {
			connection, err := backend.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(connection).ReadString('\n') // fails for a health check
			if !strings.HasPrefix(line, "GET ") {                   // a health check before the new one
				first <- line
			}
			_ = connection.Close()
		}
	}()
	t.Cleanup(func() { backend.Close() })
	a := onTheClock(t)
	a.Carry(dataplane.Options{Backends: map[string]string{demoServing: backend.Addr().String()}})
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	p := policiesOf(t, a)
	must[*elb.ConfigureHealthCheckOutput](t)(a.elb.ConfigureHealthCheck(t.Context(), &elb.ConfigureHealthCheckInput{LoadBalancerName: p.name, HealthCheck: &types.HealthCheck{
		Target: aws.String("TCP:8080"), Interval: aws.Int32(5), Timeout: aws.Int32(2), HealthyThreshold: aws.Int32(2), UnhealthyThreshold: aws.Int32(2),
	}}))
	p.mustSucceed(
		p.removeListeners(t, "web-elb", 80),
		p.addListeners(t, "web-elb", types.Listener{Protocol: aws.String("TCP"), LoadBalancerPort: 90, InstancePort: aws.Int32(8080)}),
		p.add("proxy", "ProxyProtocolPolicyType", "ProxyProtocol=true"), p.setInstancePort(8080, "proxy"),
	)
	a.awaitHealth(t, demoServing, healthy)
	address := strings.TrimPrefix(a.Traffic()[1].Listeners[0].URL, "tcp://")
	client, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	_, from, _ := net.SplitHostPort(client.LocalAddr().String())
	_, to, _ := net.SplitHostPort(address)
	want := "PROXY TCP4 127.0.0.1 127.0.0.1 " + from + " " + to + "\r\n"
	for line := ""; line != want; {
		select {
		case line = <-first:
			if line != "" && line != want {
				t.Fatalf("the member gets %q first, not %q", line, want)
			}
		case <-time.After(patience):
			t.Fatal("the member gets nothing")
		}
	}
}
