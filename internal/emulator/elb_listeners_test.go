package emulator

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"
)

// listener returns an HTTP listener.
func listener(port, instancePort int32) types.Listener {
	return types.Listener{Protocol: aws.String("http"), LoadBalancerPort: port, InstanceProtocol: aws.String("http"), InstancePort: &instancePort}
}

func (a *testAccount) addListeners(t *testing.T, name string, listeners ...types.Listener) error {
	t.Helper()
	_, err := a.elb.CreateLoadBalancerListeners(t.Context(), &elb.CreateLoadBalancerListenersInput{LoadBalancerName: &name, Listeners: listeners})
	return err
}

func (a *testAccount) removeListeners(t *testing.T, name string, ports ...int32) error {
	t.Helper()
	_, err := a.elb.DeleteLoadBalancerListeners(t.Context(), &elb.DeleteLoadBalancerListenersInput{LoadBalancerName: &name, LoadBalancerPorts: ports})
	return err
}

// classic returns the description of a Classic load balancer.
func (a *testAccount) classic(t *testing.T, name string) types.LoadBalancerDescription {
	t.Helper()
	out := must[*elb.DescribeLoadBalancersOutput](t)(a.elb.DescribeLoadBalancers(t.Context(), &elb.DescribeLoadBalancersInput{LoadBalancerNames: []string{name}}))
	return out.LoadBalancerDescriptions[0]
}

// listenersOf returns the listeners as port-protocol-instance port.
func (a *testAccount) listenersOf(t *testing.T, name string) string {
	t.Helper()
	all := []string{}
	for _, d := range a.classic(t, name).ListenerDescriptions {
		all = append(all, fmt.Sprintf("%d-%s-%d", d.Listener.LoadBalancerPort, *d.Listener.Protocol, *d.Listener.InstancePort))
	}
	return fmt.Sprint(all)
}

func TestListenersAreAddedAndRemoved(t *testing.T) {
	a := demo(t)
	for range 2 { // one with the same settings is no error
		if err := a.addListeners(t, "web-elb", listener(81, 8081), listener(82, 8082)); err != nil {
			t.Fatal(err)
		}
	}
	if got := a.listenersOf(t, "web-elb"); got != "[80-HTTP-8080 81-HTTP-8081 82-HTTP-8082]" {
		t.Errorf("listeners %s", got)
	}
	for range 2 { // a port without a listener is no error
		if err := a.removeListeners(t, "web-elb", 80, 82); err != nil {
			t.Fatal(err)
		}
	}
	if got := a.listenersOf(t, "web-elb"); got != "[81-HTTP-8081]" {
		t.Errorf("listeners %s", got)
	}
	if err := a.removeListeners(t, "web-elb", 81); err != nil {
		t.Fatal(err)
	}
	if got := a.listenersOf(t, "web-elb"); got != "[]" {
		t.Errorf("listeners %s", got)
	}
}

func TestListenersThatAreInvalidChangeNothing(t *testing.T) {
	a := demo(t)
	gopher, encrypted := listener(81, 8081), listener(81, 8081)
	gopher.Protocol, encrypted.Protocol = aws.String("GOPHER"), aws.String("HTTPS")
	for name, c := range map[string]struct {
		listeners     []types.Listener
		code, message string
	}{
		"another instance port": {[]types.Listener{listener(81, 8081), listener(80, 9999)}, "DuplicateListener", "A listener already exists for web-elb with LoadBalancerPort 80, but with a different InstancePort, Protocol, or SSLCertificateId"},
		"a port twice":          {[]types.Listener{listener(81, 8081), listener(81, 8082)}, "ValidationError", ""},
		"a strange protocol":    {[]types.Listener{gopher}, "UnsupportedProtocol", ""},
		"no certificate":        {[]types.Listener{encrypted}, "CertificateNotFound", ""},
		"a port out of range":   {[]types.Listener{listener(65536, 80)}, "ValidationError", ""},
	} {
		t.Run(name, func(t *testing.T) {
			wantCode(t, a.addListeners(t, "web-elb", c.listeners...), c.code, c.message)
		})
	}
	wantCode(t, a.addListeners(t, "nope", listener(81, 8081)), "LoadBalancerNotFound", "There is no ACTIVE Load Balancer named 'nope'")
	wantCode(t, a.removeListeners(t, "nope", 81), "LoadBalancerNotFound", "There is no ACTIVE Load Balancer named 'nope'")
	if got := a.listenersOf(t, "web-elb"); got != "[80-HTTP-8080]" {
		t.Errorf("listeners %s", got)
	}
}

func TestListenerCarriesTrafficUntilItIsRemoved(t *testing.T) {
	t.Parallel()
	a := carrying(t)
	a.awaitHealth(t, demoServing, healthy)
	if err := a.addListeners(t, "web-elb", listener(81, 8080)); err != nil {
		t.Fatal(err)
	}
	added := a.Traffic()[1].Listeners[1] // sorted by name and port
	if added.Port != 81 {
		t.Fatalf("the listener is %+v", added)
	}
	get := func() (*http.Response, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, added.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		return http.DefaultClient.Do(r)
	}
	response, err := get()
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	if by := response.Header.Get("X-Instance-Id"); response.StatusCode != http.StatusOK || by != demoServing {
		t.Errorf("a request is answered %d by %s", response.StatusCode, by)
	}
	if err := a.removeListeners(t, "web-elb", 81); err != nil {
		t.Fatal(err)
	}
	if response, err := get(); err == nil {
		_ = response.Body.Close()
		t.Errorf("the removed listener answers %d", response.StatusCode)
	}
}
