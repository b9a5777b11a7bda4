package classic_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lsapi"
	"lsapi/internal/cloud/awstest"
	"lsapi/internal/cloud/classic"
)

func start(t *testing.T, script ...awstest.Reply) (*classic.Client, *awstest.Server) {
	t.Helper()
	config, aws := awstest.Start(t, script...)
	return classic.New(config), aws
}

func describes(name string, ids ...string) awstest.Reply {
	var members strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&members, "<member><InstanceId>%s</InstanceId></member>", id)
	}
	return awstest.Result(awstest.ELBNamespace, "DescribeLoadBalancers",
		fmt.Sprintf("<LoadBalancerDescriptions><member><LoadBalancerName>%s</LoadBalancerName><Instances>%s</Instances></member></LoadBalancerDescriptions>", name, &members))
}

func TestMembersAreInAWSsOrder(t *testing.T) {
	client, aws := start(t, describes("web", "i-b", "i-a"))
	read, err := client.Members(t.Context(), lsapi.ELB("web"))
	if err != nil || !slices.Equal(read.Members, []lsapi.MemberID{lsapi.InstanceMember("i-b"), lsapi.InstanceMember("i-a")}) {
		t.Errorf("got %v, %v", read, err)
	}
	if request := aws.Attempts()[0]; request.Get("LoadBalancerNames.member.1") != "web" || request.Get("Action") != "DescribeLoadBalancers" {
		t.Errorf("AWS got %v", request)
	}
}

func TestOtherNameThanRequestedIsNotFound(t *testing.T) {
	client, _ := start(t, describes("WEB", "i-a"))
	_, err := client.Members(t.Context(), lsapi.ELB("web"))
	if code := lsapi.ErrorCode(err); code != lsapi.CodeNotFound {
		t.Errorf("got %v, want not found: one load balancer must not have two lanes", err)
	}
}

func TestRegisterSendsAllInstancesInOneCall(t *testing.T) {
	client, aws := start(t, awstest.Result(awstest.ELBNamespace, "RegisterInstancesWithLoadBalancer", "<Instances/>"))
	id, err := client.Register(t.Context(), lsapi.ELB("web"), "", []lsapi.MemberID{lsapi.InstanceMember("i-a"), lsapi.InstanceMember("i-b")}, nil)
	if err != nil || id != "aws-request" {
		t.Fatalf("got %q, %v", id, err)
	}
	request := aws.Attempts()[0]
	if request.Get("LoadBalancerName") != "web" || request.Get("Instances.member.1.InstanceId") != "i-a" || request.Get("Instances.member.2.InstanceId") != "i-b" {
		t.Errorf("AWS got %v", request)
	}
}
