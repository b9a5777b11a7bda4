package emulator

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/fleet"
)

func run(count int32) *ec2.RunInstancesInput {
	return &ec2.RunInstancesInput{
		ImageId: aws.String("ami-0a1b2c3d4e5f60718"), InstanceType: types.InstanceTypeT3Small,
		MinCount: aws.Int32(count), MaxCount: aws.Int32(count),
	}
}

func filterBy(name string, values ...string) types.Filter {
	return types.Filter{Name: aws.String(name), Values: values}
}

// found returns the ids of the instances that DescribeInstances gives.
func (a *testAccount) found(ctx context.Context, filters ...types.Filter) ([]string, error) {
	out, err := a.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: filters})
	if err != nil {
		return nil, err
	}
	return idsIn(out), nil
}

func idsIn(out *ec2.DescribeInstancesOutput) []string {
	ids := []string{}
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			ids = append(ids, aws.ToString(i.InstanceId))
		}
	}
	return ids
}

func TestDescribeInstancesReturnsFleetInstance(t *testing.T) {
	out := must[*ec2.DescribeInstancesOutput](t)(demo(t).ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{demoMember}}))
	i := out.Reservations[0].Instances[0]
	got := fmt.Sprint(*i.InstanceId, " ", i.InstanceType, " ", i.LaunchTime.Format(time.RFC3339), " ", i.State.Name, " ", *i.State.Code, " ", *i.Placement.AvailabilityZone, " ", *i.VpcId)
	want := "i-0592fe5ccee879f04 t2.micro 2019-10-01T18:54:00Z running 16 us-east-1a " + account.VPCID
	if got != want {
		t.Errorf("described as %s, want %s", got, want)
	}
}

func TestFiltersSelectInstances(t *testing.T) {
	a := demo(t)
	for name, c := range map[string]struct {
		filters []types.Filter
		want    []string
	}{
		"ids, unknown ones absent":  {[]types.Filter{filterBy("instance-id", demoSpare, "i-00000000", demoGone, demoMember)}, []string{demoMember, demoSpare}},
		"state":                     {[]types.Filter{filterBy("instance-state-name", "stopped", "terminated")}, []string{demoStopped, demoIdle, demoTerminated}},
		"tag":                       {[]types.Filter{filterBy("tag:Name", "spare-2")}, []string{demoSpare2}},
		"tag with wildcard":         {[]types.Filter{filterBy("tag:Name", "spare-?")}, []string{demoSpare, demoSpare2}},
		"tag key":                   {[]types.Filter{filterBy("tag-key", "team"), filterBy("tag:team", "plat*")}, []string{demoMember}},
		"zone and type":             {[]types.Filter{filterBy("availability-zone", "us-east-1b"), filterBy("instance-type", "t2.*"), filterBy("instance-state-name", "running")}, []string{demoSpare2}},
		"another network":           {[]types.Filter{filterBy("vpc-id", "vpc-00000000")}, []string{}},
		"ids with wildcard":         {[]types.Filter{filterBy("instance-id", "i-5*")}, []string{demoOldSpare}},
		"a literal star by escape":  {[]types.Filter{filterBy("tag:Name", `\*`)}, []string{}},
		"ids that another excludes": {[]types.Filter{filterBy("instance-id", demoIdle), filterBy("instance-state-name", "running")}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := must[[]string](t)(a.found(t.Context(), c.filters...)); !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
}

func TestDescribeInstancesRejectsInvalidRequests(t *testing.T) {
	a := demo(t)
	var many []string
	for n := range 201 {
		many = append(many, fleet.SpareID(n))
	}
	for name, c := range map[string]struct {
		in            ec2.DescribeInstancesInput
		code, message string
	}{
		"an unknown id":        {ec2.DescribeInstancesInput{InstanceIds: []string{demoSpare, "i-0000000a"}}, "InvalidInstanceID.NotFound", "The instance ID 'i-0000000a' does not exist"},
		"unknown ids":          {ec2.DescribeInstancesInput{InstanceIds: []string{"i-0000000a", demoGone}}, "InvalidInstanceID.NotFound", "The instance IDs 'i-0000000a, " + demoGone + "' do not exist"},
		"a malformed id":       {ec2.DescribeInstancesInput{InstanceIds: []string{"ma1"}}, "InvalidInstanceID.Malformed", `Invalid id: "ma1"`},
		"too many values":      {ec2.DescribeInstancesInput{Filters: []types.Filter{filterBy("instance-id", many...)}}, "FilterLimitExceeded", "The maximum number of filter values specified on a single call is 200"},
		"an unknown filter":    {ec2.DescribeInstancesInput{Filters: []types.Filter{filterBy("colour", "red")}}, "InvalidParameterValue", "The filter 'colour' is invalid"},
		"ids and a page size":  {ec2.DescribeInstancesInput{InstanceIds: []string{demoSpare}, MaxResults: aws.Int32(10)}, "InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults"},
		"a page that is small": {ec2.DescribeInstancesInput{MaxResults: aws.Int32(4)}, "InvalidParameterValue", ""},
		"a token not ours":     {ec2.DescribeInstancesInput{NextToken: aws.String("bogus")}, "InvalidParameterValue", "Value ( bogus ) for parameter NextToken is invalid. The token is invalid."},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := a.ec2.DescribeInstances(t.Context(), &c.in)
			wantCode(t, err, c.code, c.message)
		})
	}
}

func TestInstancePagesContainAllInstances(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "2x10")})
	all := must[[]string](t)(a.found(t.Context()))
	if len(all) != 20+fleet.Spares {
		t.Fatalf("%d instances, want %d", len(all), 20+fleet.Spares)
	}
	var paged []string
	pages := ec2.NewDescribeInstancesPaginator(a.ec2, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(300)})
	for pages.HasMorePages() {
		paged = append(paged, idsIn(must[*ec2.DescribeInstancesOutput](t)(pages.NextPage(t.Context())))...)
	}
	if !slices.Equal(paged, all) {
		t.Errorf("the pages have %d instances, or in another order than the whole list of %d", len(paged), len(all))
	}
}

func TestInstanceStatesFollowStartStopTerminate(t *testing.T) {
	f := fleet.Fleet{StartDelay: 30 * time.Second}
	a := start(t, Options{Fleet: f})
	ctx := t.Context()
	started := must[*ec2.RunInstancesOutput](t)(a.ec2.RunInstances(ctx, run(2)))
	if len(started.Instances) != 2 || started.Instances[0].State.Name != types.InstanceStateNamePending {
		t.Fatalf("started %v, want two that are pending", started.Instances)
	}
	id := *started.Instances[0].InstanceId
	ids := []string{id}
	launched := *started.Instances[0].LaunchTime
	state := func() types.Instance {
		t.Helper()
		return must[*ec2.DescribeInstancesOutput](t)(a.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: ids})).Reservations[0].Instances[0]
	}
	expect := func(want types.InstanceStateName) {
		t.Helper()
		if got := state().State.Name; got != want {
			t.Errorf("state %s, want %s", got, want)
		}
	}
	expect(types.InstanceStateNamePending)
	a.clock.Advance(30 * time.Second)
	expect(types.InstanceStateNameRunning)
	must[*ec2.StopInstancesOutput](t)(a.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: ids}))
	expect(types.InstanceStateNameStopping)
	_, err := a.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids})
	wantCode(t, err, "IncorrectInstanceState", "The instance '"+id+"' is not in a state from which it can be started.")
	a.clock.Advance(30 * time.Second)
	expect(types.InstanceStateNameStopped)
	must[*ec2.StartInstancesOutput](t)(a.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids}))
	if again := *state().LaunchTime; !again.After(launched) {
		t.Errorf("launched at %v, want later than %v: a start moves it", again, launched)
	}
	must[*ec2.TerminateInstancesOutput](t)(a.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids}))
	a.clock.Advance(30 * time.Second)
	expect(types.InstanceStateNameTerminated)
	a.clock.Advance(time.Hour)
	_, err = a.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: ids})
	wantCode(t, err, "InvalidInstanceID.NotFound", "")
}

func TestRunInstancesIsIdempotentByClientToken(t *testing.T) {
	a := demo(t)
	in := run(1)
	in.ClientToken = aws.String("once")
	first := must[*ec2.RunInstancesOutput](t)(a.ec2.RunInstances(t.Context(), in))
	again := must[*ec2.RunInstancesOutput](t)(a.ec2.RunInstances(t.Context(), in))
	if *first.Instances[0].InstanceId != *again.Instances[0].InstanceId {
		t.Errorf("two instances for one token: %s and %s", *first.Instances[0].InstanceId, *again.Instances[0].InstanceId)
	}
}

func TestCreateTagsAndFilterByTag(t *testing.T) {
	a := demo(t)
	must[*ec2.CreateTagsOutput](t)(a.ec2.CreateTags(t.Context(), &ec2.CreateTagsInput{
		Resources: []string{demoSpare}, Tags: []types.Tag{{Key: aws.String("role"), Value: aws.String("canary")}},
	}))
	if got := must[[]string](t)(a.found(t.Context(), filterBy("tag:role", "canary"))); !slices.Equal(got, []string{demoSpare}) {
		t.Errorf("found %v, want %s", got, demoSpare)
	}
}

func TestInstanceStatusIncludesOnlyRunningByDefault(t *testing.T) {
	a := demo(t)
	running := must[*ec2.DescribeInstanceStatusOutput](t)(a.ec2.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{}))
	all := must[*ec2.DescribeInstanceStatusOutput](t)(a.ec2.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{IncludeAllInstances: aws.Bool(true)}))
	if len(running.InstanceStatuses) != 8 || len(all.InstanceStatuses) != 11 {
		t.Errorf("%d and %d statuses, want 8 and 11", len(running.InstanceStatuses), len(all.InstanceStatuses))
	}
}
