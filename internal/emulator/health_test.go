package emulator

import (
	"maps"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"lsapi/internal/emulator/fleet"
)

func TestDescribeInstanceHealthReturnsAWSTexts(t *testing.T) {
	a := demo(t)
	want := map[string]string{
		demoServing:   healthy,
		demoFailing:   "OutOfService/Instance/Instance has failed at least the UnhealthyThreshold number of health checks consecutively.",
		demoStopped:   "OutOfService/Instance/Instance is in stopped state.",
		demoRegisters: isRegistering,
	}
	if got := must[map[string]string](t)(a.health(t.Context(), "web-elb")); !maps.Equal(got, want) {
		t.Errorf("health %v, want %v", got, want)
	}
}

func TestHealthOfNonMemberFails(t *testing.T) {
	_, err := demo(t).health(t.Context(), "web-elb", demoServing, demoSpare)
	wantCode(t, err, "InvalidInstance", "")
}

func TestMemberInOtherZoneIsOutOfService(t *testing.T) {
	a := start(t, Options{Fleet: fleet.Fleet{
		LoadBalancers: []fleet.LoadBalancer{{Name: "lb", Zones: []string{"a"}, Members: []string{demoSpare}}},
		Instances:     []fleet.Instance{{ID: demoSpare, Zone: "c"}},
	}})
	const want = "OutOfService/Instance/Instance is in the EC2 Availability Zone for which LoadBalancer is not configured to route traffic to."
	if got := must[map[string]string](t)(a.health(t.Context(), "lb"))[demoSpare]; got != want {
		t.Errorf("health %s, want %s", got, want)
	}
}

func TestTerminatedMemberIsListedWithoutHealth(t *testing.T) {
	a := demo(t)
	must[*ec2.TerminateInstancesOutput](t)(a.ec2.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{demoMember}}))
	for _, later := range []time.Duration{0, 2 * time.Hour} {
		a.clock.Advance(later)
		if got := must[map[string]string](t)(a.health(t.Context(), "default-elb")); len(got) != 0 {
			t.Errorf("health %v, want none", got)
		}
		if got := must[[]string](t)(a.described(t.Context(), "default-elb")); len(got) != 1 {
			t.Errorf("members %v, want the terminated one still", got)
		}
	}
	must[[]string](t)(a.deregister(t.Context(), "default-elb", demoMember))
	if got := a.Members("default-elb"); len(got) != 0 {
		t.Errorf("members %v: a forgotten instance must be possible to take out", got)
	}
}

func TestRestartedMemberRegistersAgain(t *testing.T) {
	a := demo(t)
	ids := []string{demoMember}
	must[*ec2.StopInstancesOutput](t)(a.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: ids}))
	a.clock.Advance(time.Minute)
	must[*ec2.StartInstancesOutput](t)(a.ec2.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: ids}))
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{0, isRegistering}, {2 * time.Second, healthy}} {
		a.clock.Advance(step.after)
		if got := must[map[string]string](t)(a.health(t.Context(), "default-elb"))[demoMember]; got != step.want {
			t.Errorf("health %s, want %s", got, step.want)
		}
	}
}
