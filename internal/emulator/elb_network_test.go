package emulator

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"lsapi/internal/emulator/account"
)

const (
	subnetA  = "subnet-0000000000000000a"
	subnetB  = "subnet-0000000000000000b"
	subnetC  = "subnet-0000000000000000c"
	webGroup = "sg-0a1b2c3d4e5f60719"
)

// placeOf returns the zones and subnets of a load balancer.
func (a *testAccount) placeOf(t *testing.T, name string) string {
	t.Helper()
	d := a.classic(t, name)
	return fmt.Sprint(d.AvailabilityZones, d.Subnets)
}

func TestSubnetsAndZonesOfALoadBalancerChange(t *testing.T) {
	a, name := demo(t), aws.String("web-elb")
	attached := must[*elb.AttachLoadBalancerToSubnetsOutput](t)(a.elb.AttachLoadBalancerToSubnets(t.Context(), &elb.AttachLoadBalancerToSubnetsInput{LoadBalancerName: name, Subnets: []string{subnetC, subnetA}}))
	if got := fmt.Sprint(attached.Subnets); got != fmt.Sprint([]string{subnetA, subnetB, subnetC}) {
		t.Errorf("attached to %s", got)
	}
	detached := must[*elb.DetachLoadBalancerFromSubnetsOutput](t)(a.elb.DetachLoadBalancerFromSubnets(t.Context(), &elb.DetachLoadBalancerFromSubnetsInput{LoadBalancerName: name, Subnets: []string{subnetA}}))
	if got := fmt.Sprint(detached.Subnets); got != fmt.Sprint([]string{subnetB, subnetC}) {
		t.Errorf("detached, and left in %s", got)
	}
	enabled := must[*elb.EnableAvailabilityZonesForLoadBalancerOutput](t)(a.elb.EnableAvailabilityZonesForLoadBalancer(t.Context(), &elb.EnableAvailabilityZonesForLoadBalancerInput{LoadBalancerName: name, AvailabilityZones: []string{"us-east-1d"}}))
	if got := fmt.Sprint(enabled.AvailabilityZones); got != "[us-east-1b us-east-1c us-east-1d]" {
		t.Errorf("enabled, and in %s", got)
	}
	disabled := must[*elb.DisableAvailabilityZonesForLoadBalancerOutput](t)(a.elb.DisableAvailabilityZonesForLoadBalancer(t.Context(), &elb.DisableAvailabilityZonesForLoadBalancerInput{LoadBalancerName: name, AvailabilityZones: []string{"us-east-1c", "us-east-1d"}}))
	if got := fmt.Sprint(disabled.AvailabilityZones); got != "[us-east-1b]" {
		t.Errorf("disabled, and in %s", got)
	}
	if got := a.placeOf(t, "web-elb"); got != "[us-east-1b] ["+subnetB+"]" {
		t.Errorf("described in %s", got)
	}
	health := must[map[string]string](t)(a.health(t.Context(), "web-elb"))
	if got := health[demoServing]; got != "OutOfService/Instance/Instance is in the EC2 Availability Zone for which LoadBalancer is not configured to route traffic to." {
		t.Errorf("the member in a removed zone is %s", got)
	}
}

func TestInvalidSubnetsZonesAndSecurityGroupsChangeNothing(t *testing.T) {
	a, name := demo(t), aws.String("web-elb")
	place := a.placeOf(t, "web-elb")
	_, err := a.elb.AttachLoadBalancerToSubnets(t.Context(), &elb.AttachLoadBalancerToSubnetsInput{LoadBalancerName: name, Subnets: []string{subnetC, "subnet-1"}})
	wantCode(t, err, "SubnetNotFound", "The subnet ID 'subnet-1' does not exist")
	_, err = a.elb.DetachLoadBalancerFromSubnets(t.Context(), &elb.DetachLoadBalancerFromSubnetsInput{LoadBalancerName: name, Subnets: []string{subnetA, subnetB}})
	wantCode(t, err, "InvalidConfigurationRequest", "")
	_, err = a.elb.EnableAvailabilityZonesForLoadBalancer(t.Context(), &elb.EnableAvailabilityZonesForLoadBalancerInput{LoadBalancerName: name, AvailabilityZones: []string{"us-east-1z"}})
	wantCode(t, err, "ValidationError", "Invalid availability zone: us-east-1z")
	_, err = a.elb.DisableAvailabilityZonesForLoadBalancer(t.Context(), &elb.DisableAvailabilityZonesForLoadBalancerInput{LoadBalancerName: name, AvailabilityZones: []string{"us-east-1a", "us-east-1b"}})
	wantCode(t, err, "InvalidConfigurationRequest", "")
	_, err = a.elb.AttachLoadBalancerToSubnets(t.Context(), &elb.AttachLoadBalancerToSubnetsInput{LoadBalancerName: aws.String("nope"), Subnets: []string{subnetC}})
	wantCode(t, err, "LoadBalancerNotFound", "There is no ACTIVE Load Balancer named 'nope'")
	_, err = a.elb.ApplySecurityGroupsToLoadBalancer(t.Context(), &elb.ApplySecurityGroupsToLoadBalancerInput{LoadBalancerName: name, SecurityGroups: []string{webGroup, "sg-1"}})
	wantCode(t, err, "InvalidSecurityGroup", "One or more of the specified security groups do not exist.")
	created := creating("new-elb")
	created.SecurityGroups = []string{"sg-1"}
	_, err = a.elb.CreateLoadBalancer(t.Context(), created)
	wantCode(t, err, "InvalidSecurityGroup", "One or more of the specified security groups do not exist.")
	_, err = a.elbv2.CreateLoadBalancer(t.Context(), &elasticloadbalancingv2.CreateLoadBalancerInput{Name: aws.String("new"), Subnets: []string{subnetA, subnetB}, SecurityGroups: []string{"sg-1"}})
	wantCode(t, err, "InvalidSecurityGroup", "The security group 'sg-1' does not exist")
	if got := a.placeOf(t, "web-elb"); got != place {
		t.Errorf("the load balancer is in %s, not %s", got, place)
	}
	if got := fmt.Sprint(a.classic(t, "web-elb").SecurityGroups); got != "["+account.SecurityGroupID+"]" {
		t.Errorf("security groups %s", got)
	}
}

func TestSecurityGroupsAreAppliedAndDescribed(t *testing.T) {
	a := demo(t)
	must[*elb.ApplySecurityGroupsToLoadBalancerOutput](t)(a.elb.ApplySecurityGroupsToLoadBalancer(t.Context(), &elb.ApplySecurityGroupsToLoadBalancerInput{LoadBalancerName: aws.String("web-elb"), SecurityGroups: []string{webGroup}}))
	d := a.classic(t, "web-elb")
	if got := fmt.Sprint(d.SecurityGroups, *d.SourceSecurityGroup.OwnerAlias, *d.SourceSecurityGroup.GroupName); got != "["+webGroup+"]"+account.ID+"web" {
		t.Errorf("security groups %s", got)
	}
	// As Terraform looks up the id of the source security group.
	found := must[*ec2.DescribeSecurityGroupsOutput](t)(a.ec2.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{Filters: []ec2types.Filter{
		filterBy("group-name", "web"), filterBy("vpc-id", *d.VPCId), filterBy("owner-id", account.ID),
	}}))
	if len(found.SecurityGroups) != 1 || *found.SecurityGroups[0].GroupId != webGroup {
		t.Errorf("found %+v", found.SecurityGroups)
	}
	byName := must[*ec2.DescribeSecurityGroupsOutput](t)(a.ec2.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupNames: []string{"default"}}))
	if len(byName.SecurityGroups) != 1 || *byName.SecurityGroups[0].GroupId != account.SecurityGroupID {
		t.Errorf("found %+v", byName.SecurityGroups)
	}
	_, err := a.ec2.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{"sg-1"}})
	wantCode(t, err, "InvalidGroup.NotFound", "The security group 'sg-1' does not exist")
	_, err = a.ec2.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupNames: []string{"nope"}})
	wantCode(t, err, "InvalidGroup.NotFound", "The security group 'nope' does not exist")
}

// interfacesOf returns the ids of the network interfaces of a load balancer as Terraform
// looks for them.
func (a *testAccount) interfacesOf(t *testing.T, description string) (ids []string) {
	t.Helper()
	out := must[*ec2.DescribeNetworkInterfacesOutput](t)(a.ec2.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{Filters: []ec2types.Filter{
		filterBy("attachment.instance-owner-id", "amazon-elb"), filterBy("description", description),
	}}))
	for _, i := range out.NetworkInterfaces {
		ids = append(ids, *i.NetworkInterfaceId)
	}
	return ids
}

func TestNetworkInterfacesLiveAsLongAsTheirLoadBalancers(t *testing.T) {
	a := demo(t)
	if got := a.interfacesOf(t, "ELB web-elb"); len(got) != 2 { // one in each zone
		t.Errorf("the load balancer has the interfaces %v", got)
	}
	if got := a.interfacesOf(t, "ELB app/web-alb/*"); len(got) != 2 {
		t.Errorf("the Application Load Balancer has the interfaces %v", got)
	}
	must[*elb.DeleteLoadBalancerOutput](t)(a.elb.DeleteLoadBalancer(t.Context(), &elb.DeleteLoadBalancerInput{LoadBalancerName: aws.String("web-elb")}))
	if got := a.interfacesOf(t, "ELB web-elb"); len(got) != 0 {
		t.Errorf("the deleted load balancer has the interfaces %v", got)
	}
}

func TestPagesOfNetworkInterfacesContainAll(t *testing.T) {
	a := demo(t)
	seen := map[string]int{}
	pages := ec2.NewDescribeNetworkInterfacesPaginator(a.ec2, &ec2.DescribeNetworkInterfacesInput{MaxResults: aws.Int32(5)})
	for pages.HasMorePages() {
		page := must[*ec2.DescribeNetworkInterfacesOutput](t)(pages.NextPage(t.Context()))
		for _, i := range page.NetworkInterfaces {
			seen[*i.NetworkInterfaceId]++
		}
	}
	const instances, balancers = 10, 3 * 2 // of the demo: not the terminated and gone ones; in two zones each
	if len(seen) != instances+balancers {
		t.Errorf("%d network interfaces in all pages", len(seen))
	}
	for id, times := range seen {
		if times > 1 {
			t.Errorf("%s is on %d pages", id, times)
		}
	}
	_, err := a.ec2.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{NextToken: aws.String("bogus")})
	wantCode(t, err, "InvalidParameterValue", "Value ( bogus ) for parameter NextToken is invalid. The token is invalid.")
	_, err = a.ec2.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{"eni-1"}})
	wantCode(t, err, "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID 'eni-1' does not exist")
	_, err = a.ec2.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{Filters: []ec2types.Filter{filterBy("colour", "red")}})
	wantCode(t, err, "InvalidParameterValue", "The filter 'colour' is invalid")
}
