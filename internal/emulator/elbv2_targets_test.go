package emulator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"lsapi/internal/emulator/elbv2"
	"lsapi/internal/emulator/fleet"
)

// targetsOf returns targets from their IDs, with a port behind a slash, and an availability
// zone behind another one.
func targetsOf(texts []string) []types.TargetDescription {
	var targets []types.TargetDescription
	for _, text := range texts {
		id, rest, _ := strings.Cut(text, "/")
		t := types.TargetDescription{Id: &id}
		port, zone, _ := strings.Cut(rest, "/")
		if n, err := strconv.ParseInt(port, 10, 32); err == nil {
			t.Port = aws.Int32(int32(n))
		}
		if zone != "" {
			t.AvailabilityZone = &zone
		}
		targets = append(targets, t)
	}
	return targets
}

func (a *testAccount) registerTargets(ctx context.Context, group string, targets ...string) error {
	_, err := a.elbv2.RegisterTargets(ctx, &elasticloadbalancingv2.RegisterTargetsInput{TargetGroupArn: &group, Targets: targetsOf(targets)})
	return err
}

func (a *testAccount) deregisterTargets(ctx context.Context, group string, targets ...string) error {
	_, err := a.elbv2.DeregisterTargets(ctx, &elasticloadbalancingv2.DeregisterTargetsInput{TargetGroupArn: &group, Targets: targetsOf(targets)})
	return err
}

// targetHealth returns what DescribeTargetHealth shows, in its order.
func (a *testAccount) targetHealth(ctx context.Context, group string, targets ...string) ([]string, error) {
	out, err := a.elbv2.DescribeTargetHealth(ctx, &elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: &group, Targets: targetsOf(targets)})
	if err != nil {
		return nil, err
	}
	var states []string
	for _, d := range out.TargetHealthDescriptions {
		h := d.TargetHealth
		state := strings.Join(slices.DeleteFunc([]string{string(h.State), string(h.Reason), aws.ToString(h.Description)}, func(s string) bool { return s == "" }), "/")
		states = append(states, fmt.Sprintf("%s/%d %s", *d.Target.Id, aws.ToInt32(d.Target.Port), state))
	}
	return states, nil
}

// wantTargets fails the test unless DescribeTargetHealth shows these states.
func (a *testAccount) wantTargets(t *testing.T, group string, named []string, want ...string) {
	t.Helper()
	if got := must[[]string](t)(a.targetHealth(t.Context(), group, named...)); !slices.Equal(got, want) {
		t.Errorf("targets\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// noError fails the test for an error.
func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const (
	stateRegistering  = "initial/Elb.RegistrationInProgress/Target registration is in progress"
	stateChecking     = "initial/Elb.InitialHealthChecking/Initial health checks in progress"
	stateHealthy      = "healthy"
	stateUnhealthy    = "unhealthy/Target.FailedHealthChecks/Health checks failed"
	stateUnused       = "unused/Target.NotInUse/Target group is not configured to receive traffic from the load balancer"
	stateOtherZone    = "unused/Target.NotInUse/Target is in an Availability Zone that is not enabled for the load balancer"
	stateStopped      = "unused/Target.InvalidState/Target is in the stopped state"
	stateTerminated   = "unused/Target.InvalidState/Target is in the terminated state"
	stateAbsent       = "unused/Target.NotRegistered/Target is not registered to the target group"
	stateDraining     = "draining/Target.DeregistrationInProgress/Target deregistration is in progress"
	stateNotChecked   = "unavailable/Target.HealthCheckDisabled/Health checks are disabled"
	registrationDelay = time.Second
)

// shop returns an account with the demo fleet and a target group that a load balancer
// forwards to, and the group's ARN.
func shop(t *testing.T) (a *testAccount, group string) {
	t.Helper()
	a = demo(t)
	group = a.group(t, creatingGroup("shop"))
	a.listen(t, a.balancer(t, "web"), 80, group)
	a.clock.Advance(registrationDelay)
	return a, group
}

func TestRegisteredTargetBecomesHealthy(t *testing.T) {
	a, group := shop(t)
	noError(t, a.registerTargets(t.Context(), group, demoSpare))
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateRegistering)
	a.clock.Advance(registrationDelay)
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateHealthy)
	noError(t, a.registerTargets(t.Context(), group, demoSpare))
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateHealthy)
	noError(t, a.SetHealth(demoSpare, 0, false, ""))
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateUnhealthy)
}

func TestWaiterReturnsWhenTargetIsHealthy(t *testing.T) {
	a, group := shop(t)
	noError(t, a.registerTargets(t.Context(), group, demoSpare, demoSpare+"/8080"))
	waiter := elasticloadbalancingv2.NewTargetInServiceWaiter(a.elbv2, func(o *elasticloadbalancingv2.TargetInServiceWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Millisecond, time.Millisecond
		retryable := o.Retryable
		o.Retryable = func(ctx context.Context, in *elasticloadbalancingv2.DescribeTargetHealthInput, out *elasticloadbalancingv2.DescribeTargetHealthOutput, err error) (bool, error) {
			a.clock.Advance(registrationDelay / 2)
			return retryable(ctx, in, out, err)
		}
	})
	noError(t, waiter.Wait(t.Context(), &elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: &group}, time.Minute))
	if calls := a.Calls()["DescribeTargetHealth"]; calls != 3 {
		t.Errorf("%d calls, want 3: after 0, 500 and 1,000 ms", calls)
	}
}

func TestWaiterReturnsWhenTargetIsDeregistered(t *testing.T) {
	a, group := shop(t)
	noError(t, a.registerTargets(t.Context(), group, demoSpare))
	noError(t, a.deregisterTargets(t.Context(), group, demoSpare))
	waiter := elasticloadbalancingv2.NewTargetDeregisteredWaiter(a.elbv2, func(o *elasticloadbalancingv2.TargetDeregisteredWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Millisecond, time.Millisecond
		retryable := o.Retryable
		o.Retryable = func(ctx context.Context, in *elasticloadbalancingv2.DescribeTargetHealthInput, out *elasticloadbalancingv2.DescribeTargetHealthOutput, err error) (bool, error) {
			a.clock.Advance(100 * time.Second)
			return retryable(ctx, in, out, err)
		}
	})
	in := &elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: &group, Targets: targetsOf([]string{demoSpare})}
	noError(t, waiter.Wait(t.Context(), in, time.Minute))
	if calls := a.Calls()["DescribeTargetHealth"]; calls != 4 {
		t.Errorf("%d calls, want 4: the deregistration delay of 300 s ends before the fourth", calls)
	}
}

func TestDeregisteredTargetDrainsForTheDelay(t *testing.T) {
	a, group := shop(t)
	must[*elasticloadbalancingv2.ModifyTargetGroupAttributesOutput](t)(a.elbv2.ModifyTargetGroupAttributes(t.Context(), &elasticloadbalancingv2.ModifyTargetGroupAttributesInput{
		TargetGroupArn: &group, Attributes: []types.TargetGroupAttribute{{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String("20")}},
	}))
	noError(t, a.registerTargets(t.Context(), group, demoSpare))
	a.clock.Advance(registrationDelay)
	noError(t, a.deregisterTargets(t.Context(), group, demoSpare))
	a.clock.Advance(10 * time.Second)
	noError(t, a.deregisterTargets(t.Context(), group, demoSpare)) // does not begin anew
	a.clock.Advance(10*time.Second - time.Nanosecond)
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateDraining)
	a.clock.Advance(time.Nanosecond)
	a.wantTargets(t, group, nil)
	a.wantTargets(t, group, []string{demoSpare}, demoSpare+"/80 "+stateAbsent)
}

func TestRegisterEndsDrainingOfTarget(t *testing.T) {
	a, group := shop(t)
	noError(t, a.registerTargets(t.Context(), group, demoSpare))
	a.clock.Advance(registrationDelay)
	noError(t, a.deregisterTargets(t.Context(), group, demoSpare))
	noError(t, a.registerTargets(t.Context(), group, demoSpare))
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateRegistering)
	a.clock.Advance(time.Hour)
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateHealthy)
}

func TestInstanceIsATargetOncePerPort(t *testing.T) {
	a, group := shop(t)
	noError(t, a.registerTargets(t.Context(), group, demoSpare, demoSpare+"/8080", demoSpare+"/8080", demoSpare+"/80"))
	a.clock.Advance(registrationDelay)
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateHealthy, demoSpare+"/8080 "+stateHealthy)
	noError(t, a.deregisterTargets(t.Context(), group, demoSpare+"/8080"))
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateHealthy, demoSpare+"/8080 "+stateDraining)
}

func TestDeregisterOfAbsentTargetDoesNothing(t *testing.T) {
	a, group := shop(t)
	noError(t, a.registerTargets(t.Context(), group, demoSpare+"/8080"))
	a.clock.Advance(registrationDelay)
	for name, target := range map[string]string{
		"without its port":         demoSpare,
		"another port":             demoSpare + "/8081",
		"another instance":         demoSpare2 + "/8080",
		"an unknown instance":      "i-00000000/8080",
		"a malformed instance ID":  "elephant/8080",
		"the instance's address":   "10.0.0.7/8080",
		"an instance without port": demoSpare2,
	} {
		t.Run(name, func(t *testing.T) {
			noError(t, a.deregisterTargets(t.Context(), group, target))
			a.wantTargets(t, group, nil, demoSpare+"/8080 "+stateHealthy)
		})
	}
}

func TestRegisterTargetsRejectsWholeBatch(t *testing.T) {
	for name, c := range map[string]struct{ target, code, message string }{
		"unknown":             {"i-00000000", "InvalidTarget", ""},
		"malformed":           {"elephant", "ValidationError", "Instance ID 'elephant' is not valid"},
		"forgotten":           {demoGone, "InvalidTarget", ""},
		"stopped":             {demoIdle, "InvalidTarget", "The following targets are not in a running state and cannot be registered: '" + demoIdle + "'"},
		"terminated":          {demoTerminated, "InvalidTarget", ""},
		"a port out of range": {demoSpare2 + "/70000", "ValidationError", "1 validation error detected: Value '70000' at 'targets.port' failed to satisfy constraint: Member must have value less than or equal to 65535"},
	} {
		t.Run(name, func(t *testing.T) {
			a, group := shop(t)
			wantCode(t, a.registerTargets(t.Context(), group, demoSpare, c.target), c.code, c.message)
			a.wantTargets(t, group, nil)
		})
	}
}

func TestTargetIsUnusedWithoutListener(t *testing.T) {
	a := demo(t)
	group := a.group(t, creatingGroup("shop"))
	noError(t, a.registerTargets(t.Context(), group, demoSpare))
	a.clock.Advance(registrationDelay)
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateUnused)
	listener := a.listen(t, a.balancer(t, "web"), 80, group)
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateChecking)
	a.clock.Advance(registrationDelay)
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateHealthy)
	must[*elasticloadbalancingv2.DeleteListenerOutput](t)(a.elbv2.DeleteListener(t.Context(), &elasticloadbalancingv2.DeleteListenerInput{ListenerArn: &listener}))
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateUnused)
	noError(t, a.deregisterTargets(t.Context(), group, demoSpare))
	a.wantTargets(t, group, nil) // nothing to drain
}

func TestTargetIsUnusedOutsideTheZonesOfItsLoadBalancer(t *testing.T) {
	a := demo(t)
	group := a.group(t, creatingGroup("shop"))
	in := creatingV2("web")
	in.Subnets = []string{"subnet-0000000000000000e", "subnet-0000000000000000f"}
	out := must[*elasticloadbalancingv2.CreateLoadBalancerOutput](t)(a.elbv2.CreateLoadBalancer(t.Context(), in))
	a.listen(t, *out.LoadBalancers[0].LoadBalancerArn, 80, group)
	noError(t, a.registerTargets(t.Context(), group, demoSpare))
	a.clock.Advance(registrationDelay)
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateOtherZone)
}

func TestTargetFollowsItsInstance(t *testing.T) {
	a, group := shop(t)
	noError(t, a.registerTargets(t.Context(), group, demoSpare))
	a.clock.Advance(registrationDelay)
	must[*ec2.StopInstancesOutput](t)(a.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{demoSpare}}))
	a.clock.Advance(time.Minute)
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateStopped)
	must[*ec2.StartInstancesOutput](t)(a.ec2.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{demoSpare}}))
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateChecking)
	a.clock.Advance(time.Minute)
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateHealthy)
	must[*ec2.TerminateInstancesOutput](t)(a.ec2.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{demoSpare}}))
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateTerminated)
	a.clock.Advance(time.Hour) // EC2 has removed the instance
	a.wantTargets(t, group, nil)
}

func TestAddressIsATargetInTheVPCOrInAllZones(t *testing.T) {
	a := demo(t)
	in := creatingGroup("shop")
	in.TargetType = types.TargetTypeEnumIp
	group := a.group(t, in)
	a.listen(t, a.balancer(t, "web"), 80, group)
	noError(t, a.registerTargets(t.Context(), group, "10.0.0.1/8080", "10.9.9.9", "192.168.1.7/80/all"))
	a.clock.Advance(registrationDelay)
	a.wantTargets(t, group, nil, "10.0.0.1/8080 "+stateHealthy, "10.9.9.9/80 "+stateHealthy, "192.168.1.7/80 "+stateHealthy)
	out := must[*elasticloadbalancingv2.DescribeTargetHealthOutput](t)(a.elbv2.DescribeTargetHealth(t.Context(), &elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: &group}))
	var zones []string
	for _, d := range out.TargetHealthDescriptions {
		zones = append(zones, *d.Target.AvailabilityZone)
	}
	if want := []string{"us-east-1a", "us-east-1a", "all"}; !slices.Equal(zones, want) {
		t.Errorf("zones %v, want %v", zones, want)
	}
	for target, code := range map[string]string{demoSpare: "ValidationError", "192.168.1.8": "ValidationError", "8.8.8.8/80/all": "ValidationError", "2001:db8::7": "ValidationError"} {
		wantCode(t, a.registerTargets(t.Context(), group, target), code, "")
	}
	six := creatingGroup("six")
	six.TargetType, six.IpAddressType = types.TargetTypeEnumIp, types.TargetGroupIpAddressTypeEnumIpv6
	sixes := a.group(t, six)
	noError(t, a.registerTargets(t.Context(), sixes, "2001:db8::7/8080"))
	a.wantTargets(t, sixes, nil, "2001:db8::7/8080 "+stateUnused)
}

func TestAddressOfInstanceFailsWithIt(t *testing.T) {
	a := demo(t)
	described := must[*ec2.DescribeInstancesOutput](t)(a.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{demoSpare}}))
	address := *described.Reservations[0].Instances[0].PrivateIpAddress
	in := creatingGroup("shop")
	in.TargetType = types.TargetTypeEnumIp
	group := a.group(t, in)
	a.listen(t, a.balancer(t, "web"), 80, group)
	noError(t, a.registerTargets(t.Context(), group, address))
	a.clock.Advance(registrationDelay)
	a.wantTargets(t, group, nil, address+"/80 "+stateHealthy)
	noError(t, a.SetHealth(demoSpare, 0, false, "Request timed out"))
	a.wantTargets(t, group, nil, address+"/80 unhealthy/Target.FailedHealthChecks/Request timed out")
}

func TestLambdaFunctionIsUnavailableWithoutHealthChecks(t *testing.T) {
	a := start(t, Options{})
	const function = "arn:aws:lambda:us-east-1:123456789012:function:shop"
	group := a.group(t, &elasticloadbalancingv2.CreateTargetGroupInput{Name: aws.String("shop"), TargetType: types.TargetTypeEnumLambda})
	a.listen(t, a.balancer(t, "web"), 80, group)
	noError(t, a.registerTargets(t.Context(), group, function))
	a.clock.Advance(registrationDelay)
	a.wantTargets(t, group, nil, function+"/0 "+stateNotChecked)
	wantCode(t, a.registerTargets(t.Context(), group, function+"-2"), "TooManyTargets", "")
	noError(t, a.deregisterTargets(t.Context(), group, function))
	a.wantTargets(t, group, nil)
}

func TestLoadBalancerIsATarget(t *testing.T) {
	a := start(t, Options{})
	in := creatingGroup("shop")
	in.TargetType, in.Protocol = types.TargetTypeEnumAlb, types.ProtocolEnumTcp
	group, inner := a.group(t, in), a.balancer(t, "inner")
	network := creatingV2("outer")
	network.Type = types.LoadBalancerTypeEnumNetwork
	outer := *must[*elasticloadbalancingv2.CreateLoadBalancerOutput](t)(a.elbv2.CreateLoadBalancer(t.Context(), network)).LoadBalancers[0].LoadBalancerArn
	must[*elasticloadbalancingv2.CreateListenerOutput](t)(a.elbv2.CreateListener(t.Context(), withProtocol(listening(outer, 80, group), types.ProtocolEnumTcp)))
	description := []types.TargetDescription{{Id: &inner}}
	must[*elasticloadbalancingv2.RegisterTargetsOutput](t)(a.elbv2.RegisterTargets(t.Context(), &elasticloadbalancingv2.RegisterTargetsInput{TargetGroupArn: &group, Targets: description}))
	a.clock.Advance(registrationDelay)
	a.wantTargets(t, group, nil, inner+"/80 "+stateHealthy)
	description[0].Id = &outer
	_, err := a.elbv2.RegisterTargets(t.Context(), &elasticloadbalancingv2.RegisterTargetsInput{TargetGroupArn: &group, Targets: description})
	wantCode(t, err, "InvalidTarget", "")
}

func TestNamedTargetsAreDescribedInTheirOrder(t *testing.T) {
	a, group := shop(t)
	noError(t, a.registerTargets(t.Context(), group, demoSpare, demoSpare2+"/8080"))
	a.clock.Advance(registrationDelay)
	a.wantTargets(t, group, []string{demoSpare2 + "/8080", demoSpare, demoSpare2},
		demoSpare2+"/8080 "+stateHealthy, demoSpare+"/80 "+stateHealthy, demoSpare2+"/80 "+stateAbsent)
	_, err := a.targetHealth(t.Context(), group, demoSpare, "i-00000000")
	wantCode(t, err, "InvalidTarget", "")
}

func TestRegisterTargetsRejectsMoreThanQuota(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "1x999")})
	group, other := a.group(t, creatingGroup("shop")), a.group(t, creatingGroup("other"))
	targets := make([]string, 1000)
	for n := range targets {
		targets[n] = fmt.Sprintf("%s/%d", fleet.MemberID(1, n%500+1), 8000+n)
	}
	noError(t, a.registerTargets(t.Context(), group, targets...))
	wantCode(t, a.registerTargets(t.Context(), group, fleet.SpareID(1)), "TooManyTargets", "")
	balancer := a.balancer(t, "web")
	a.listen(t, balancer, 80, group)
	noError(t, a.registerTargets(t.Context(), other, fleet.SpareID(1)))
	_, err := a.elbv2.CreateListener(t.Context(), listening(balancer, 81, other))
	wantCode(t, err, "TooManyTargets", "The maximum number of targets per load balancer '1000' has been reached on load balancer '"+balancer+"'")
	noError(t, a.deregisterTargets(t.Context(), group, targets[0]))
	a.listen(t, balancer, 81, other)
	wantCode(t, a.registerTargets(t.Context(), other, fleet.SpareID(2)), "TooManyTargets", "")
}

func TestTargetHealthLags(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "demo"), Lag: time.Second, Seed: 7})
	stale := 0
	for n := range 20 {
		group := a.group(t, creatingGroup(fmt.Sprintf("group-%d", n)))
		a.clock.Advance(time.Second)
		noError(t, a.registerTargets(t.Context(), group, demoSpare))
		a.clock.Advance(500 * time.Millisecond)
		if len(must[[]string](t)(a.targetHealth(t.Context(), group))) == 0 {
			stale++
		}
		a.clock.Advance(time.Second)
		if len(must[[]string](t)(a.targetHealth(t.Context(), group))) != 1 {
			t.Errorf("group %d does not show its target after the lag", n)
		}
	}
	if stale == 0 || stale == 20 {
		t.Errorf("%d of 20 reads were stale, want some", stale)
	}
}

func TestTargetGroupCallsHaveBucketsOfTheirOwn(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "demo"), Throttle: true})
	group := a.group(t, creatingGroup("shop"))
	a.clock.Advance(time.Second)
	for range 20 {
		noError(t, a.registerTargets(t.Context(), group, demoSpare))
	}
	wantCode(t, a.deregisterTargets(t.Context(), group, demoSpare), "Throttling", "Rate exceeded")
	must[[]string](t)(a.register(t.Context(), "default-elb", demoSpare)) // the Classic API has its own
	for range 40 {
		must[[]string](t)(a.targetHealth(t.Context(), group))
	}
	_, err := a.targetHealth(t.Context(), group)
	wantCode(t, err, "Throttling", "Rate exceeded")
}

func TestFaultsFailTargetGroupCalls(t *testing.T) {
	a, group := shop(t)
	a.fault(t, Fault{Action: "RegisterTargets", Kind: Fault500, Count: 1, After: true})
	wantCode(t, a.registerTargets(t.Context(), group, demoSpare), "InternalFailure", "")
	a.wantTargets(t, group, nil, demoSpare+"/80 "+stateRegistering)
}

func TestHealthUnavailableIsAFault(t *testing.T) {
	a, group := shop(t)
	a.fault(t, Fault{Action: "DescribeTargetHealth", Kind: FaultHealth, Count: 1})
	_, err := a.targetHealth(t.Context(), group)
	wantCode(t, err, "HealthUnavailable", "")
	if failure, ok := errors.AsType[*smithyhttp.ResponseError](err); !ok || failure.HTTPStatusCode() != 500 {
		t.Errorf("error %v, want the status 500", err)
	}
	a.wantTargets(t, group, nil)
}

func TestTargetHealthIsWrittenWithoutReasonForHealthyTargets(t *testing.T) {
	a, group := shop(t)
	noError(t, a.registerTargets(t.Context(), group, demoSpare))
	a.clock.Advance(registrationDelay)
	_, body := a.post(t, map[string][]string{"Version": {elbv2.Version}, "Action": {"DescribeTargetHealth"}, "TargetGroupArn": {group}}, signature("elasticloadbalancing"))
	const want = "<HealthCheckPort>80</HealthCheckPort><TargetHealth><State>healthy</State></TargetHealth>"
	if !strings.Contains(body, want) || !strings.HasPrefix(body, `<DescribeTargetHealthResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">`) {
		t.Errorf("answer %s\nlacks %s", body, want)
	}
}

func TestStateShowsTargetGroupsWithoutLag(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "demo"), Lag: time.Hour})
	group := a.group(t, creatingGroup("shop"))
	noError(t, a.registerTargets(t.Context(), group, demoSpare+"/8080"))
	groups := a.State().TargetGroups
	if len(groups) != 3 || groups[0].Name != "shop" || len(groups[0].Targets) != 1 {
		t.Fatalf("target groups %+v", groups)
	}
	if got := groups[0].Targets[0]; got.ID != demoSpare || got.Port != 8080 || got.State != "unused" {
		t.Errorf("target %+v", got)
	}
}
