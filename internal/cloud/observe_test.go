package cloud_test

import (
	"testing"

	"lsapi"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/awstest"
	"lsapi/internal/cloud/classic"
)

func TestEveryCallIsObservedWithItsAttempts(t *testing.T) {
	_, aws := start(t, awstest.Error(500, "InternalFailure", ""), registered(), awstest.Error(400, "LoadBalancerNotFound", ""))
	var calls []cloud.Call
	client := classic.New(awstest.Configure(t, cloud.Options{Endpoint: aws.URL, Observe: func(c cloud.Call) { calls = append(calls, c) }}))
	_ = register(t.Context(), client, lsapi.InstanceMember("i-a"))
	_, _ = client.Members(t.Context(), lsapi.ELB("web"))
	if len(calls) != 2 {
		t.Fatalf("%d calls were observed, want 2", len(calls))
	}
	if c := calls[0]; c.Operation != (cloud.Operation{Service: "elb", Name: "RegisterInstancesWithLoadBalancer"}) || c.Code != "" || c.Attempts != 2 || c.Took <= 0 {
		t.Errorf("got %+v", c)
	}
	if c := calls[1]; c.Operation != (cloud.Operation{Service: "elb", Name: "DescribeLoadBalancers"}) || c.Code != lsapi.CodeNotFound || c.Attempts != 1 {
		t.Errorf("got %+v", c)
	}
}
