package emulator

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/elb"
	"lsapi/internal/emulator/wire"
)

// post sends a form as a client would that signs with anything.
func (a *testAccount) post(t *testing.T, form url.Values, header http.Header) (int, string) {
	t.Helper()
	return a.send(t, http.MethodPost, "/", form.Encode(), header)
}

func (a *testAccount) send(t *testing.T, method, path, body string, header http.Header) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, a.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return response.StatusCode, string(text)
}

func signature(service string) http.Header {
	return http.Header{
		"Authorization": {"AWS4-HMAC-SHA256 Credential=test/20260301/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=0"},
		"Content-Type":  {"application/x-www-form-urlencoded; charset=utf-8"},
	}
}

func TestInvalidRequestsFailInTheServiceDialect(t *testing.T) {
	elbHeader, ec2Header := signature("elasticloadbalancing"), signature("ec2")
	for name, c := range map[string]struct {
		form   string
		header http.Header
		status int
		want   []string
	}{
		"unsigned, ELB":          {"Version=2012-06-01&Action=DescribeLoadBalancers", nil, 403, []string{`<ErrorResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/"><Error><Type>Sender</Type><Code>MissingAuthenticationToken</Code><Message>Request is missing Authentication Token</Message></Error><RequestId>`}},
		"unsigned, EC2":          {"Version=2016-11-15&Action=DescribeInstances", nil, 403, []string{`<Errors><Error><Code>MissingAuthenticationToken</Code>`, `<RequestID>`}},
		"unsigned, STS":          {"Version=2011-06-15&Action=GetCallerIdentity", nil, 403, []string{`<Code>MissingAuthenticationToken</Code>`}},
		"unknown action, ELB":    {"Version=2012-06-01&Action=Dance", elbHeader, 400, []string{`<Code>InvalidAction</Code><Message>Could not find operation Dance for version 2012-06-01</Message>`}},
		"unknown action, EC2":    {"Version=2016-11-15&Action=Dance", ec2Header, 400, []string{`<Code>InvalidAction</Code><Message>The action Dance is not valid for this web service.</Message>`}},
		"another API's action":   {"Version=2012-06-01&Action=DescribeInstances", elbHeader, 400, []string{`<Code>InvalidAction</Code>`}},
		"unknown version, ELB":   {"Version=2011-01-01&Action=DescribeLoadBalancers", elbHeader, 400, []string{`Could not find operation DescribeLoadBalancers for version 2011-01-01`}},
		"unknown version, EC2":   {"Version=2006-01-01&Action=DescribeInstances", ec2Header, 400, []string{`<Code>NoSuchVersion</Code>`}},
		"no version":             {"Action=DescribeLoadBalancers", elbHeader, 400, []string{`Could not find operation DescribeLoadBalancers for version NO_VERSION_SPECIFIED`}},
		"no action":              {"Version=2012-06-01", elbHeader, 400, []string{`<Code>MissingAction</Code>`}},
		"a form that is none":    {"Version=2012-06-01&Action=%zz", elbHeader, 400, []string{`<Code>MalformedQueryString</Code>`}},
		"a number that is none":  {"Version=2012-06-01&Action=DescribeLoadBalancers&PageSize=ten", elbHeader, 400, []string{`<Code>MalformedInput</Code>`}},
		"a parameter missing":    {"Version=2012-06-01&Action=RegisterInstancesWithLoadBalancer", elbHeader, 400, []string{`2 validation errors detected: Value null at &#39;loadBalancerName&#39; failed to satisfy constraint: Member must not be null; Value null at &#39;instances&#39;`}},
		"a body beyond measure":  {strings.Repeat("x", wire.MaxBody+1), elbHeader, 413, []string{`<Code>RequestEntityTooLarge</Code>`}},
		"a parameter missing, 2": {"Version=2016-11-15&Action=StopInstances", ec2Header, 400, []string{`<Code>MissingParameter</Code>`}},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := demo(t).send(t, http.MethodPost, "/", c.form, c.header)
			if status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			for _, want := range c.want {
				if !strings.Contains(body, want) {
					t.Errorf("answer %s\nlacks %s", body, want)
				}
			}
		})
	}
}

func TestParametersAndSignatureInURL(t *testing.T) {
	status, body := demo(t).send(t, http.MethodGet, "/?Version=2012-06-01&Action=DescribeLoadBalancers&X-Amz-Signature=0", "", nil)
	if status != http.StatusOK || !strings.Contains(body, "<LoadBalancerName>default-elb</LoadBalancerName>") {
		t.Errorf("status %d, answer %s", status, body)
	}
}

func TestEmptyListsAreWritten(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "1x0")})
	_, body := a.post(t, url.Values{"Version": {elb.Version}, "Action": {"DescribeLoadBalancers"}}, signature("elasticloadbalancing"))
	if !strings.Contains(body, "<Instances></Instances>") {
		t.Errorf("answer %s\nlacks an empty list of instances", body)
	}
}

func TestCallerIdentity(t *testing.T) {
	out := must[*sts.GetCallerIdentityOutput](t)(demo(t).sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))
	if *out.Account != account.ID || !strings.HasPrefix(*out.Arn, "arn:aws:iam::"+account.ID) {
		t.Errorf("caller %s of %s", *out.Arn, *out.Account)
	}
}

func TestLatencyDelaysCalls(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "demo"), Latency: 50 * time.Millisecond})
	done := make(chan error, 1)
	go func() {
		_, err := a.described(t.Context(), "default-elb")
		done <- err
	}()
	if err := a.clock.AwaitSleepers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	a.clock.Advance(49 * time.Millisecond)
	select {
	case <-done:
		t.Error("answered after 49 ms, want 50")
	default:
	}
	a.clock.Advance(time.Millisecond)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
