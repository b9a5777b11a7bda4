package cloud_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/budget"
)

const (
	elbNamespace = "http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/"
	ec2Namespace = "http://ec2.amazonaws.com/doc/2016-11-15/"
)

// fakeAWS responds to attempts by a script, whose last line repeats.
type fakeAWS struct {
	*httptest.Server
	script []reply

	mu       sync.Mutex
	requests []url.Values
}

type reply func(w http.ResponseWriter, form url.Values)

// startAWS returns a client of a server with a script.
func startAWS(t *testing.T, script ...reply) (*cloud.Client, *fakeAWS) {
	t.Helper()
	f := &fakeAWS{script: script}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return newClient(t, f.URL), f
}

func newClient(t *testing.T, endpoint string) *cloud.Client {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_CA_BUNDLE", "")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	client, err := cloud.New(t.Context(), cloud.Options{Region: "us-east-1", Endpoint: endpoint})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (f *fakeAWS) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	f.mu.Lock()
	answer := f.script[min(len(f.requests), len(f.script)-1)]
	f.requests = append(f.requests, form)
	f.mu.Unlock()
	answer(w, form)
}

func (f *fakeAWS) attempts() []url.Values {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// The lines of a script.

func says(status int, body string) reply {
	return func(w http.ResponseWriter, _ url.Values) {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func elbError(status int, code, message string) reply {
	return says(status, fmt.Sprintf(`<ErrorResponse xmlns=%q><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`, elbNamespace, code, message))
}

func ec2Error(status int, code, message string) reply {
	return says(status, fmt.Sprintf(`<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>r-1</RequestID></Response>`, code, message))
}

func registered() reply {
	answer := says(http.StatusOK, fmt.Sprintf(`<RegisterInstancesWithLoadBalancerResponse xmlns=%q><RegisterInstancesWithLoadBalancerResult><Instances/></RegisterInstancesWithLoadBalancerResult></RegisterInstancesWithLoadBalancerResponse>`, elbNamespace))
	return func(w http.ResponseWriter, form url.Values) {
		w.Header().Set("X-Amzn-Requestid", "aws-request")
		answer(w, form)
	}
}

// cutOff closes the connection without a response.
func cutOff(http.ResponseWriter, url.Values) { panic(http.ErrAbortHandler) }

// cutShort closes the connection in the middle of a 200 response.
func cutShort(w http.ResponseWriter, _ url.Values) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, "<RegisterInst")
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func describes(name string, ids ...string) reply {
	var members strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&members, "<member><InstanceId>%s</InstanceId></member>", id)
	}
	return says(http.StatusOK, fmt.Sprintf(`<DescribeLoadBalancersResponse xmlns=%q><DescribeLoadBalancersResult><LoadBalancerDescriptions><member><LoadBalancerName>%s</LoadBalancerName><Instances>%s</Instances></member></LoadBalancerDescriptions></DescribeLoadBalancersResult></DescribeLoadBalancersResponse>`, elbNamespace, name, &members))
}

func TestMembersAreInAWSsOrder(t *testing.T) {
	client, aws := startAWS(t, describes("web", "i-b", "i-a"))
	ids, err := client.Members(t.Context(), lsapi.ELB("web"))
	if err != nil || !slices.Equal(ids, []lsapi.MemberID{lsapi.InstanceMember("i-b"), lsapi.InstanceMember("i-a")}) {
		t.Errorf("got %v, %v", ids, err)
	}
	if request := aws.attempts()[0]; request.Get("LoadBalancerNames.member.1") != "web" || request.Get("Action") != "DescribeLoadBalancers" {
		t.Errorf("AWS got %v", request)
	}
}

// Otherwise changes meant for an emulator would reach AWS.
func TestNoVariableDivertsCallsFromTheEndpoint(t *testing.T) {
	for _, variable := range []string{
		"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "AWS_ENDPOINT_URL=http://127.0.0.1:1",
		"AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING=http://127.0.0.1:1", "AWS_ENDPOINT_URL_EC2=http://127.0.0.1:1",
	} {
		t.Run(variable, func(t *testing.T) {
			name, value, _ := strings.Cut(variable, "=")
			t.Setenv(name, value)
			client, f := startAWS(t, describes("web-elb", "i-00000001"), says(200, `<DescribeInstancesResponse xmlns="`+ec2Namespace+`"/>`))
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // nothing leaves this machine
			defer cancel()
			_, _ = client.Members(ctx, lsapi.ELB("web-elb"))
			_, _ = client.Instances(ctx, []string{"i-00000001"})
			if got := len(f.attempts()); got != 2 {
				t.Errorf("%d of 2 calls reached the endpoint", got)
			}
		})
	}
}

func TestOtherNameThanRequestedIsNotFound(t *testing.T) {
	client, _ := startAWS(t, describes("WEB", "i-a"))
	_, err := client.Members(t.Context(), lsapi.ELB("web"))
	if code := lsapi.ErrorCode(err); code != lsapi.CodeNotFound {
		t.Errorf("got %v, want not found: one load balancer must not have two lanes", err)
	}
}

func TestInstancesUsesFiltersOf200IDsAndReadsAllPages(t *testing.T) {
	const launched = "2019-10-01T18:54:00.000Z"
	page := func(_ http.ResponseWriter, form url.Values) string {
		var items strings.Builder
		for name, values := range form {
			if !strings.HasPrefix(name, "Filter.1.Value.") || values[0] == "i-unknown" {
				continue
			}
			fmt.Fprintf(&items, "<item><instanceId>%s</instanceId><instanceType>t2.micro</instanceType><instanceState><code>16</code><name>running</name></instanceState><launchTime>%s</launchTime></item>", values[0], launched)
		}
		return fmt.Sprintf("<reservationSet><item><instancesSet>%s</instancesSet></item></reservationSet>", &items)
	}
	client, aws := startAWS(t, func(w http.ResponseWriter, form url.Values) {
		// Each batch begins with an empty page that has a next one.
		result, next := "<reservationSet/>", "<nextToken>more</nextToken>"
		if form.Get("NextToken") != "" {
			result, next = page(w, form), ""
		}
		_, _ = fmt.Fprintf(w, "<DescribeInstancesResponse xmlns=%q>%s%s</DescribeInstancesResponse>", ec2Namespace, result, next)
	})
	ids := []string{"i-unknown"}
	for i := range 400 {
		ids = append(ids, fmt.Sprintf("i-%08x", i))
	}
	found, err := client.Instances(t.Context(), ids)
	if err != nil || len(found) != 400 {
		t.Fatalf("found %d instances, %v", len(found), err)
	}
	want := lsapi.Instance{ID: "i-00000000", Type: "t2.micro", State: lsapi.StateRunning, LaunchTime: time.Date(2019, 10, 1, 18, 54, 0, 0, time.UTC)}
	if got := found["i-00000000"]; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if calls := len(aws.attempts()); calls != 6 {
		t.Errorf("401 ids in pages of two took %d calls, want 6", calls)
	}
	if name := aws.attempts()[0].Get("Filter.1.Name"); name != "instance-id" {
		t.Errorf("looked up by %q", name)
	}
}

func TestInstancesWithoutIDsMakesNoCall(t *testing.T) {
	client, aws := startAWS(t, cutOff)
	if found, err := client.Instances(t.Context(), nil); err != nil || len(found) != 0 || len(aws.attempts()) != 0 {
		t.Errorf("got %v, %v after %d calls", found, err, len(aws.attempts()))
	}
}

func TestRegisterSendsAllInstancesInOneCall(t *testing.T) {
	client, aws := startAWS(t, registered())
	if err := register(t.Context(), client, lsapi.InstanceMember("i-a"), lsapi.InstanceMember("i-b")); err != nil {
		t.Fatal(err)
	}
	request := aws.attempts()[0]
	if request.Get("LoadBalancerName") != "web" || request.Get("Instances.member.1.InstanceId") != "i-a" || request.Get("Instances.member.2.InstanceId") != "i-b" {
		t.Errorf("AWS got %v", request)
	}
}

func TestAWSErrorsAreMappedToCodes(t *testing.T) {
	tests := []struct {
		status int
		code   string
		want   lsapi.Code
	}{
		{400, "LoadBalancerNotFound", lsapi.CodeNotFound},
		{400, "InvalidInstance", lsapi.CodeInvalid},
		{400, "AccessDenied", lsapi.CodeForbidden},
		{403, "ExpiredToken", lsapi.CodeForbidden},
		{403, "InvalidClientTokenId", lsapi.CodeForbidden},
		{403, "SignatureDoesNotMatch", lsapi.CodeForbidden},
		{400, "ValidationError", lsapi.CodeUpstream},
		{400, "SomethingNew", lsapi.CodeUpstream},
	}
	for _, test := range tests {
		t.Run(test.code, func(t *testing.T) {
			client, _ := startAWS(t, elbError(test.status, test.code, "as AWS says"))
			err := lsapi.AsError(register(t.Context(), client, lsapi.InstanceMember("i-a")))
			if err.Code != test.want || err.Reason != test.code || err.Ambiguous {
				t.Errorf("got %+v, want %s, not ambiguous", err, test.want)
			}
			public := test.want == lsapi.CodeInvalid || test.want == lsapi.CodeNotFound
			if (err.Message == "as AWS says") != public {
				t.Errorf("the client gets %q", err.Message)
			}
		})
	}
}

func TestErrorsContainNoQuotedRequestAndNoLongMessage(t *testing.T) {
	for code, message := range map[string]string{
		"SignatureDoesNotMatch": "The canonical string should have been 'x-amz-security-token:SECRET'",
		"IncompleteSignature":   "in the header 'SECRET'",
		"SomethingNew":          strings.Repeat("endless ", 1000) + "SECRET",
	} {
		t.Run(code, func(t *testing.T) {
			client, _ := startAWS(t, elbError(403, code, message))
			err := lsapi.AsError(register(t.Context(), client, lsapi.InstanceMember("i-a")))
			logged := fmt.Sprintf("%v %+v", err, err.Err)
			if strings.Contains(logged, "SECRET") || len(logged) > 2000 {
				t.Errorf("the error is %s", logged)
			}
			for _, useful := range []string{"RegisterInstancesWithLoadBalancer", code, "r-1"} {
				if !strings.Contains(logged, useful) {
					t.Errorf("the error does not have %s: %s", useful, logged)
				}
			}
		})
	}
}

func TestThrottlingIsRetriedAndThenReturned(t *testing.T) {
	for _, code := range []string{"Throttling", "DependencyThrottle"} {
		t.Run(code, func(t *testing.T) {
			client, aws := startAWS(t, elbError(400, code, "Rate exceeded"))
			err := lsapi.AsError(register(t.Context(), client, lsapi.InstanceMember("i-a")))
			if err.Code != lsapi.CodeThrottled || err.RetryAfter <= 0 || err.Ambiguous {
				t.Errorf("got %+v", err)
			}
			if n := len(aws.attempts()); n != 3 {
				t.Errorf("there were %d attempts, want 3", n)
			}
		})
	}
	t.Run("EC2", func(t *testing.T) {
		client, _ := startAWS(t, ec2Error(503, "RequestLimitExceeded", "Request limit exceeded."))
		_, err := client.Instances(t.Context(), []string{"i-a"})
		if code := lsapi.ErrorCode(err); code != lsapi.CodeThrottled {
			t.Errorf("got %v", err)
		}
	})
}

func TestChangeIsAmbiguousIfAnAttemptMayHaveTakenEffect(t *testing.T) {
	refusal := elbError(400, "InvalidInstance", "no")
	tests := []struct {
		name      string
		script    []reply
		code      lsapi.Code // "" for success
		ambiguous bool
	}{
		{"500s", []reply{elbError(500, "InternalFailure", "")}, lsapi.CodeUpstream, true},
		{"500s of something in between", []reply{says(502, "<html>Bad Gateway</html>")}, lsapi.CodeUpstream, true},
		{"cut off each time", []reply{cutOff}, lsapi.CodeUpstream, true},
		{"500, then refused", []reply{elbError(500, "InternalFailure", ""), refusal}, lsapi.CodeInvalid, true},
		{"cut off, then throttled", []reply{cutOff, elbError(400, "Throttling", "")}, lsapi.CodeThrottled, true},
		{"500, then done", []reply{elbError(500, "InternalFailure", ""), registered()}, "", false},
		{"refused", []reply{refusal}, lsapi.CodeInvalid, false},
		{"throttled, then refused", []reply{elbError(400, "Throttling", ""), refusal}, lsapi.CodeInvalid, false},
		{"done, the answer cut short", []reply{cutShort}, "", false},
		{"a 404 that is not AWS's", []reply{says(404, "not here")}, lsapi.CodeUpstream, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client, _ := startAWS(t, test.script...)
			err := register(t.Context(), client, lsapi.InstanceMember("i-a"))
			if code := lsapi.ErrorCode(err); code != test.code {
				t.Fatalf("got %v, want code %q", err, test.code)
			}
			if err != nil && lsapi.AsError(err).Ambiguous != test.ambiguous {
				t.Errorf("ambiguous is %v, want %v: %v", !test.ambiguous, test.ambiguous, err)
			}
		})
	}
}

func TestEveryCallIsObservedWithItsAttempts(t *testing.T) {
	_, aws := startAWS(t, elbError(500, "InternalFailure", ""), registered(), elbError(400, "LoadBalancerNotFound", ""))
	var calls []cloud.Call
	client, err := cloud.New(t.Context(), cloud.Options{Region: "us-east-1", Endpoint: aws.URL, Observe: func(c cloud.Call) { calls = append(calls, c) }})
	if err != nil {
		t.Fatal(err)
	}
	_ = register(t.Context(), client, lsapi.InstanceMember("i-a"))
	_, _ = client.Members(t.Context(), lsapi.ELB("web"))
	if len(calls) != 2 {
		t.Fatalf("%d calls were observed, want 2", len(calls))
	}
	if c := calls[0]; c.Operation != "RegisterInstancesWithLoadBalancer" || c.Code != "" || c.Attempts != 2 || c.Took <= 0 {
		t.Errorf("got %+v", c)
	}
	if c := calls[1]; c.Operation != "DescribeLoadBalancers" || c.Code != lsapi.CodeNotFound || c.Attempts != 1 {
		t.Errorf("got %+v", c)
	}
}

func TestCallWithoutATokenIsThrottledAndNotSent(t *testing.T) {
	_, aws := startAWS(t, registered())
	tight := budget.New(budget.Sizes{budget.ELBWrite: {Burst: 1, PerSecond: 0.001}})
	client, err := cloud.New(t.Context(), cloud.Options{Region: "us-east-1", Endpoint: aws.URL, Budget: tight})
	if err != nil {
		t.Fatal(err)
	}
	if err := register(t.Context(), client, lsapi.InstanceMember("i-a")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	refused := lsapi.AsError(register(ctx, client, lsapi.InstanceMember("i-b")))
	if refused.Code != lsapi.CodeThrottled || refused.Ambiguous || refused.RetryAfter <= 0 || len(aws.attempts()) != 1 {
		t.Errorf("got %+v after %d attempts", refused, len(aws.attempts()))
	}
}

func TestCancelledCallIsAmbiguous(t *testing.T) {
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	client, _ := startAWS(t, func(http.ResponseWriter, url.Values) {
		arrived <- struct{}{}
		<-release
	})
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	err := lsapi.AsError(register(ctx, client, lsapi.InstanceMember("i-a")))
	if err.Code != lsapi.CodeTimeout || !err.Ambiguous {
		t.Errorf("got %+v", err)
	}
}

func TestCallThatCannotConnectIsNotAmbiguous(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	client := newClient(t, closed.URL)
	err := lsapi.AsError(register(t.Context(), client, lsapi.InstanceMember("i-a")))
	if err.Code != lsapi.CodeUpstream || err.Ambiguous {
		t.Errorf("got %+v", err)
	}
}

func TestMissingCredentialsAreForbidden(t *testing.T) {
	_, aws := startAWS(t, registered())
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	client, err := cloud.New(t.Context(), cloud.Options{Region: "us-east-1", Endpoint: aws.URL})
	if err != nil {
		t.Fatal(err)
	}
	err = register(t.Context(), client, lsapi.InstanceMember("i-a"))
	if coded := lsapi.AsError(err); coded.Code != lsapi.CodeForbidden || coded.Ambiguous || !strings.Contains(err.Error(), "no AWS credentials") {
		t.Errorf("got %+v", err)
	}
}

// register registers instances with the load balancer web.
func register(ctx context.Context, client *cloud.Client, ids ...lsapi.MemberID) error {
	_, err := client.Register(ctx, lsapi.ELB("web"), ids, nil)
	return err
}

func TestBeforeAttemptIsCalledBeforeEachAttempt(t *testing.T) {
	client, aws := startAWS(t, cutOff, registered())
	calls := 0
	id, err := client.Register(t.Context(), lsapi.ELB("web"), []lsapi.MemberID{lsapi.InstanceMember("i-a")}, func(context.Context) (time.Time, error) {
		if calls++; calls != len(aws.attempts())+1 {
			t.Errorf("call %d came after %d attempts", calls, len(aws.attempts()))
		}
		return time.Time{}, nil
	})
	if err != nil || calls != 2 || id != "aws-request" {
		t.Errorf("got %q, %v after %d calls", id, err, calls)
	}
}

func TestErrorOfBeforeAttemptPreventsTheAttempt(t *testing.T) {
	client, aws := startAWS(t, cutOff, registered())
	calls := 0
	_, err := client.Register(t.Context(), lsapi.ELB("web"), []lsapi.MemberID{lsapi.InstanceMember("i-a")}, func(context.Context) (time.Time, error) {
		if calls++; calls > 1 {
			return time.Time{}, lsapi.Errorf(lsapi.CodeUnavailable, "no more")
		}
		return time.Time{}, nil
	})
	if e := lsapi.AsError(err); e.Code != lsapi.CodeUnavailable || !e.Ambiguous || len(aws.attempts()) != 1 {
		t.Errorf("got %+v after %d attempts, want one, which is open", e, len(aws.attempts()))
	}
}

func TestAttemptEndsAtTheDeadlineOfBeforeAttempt(t *testing.T) {
	hang := make(chan struct{})
	client, _ := startAWS(t, func(http.ResponseWriter, url.Values) { <-hang })
	defer close(hang)
	began := time.Now()
	_, err := client.Register(t.Context(), lsapi.ELB("web"), []lsapi.MemberID{lsapi.InstanceMember("i-a")}, func(context.Context) (time.Time, error) {
		return time.Now().Add(50 * time.Millisecond), nil
	})
	if e := lsapi.AsError(err); !e.Ambiguous || time.Since(began) > 5*time.Second {
		t.Errorf("got %+v after %v", e, time.Since(began))
	}
}
