package budget_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/smithy-go/middleware"

	"lsapi/internal/cloud/budget"
)

func TestCallTakesATokenOfItsCategory(t *testing.T) {
	a := newAccount(t, someSizes())
	client := ec2.New(ec2.Options{
		Region:      "us-east-1",
		Credentials: aws.CredentialsProviderFunc(credentials),
		HTTPClient:  a,
		APIOptions:  []func(*middleware.Stack) error{a.budget.AddTo},
	})
	filtered := &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: aws.String("instance-id"), Values: []string{"i-0592fe5c"}}}}
	for _, input := range []*ec2.DescribeInstancesInput{filtered, filtered, {}} {
		if _, err := client.DescribeInstances(t.Context(), input); err != nil {
			t.Fatal(err)
		}
	}
	for category, want := range map[budget.Category]uint64{budget.EC2Filtered: 2, budget.EC2Plain: 1, budget.ELBRead: 0, budget.ELBWrite: 0} {
		if got := a.stats(t, category).Attempts; got != want {
			t.Errorf("%s let %d attempts go, want %d", category, got, want)
		}
	}
}

func TestCategoryOfOperations(t *testing.T) {
	tests := []struct {
		name, service, operation string
		input                    any
		want                     budget.Category // "" for none
	}{
		{"listing load balancers", elb.ServiceID, "DescribeLoadBalancers", &elb.DescribeLoadBalancersInput{}, budget.ELBRead},
		{"asking for health", elb.ServiceID, "DescribeInstanceHealth", &elb.DescribeInstanceHealthInput{}, budget.ELBRead},
		{"attaching", elb.ServiceID, "RegisterInstancesWithLoadBalancer", &elb.RegisterInstancesWithLoadBalancerInput{}, budget.ELBWrite},
		{"detaching", elb.ServiceID, "DeregisterInstancesFromLoadBalancer", &elb.DeregisterInstancesFromLoadBalancerInput{}, budget.ELBWrite},
		{"listing target groups", elbv2.ServiceID, "DescribeTargetGroups", &elbv2.DescribeTargetGroupsInput{}, budget.ELBV2Read},
		{"health of targets", elbv2.ServiceID, "DescribeTargetHealth", &elbv2.DescribeTargetHealthInput{}, budget.ELBV2Read},
		{"attaching to a group", elbv2.ServiceID, "RegisterTargets", &elbv2.RegisterTargetsInput{}, budget.ELBV2Write},
		{"detaching from a group", elbv2.ServiceID, "DeregisterTargets", &elbv2.DeregisterTargetsInput{}, budget.ELBV2Write},
		{"instances by filter", ec2.ServiceID, "DescribeInstances", &ec2.DescribeInstancesInput{Filters: make([]types.Filter, 1)}, budget.EC2Filtered},
		{"instances by pages", ec2.ServiceID, "DescribeInstances", &ec2.DescribeInstancesInput{MaxResults: aws.Int32(1000)}, budget.EC2Filtered},
		{"instances by id", ec2.ServiceID, "DescribeInstances", &ec2.DescribeInstancesInput{InstanceIds: []string{"i-0592fe5c"}}, budget.EC2Plain},
		{"all instances", ec2.ServiceID, "DescribeInstances", &ec2.DescribeInstancesInput{}, budget.EC2Plain},
		{"anything else of EC2", ec2.ServiceID, "DescribeRegions", &ec2.DescribeRegionsInput{}, budget.EC2Plain},
		{"credentials", "STS", "AssumeRole", nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := budget.CategoryOf(test.service, test.operation, test.input)
			if got != test.want || ok != (test.want != "") {
				t.Errorf("got %q, %v, want %q", got, ok, test.want)
			}
		})
	}
}
