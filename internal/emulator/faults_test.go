package emulator

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/transport/http"

	"lsapi/internal/emulator/ec2"
	"lsapi/internal/emulator/elb"
	"lsapi/internal/emulator/elbv2"
)

const register = "RegisterInstancesWithLoadBalancer"

func (a *testAccount) fault(t *testing.T, f Fault) {
	t.Helper()
	if err := a.AddFault(f); err != nil {
		t.Fatal(err)
	}
}

func TestFaultCountLimitsFailures(t *testing.T) {
	a := demo(t)
	a.fault(t, Fault{Action: register, Kind: FaultThrottle, Count: 2})
	for range 2 {
		_, err := a.register(t.Context(), "default-elb", demoSpare)
		wantCode(t, err, "Throttling", "Rate exceeded")
	}
	must[[]string](t)(a.described(t.Context(), "default-elb")) // another action is spared
	must[[]string](t)(a.register(t.Context(), "default-elb", demoSpare))
	if left := a.Faults(); len(left) != 0 {
		t.Errorf("faults %v left, want none", left)
	}
}

func TestFaultAndCountOfOneVersion(t *testing.T) {
	a := demo(t)
	a.fault(t, Fault{Action: "DescribeLoadBalancers", Version: elbv2.Version, Kind: FaultDenied, Probability: 1})
	a.fault(t, Fault{Action: "DescribeLoadBalancers", Version: elb.Version, Kind: FaultThrottle, Count: 1}) // the first does not cover it
	describe := func() error {
		_, err := a.elbv2.DescribeLoadBalancers(t.Context(), &elasticloadbalancingv2.DescribeLoadBalancersInput{})
		return err
	}
	wantCode(t, describe(), "AccessDenied", "")
	_, err := a.described(t.Context(), "default-elb")
	wantCode(t, err, "Throttling", "")
	must[[]string](t)(a.described(t.Context(), "default-elb"))
	wantCode(t, describe(), "AccessDenied", "")
	for path, want := range map[string]string{
		"": `{"DescribeLoadBalancers":4}`, "?version=" + elbv2.Version: `{"DescribeLoadBalancers":2}`, "?version=" + ec2.Version: `{}`, "?version=1": "not that of",
	} {
		if _, body := a.send(t, "GET", "/_emulator/calls"+path, "", nil); !strings.Contains(body, want) {
			t.Errorf("calls%s are %s, want %s", path, body, want)
		}
	}
	if got := a.CallsOf(elb.Version)["DescribeLoadBalancers"]; got != 2 {
		t.Errorf("%d calls of the Classic API, want 2", got)
	}
}

func TestFaultProbabilityFailsSomeCalls(t *testing.T) {
	a := demo(t)
	a.fault(t, Fault{Action: "*", Kind: Fault500, Probability: 0.5})
	failed := 0
	for range 100 {
		if _, err := a.described(t.Context(), "default-elb"); err != nil {
			failed++
		}
	}
	if failed < 25 || failed > 75 {
		t.Errorf("%d of 100 calls failed, want about half", failed)
	}
	a.ClearFaults()
	must[[]string](t)(a.described(t.Context(), "default-elb"))
}

func TestFaultsUseErrorsOfTheService(t *testing.T) {
	a := demo(t)
	for kind, want := range map[FaultKind][2]string{
		FaultThrottle: {"Throttling", "RequestLimitExceeded"},
		Fault500:      {"InternalFailure", "InternalError"},
		FaultDenied:   {"AccessDenied", "UnauthorizedOperation"},
	} {
		a.fault(t, Fault{Action: "*", Kind: kind, Count: 2})
		_, err := a.described(t.Context(), "default-elb")
		wantCode(t, err, want[0], "")
		_, err = a.found(t.Context())
		wantCode(t, err, want[1], "")
	}
}

func TestFaultAfterCallKeepsItsEffect(t *testing.T) {
	for kind, check := range map[FaultKind]func(error) bool{
		Fault500: func(err error) bool {
			failure, ok := errors.AsType[*http.ResponseError](err)
			return ok && failure.HTTPStatusCode() == 500
		},
		FaultReset: func(err error) bool { return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) },
	} {
		a := demo(t)
		a.fault(t, Fault{Action: register, Kind: kind, Count: 1, After: true})
		if _, err := a.register(t.Context(), "default-elb", demoSpare); !check(err) {
			t.Errorf("%s: error %v", kind, err)
		}
		if got := a.Members("default-elb"); !slices.Contains(got, demoSpare) {
			t.Errorf("%s: members %v, want %s among them", kind, got, demoSpare)
		}
	}
}

func TestFaultBeforeCallPreventsItsEffect(t *testing.T) {
	for _, kind := range []FaultKind{FaultThrottle, Fault500, FaultReset, FaultDenied} {
		a := demo(t)
		a.fault(t, Fault{Action: register, Kind: kind, Count: 1})
		if _, err := a.register(t.Context(), "default-elb", demoSpare); err == nil {
			t.Errorf("%s: the call succeeded", kind)
		}
		if got := a.Members("default-elb"); slices.Contains(got, demoSpare) {
			t.Errorf("%s: the call was carried out", kind)
		}
	}
}

func TestTimeoutFaultWaitsForDisconnect(t *testing.T) {
	a := demo(t)
	a.fault(t, Fault{Action: register, Kind: FaultTimeout, Count: 1, After: true})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := a.register(ctx, "default-elb", demoSpare)
		done <- err
	}()
	for !slices.Contains(a.Members("default-elb"), demoSpare) { // carried out, though not answered
		if t.Context().Err() != nil {
			t.Fatal("the call was not carried out")
		}
		runtime.Gosched()
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the client's own leaving", err)
	}
}

func TestTimeoutFaultEndsAfterDelay(t *testing.T) {
	for after, want := range map[bool]string{true: "", false: "ServiceUnavailable"} {
		a := demo(t)
		a.fault(t, Fault{Action: register, Kind: FaultTimeout, Count: 1, After: after, Delay: 30 * time.Second})
		done := make(chan error, 1)
		go func() {
			_, err := a.register(t.Context(), "default-elb", demoSpare)
			done <- err
		}()
		if err := a.clock.AwaitSleepers(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		a.clock.Advance(30 * time.Second)
		err := <-done
		got := ""
		if failure, ok := errors.AsType[smithy.APIError](err); ok {
			got = failure.ErrorCode()
		}
		if got != want || want == "" && err != nil {
			t.Errorf("after %v: error %v, want %q", after, err, want)
		}
		if carriedOut := slices.Contains(a.Members("default-elb"), demoSpare); carriedOut != after {
			t.Errorf("after %v: carried out %v", after, carriedOut)
		}
	}
}

func TestFaultEndpoints(t *testing.T) {
	a := demo(t)
	status, body := a.send(t, "POST", "/_emulator/faults", `{"action":"*","kind":"timeout","count":3,"after":true,"delay":"30s"}`, nil)
	if status != 201 {
		t.Fatalf("status %d, answer %s", status, body)
	}
	const want = `[{"action":"*","kind":"timeout","count":3,"after":true,"delay":"30s"}]` + "\n"
	if _, got := a.send(t, "GET", "/_emulator/faults", "", nil); got != want {
		t.Errorf("faults %s, want %s", got, want)
	}
	a.send(t, "DELETE", "/_emulator/faults", "", nil)
	if left := a.Faults(); len(left) != 0 {
		t.Errorf("faults %v left, want none", left)
	}
}

func TestInvalidFaultErrorsNameTheField(t *testing.T) {
	a := demo(t)
	for body, want := range map[string]string{
		`{"action":"Dance","kind":"500","count":1}`:                                  "action",
		`{"action":"RegisterTargets","version":"2012-06-01","kind":"500","count":1}`: "action",
		`{"action":"*","version":"2012","kind":"500","count":1}`:                     "version",
		`{"kind":"500","count":1}`:                                                   "action",
		`{"action":"*","kind":"sloth","count":1}`:                                    "kind",
		`{"action":"*","kind":"500"}`:                                                "probability or count",
		`{"action":"*","kind":"500","count":1,"probability":0.5}`:                    "probability and count",
		`{"action":"*","kind":"500","probability":1.5}`:                              "probability",
		`{"action":"*","kind":"500","probability":-1}`:                               "probability",
		`{"action":"*","kind":"500","count":-1}`:                                     "count",
		`{"action":"*","kind":"denied","count":1,"after":true}`:                      "after",
		`{"action":"*","kind":"health-unavailable","count":1}`:                       "only DescribeTargetHealth",
		`{"action":"*","kind":"500","count":1,"delay":"3s"}`:                         "delay",
		`{"action":"*","kind":"timeout","count":1,"delay":"soon"}`:                   "delay",
		`{"action":"*","kind":"500","count":1,"colour":"red"}`:                       "colour",
		`{"action":"*","kind":"500","count":"many"}`:                                 "count",
		`{"action":"*","kind":"500","count":1}{"action":"*","kind":"500"}`:           "continues after",
		`elephant`: "not a fault",
	} {
		status, answer := a.send(t, "POST", "/_emulator/faults", body, nil)
		if status != 400 || !strings.Contains(answer, want) {
			t.Errorf("%s: status %d, answer %s, want 400 that says %q", body, status, answer, want)
		}
	}
	if left := a.Faults(); len(left) != 0 {
		t.Errorf("faults %v were taken", left)
	}
}
