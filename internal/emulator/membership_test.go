package emulator

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"

	"lsapi/internal/emulator/fleet"
)

func (a *testAccount) register(ctx context.Context, name string, ids ...string) ([]string, error) {
	out, err := a.elb.RegisterInstancesWithLoadBalancer(ctx, &elb.RegisterInstancesWithLoadBalancerInput{
		LoadBalancerName: &name, Instances: instancesOf(ids),
	})
	if err != nil {
		return nil, err
	}
	return idsOf(out.Instances), nil
}

func (a *testAccount) deregister(ctx context.Context, name string, ids ...string) ([]string, error) {
	out, err := a.elb.DeregisterInstancesFromLoadBalancer(ctx, &elb.DeregisterInstancesFromLoadBalancerInput{
		LoadBalancerName: &name, Instances: instancesOf(ids),
	})
	if err != nil {
		return nil, err
	}
	return idsOf(out.Instances), nil
}

// described returns the members that DescribeLoadBalancers shows.
func (a *testAccount) described(ctx context.Context, name string) ([]string, error) {
	out, err := a.elb.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{LoadBalancerNames: []string{name}})
	if err != nil {
		return nil, err
	}
	return idsOf(out.LoadBalancerDescriptions[0].Instances), nil
}

// health returns what DescribeInstanceHealth shows, by instance.
func (a *testAccount) health(ctx context.Context, name string, ids ...string) (map[string]string, error) {
	out, err := a.elb.DescribeInstanceHealth(ctx, &elb.DescribeInstanceHealthInput{
		LoadBalancerName: &name, Instances: instancesOf(ids),
	})
	if err != nil {
		return nil, err
	}
	states := map[string]string{}
	for _, s := range out.InstanceStates {
		states[*s.InstanceId] = *s.State + "/" + *s.ReasonCode + "/" + *s.Description
	}
	return states, nil
}

func instancesOf(ids []string) []types.Instance {
	instances := make([]types.Instance, len(ids))
	for n, id := range ids {
		instances[n].InstanceId = aws.String(id)
	}
	return instances
}

func idsOf(instances []types.Instance) []string {
	ids := make([]string, len(instances))
	for n, i := range instances {
		ids[n] = aws.ToString(i.InstanceId)
	}
	return ids
}

const (
	healthy       = "InService/N/A/N/A"
	stillDraining = "InService/N/A/Instance deregistration currently in progress."
	notRegistered = "OutOfService/Instance/Instance is not currently registered with the LoadBalancer."
	isRegistering = "OutOfService/ELB/Instance registration is still in progress."
)

func TestRegisteredInstanceBecomesInService(t *testing.T) {
	a := demo(t)
	list := must[[]string](t)(a.register(t.Context(), "default-elb", demoSpare))
	if want := []string{demoMember, demoSpare}; !slices.Equal(list, want) {
		t.Errorf("register answered %v, want %v", list, want)
	}
	if list := must[[]string](t)(a.described(t.Context(), "default-elb")); !slices.Contains(list, demoSpare) {
		t.Errorf("the load balancer shows %v, want %s among them", list, demoSpare)
	}
	if got := must[map[string]string](t)(a.health(t.Context(), "default-elb", demoSpare))[demoSpare]; got != isRegistering {
		t.Errorf("health right after registering: %s, want %s", got, isRegistering)
	}
	a.clock.Advance(2 * time.Second)
	if got := must[map[string]string](t)(a.health(t.Context(), "default-elb", demoSpare))[demoSpare]; got != healthy {
		t.Errorf("health two seconds later: %s, want %s", got, healthy)
	}
}

func TestRegisterIsIdempotent(t *testing.T) {
	a := demo(t)
	list := must[[]string](t)(a.register(t.Context(), "default-elb", demoMember, demoMember))
	if want := []string{demoMember}; !slices.Equal(list, want) {
		t.Errorf("members %v, want %v", list, want)
	}
	if got := must[map[string]string](t)(a.health(t.Context(), "default-elb"))[demoMember]; got != healthy {
		t.Errorf("health %s, want %s: registering again must not begin anew", got, healthy)
	}
}

func TestRegisterRejectsWholeBatchForInvalidInstance(t *testing.T) {
	for name, c := range map[string]struct{ id, message string }{
		"unknown":    {"i-00000000", "Could not find EC2 instance i-00000000."},
		"malformed":  {"elephant", "Could not find EC2 instance elephant."},
		"forgotten":  {demoGone, "Could not find EC2 instance " + demoGone + "."},
		"stopped":    {demoIdle, "EC2 instance " + demoIdle + " is not in running state."},
		"terminated": {demoTerminated, "EC2 instance " + demoTerminated + " is not in running state."},
	} {
		t.Run(name, func(t *testing.T) {
			a := demo(t)
			_, err := a.register(t.Context(), "default-elb", demoSpare, c.id)
			wantCode(t, err, "InvalidInstance", c.message)
			if got := a.Members("default-elb"); !slices.Equal(got, []string{demoMember}) {
				t.Errorf("members %v, want those from before", got)
			}
		})
	}
}

func TestRegisterRejectsMoreThanQuota(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "1x999")})
	_, err := a.register(t.Context(), "elb-0001", fleet.SpareID(1), fleet.SpareID(2))
	wantCode(t, err, "ValidationError", "")
	must[[]string](t)(a.register(t.Context(), "elb-0001", fleet.SpareID(1)))
	if got := len(a.Members("elb-0001")); got != 1000 {
		t.Errorf("%d members, want 1000", got)
	}
}

func TestDeregisteredInstanceDrains(t *testing.T) {
	a := demo(t)
	if left := must[[]string](t)(a.deregister(t.Context(), "default-elb", demoMember)); len(left) != 0 {
		t.Errorf("deregister answered %v, want the rest, which is none", left)
	}
	if list := must[[]string](t)(a.described(t.Context(), "default-elb")); len(list) != 0 {
		t.Errorf("the load balancer shows %v, want none", list)
	}
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{0, stillDraining}, {999 * time.Millisecond, stillDraining}, {time.Millisecond, notRegistered}} {
		a.clock.Advance(step.after)
		if got := must[map[string]string](t)(a.health(t.Context(), "default-elb", demoMember))[demoMember]; got != step.want {
			t.Errorf("health %s, want %s", got, step.want)
		}
	}
}

func TestDeregisteredInstanceIsOutWithoutDraining(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "1x1")})
	must[[]string](t)(a.deregister(t.Context(), "elb-0001", fleet.MemberID(1, 1)))
	if got := must[map[string]string](t)(a.health(t.Context(), "elb-0001", fleet.MemberID(1, 1)))[fleet.MemberID(1, 1)]; got != notRegistered {
		t.Errorf("health %s, want %s", got, notRegistered)
	}
}

func TestRegisterEndsDraining(t *testing.T) {
	a := demo(t)
	must[[]string](t)(a.deregister(t.Context(), "default-elb", demoMember))
	must[[]string](t)(a.register(t.Context(), "default-elb", demoMember))
	if got := must[map[string]string](t)(a.health(t.Context(), "default-elb")); len(got) != 1 || got[demoMember] != isRegistering {
		t.Errorf("health %v, want %s registering and nothing else", got, demoMember)
	}
}

func TestDeregisterSucceedsForFormerMembersOnly(t *testing.T) {
	a := demo(t)
	must[[]string](t)(a.deregister(t.Context(), "web-elb", demoServing))
	must[[]string](t)(a.deregister(t.Context(), "web-elb", demoServing))
	_, err := a.deregister(t.Context(), "web-elb", demoFailing, demoSpare)
	wantCode(t, err, "InvalidInstance", "Could not find EC2 instance "+demoSpare+".")
	if got := a.Members("web-elb"); !slices.Contains(got, demoFailing) {
		t.Errorf("members %v: the refused batch took %s out", got, demoFailing)
	}
}

func TestChangesOfUnknownLoadBalancerFail(t *testing.T) {
	a := demo(t)
	const message = "There is no ACTIVE Load Balancer named 'nope'"
	_, err := a.register(t.Context(), "nope", demoSpare)
	wantCode(t, err, "LoadBalancerNotFound", message)
	_, err = a.deregister(t.Context(), "nope", demoSpare)
	wantCode(t, err, "LoadBalancerNotFound", message)
	_, err = a.health(t.Context(), "nope")
	wantCode(t, err, "LoadBalancerNotFound", message)
	_, err = a.described(t.Context(), "nope")
	wantCode(t, err, "LoadBalancerNotFound", "Cannot find Load Balancer nope")
}
