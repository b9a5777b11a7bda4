package classic_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"lsapi"
	"lsapi/internal/cloud/awstest"
)

// health responds to DescribeInstanceHealth with states, each "id|state|reason|description".
func health(states ...string) awstest.Reply {
	var members strings.Builder
	for _, state := range states {
		fields := strings.Split(state, "|")
		fmt.Fprintf(&members, "<member><InstanceId>%s</InstanceId><State>%s</State><ReasonCode>%s</ReasonCode><Description>%s</Description></member>", fields[0], fields[1], fields[2], fields[3])
	}
	return awstest.Result(awstest.ELBNamespace, "DescribeInstanceHealth", fmt.Sprintf(`<InstanceStates>%s</InstanceStates>`, &members))
}

// never responds as AWS does for an instance that was never a member.
func never() awstest.Reply {
	return awstest.Error(400, "InvalidInstance", "Could not find EC2 instance i-3.")
}

const (
	serving  = "i-2|InService|N/A|N/A"
	failing  = "i-1|OutOfService|Instance|Instance has failed at least the UnhealthyThreshold number of health checks consecutively."
	draining = "i-3|InService|N/A|Instance deregistration currently in progress."
	former   = "i-4|OutOfService|Instance|Instance is not currently registered with the LoadBalancer."
	strange  = "i-5|Confused|N/A|A transient error occurred. Please try again later."
)

func TestHealthHasAWSsDescriptionsAndDrainingFromThem(t *testing.T) {
	client, aws := start(t, health(serving, draining, strange, failing))
	got, _, err := client.Health(t.Context(), lsapi.ELB("web"))
	want := []lsapi.MemberHealth{
		{Member: lsapi.InstanceMember("i-1"), State: lsapi.OutOfService, Reason: "Instance", Description: "Instance has failed at least the UnhealthyThreshold number of health checks consecutively."},
		{Member: lsapi.InstanceMember("i-2"), State: lsapi.InService, Reason: "N/A", Description: "N/A"},
		{Member: lsapi.InstanceMember("i-3"), State: lsapi.InService, Reason: "N/A", Description: "Instance deregistration currently in progress.", Draining: true},
		{Member: lsapi.InstanceMember("i-5"), State: lsapi.HealthUnknown, Reason: "N/A", Description: "A transient error occurred. Please try again later."},
	}
	if err != nil || !slices.Equal(got.Health, want) {
		t.Errorf("it is %+v, %v", got, err)
	}
	request := aws.Attempts()
	if len(request) != 1 || request[0].Get("LoadBalancerName") != "web" || request[0].Has("Instances.member.1.InstanceId") {
		t.Errorf("AWS got %v", request)
	}
}

func TestHealthOfLeavesOutFormerMembers(t *testing.T) {
	client, aws := start(t, health(draining, former))
	got, err := client.HealthOf(t.Context(), lsapi.ELB("web"), []lsapi.MemberID{lsapi.InstanceMember("i-3"), lsapi.InstanceMember("i-4")})
	if err != nil || len(got) != 1 || got[0].Member != lsapi.InstanceMember("i-3") || !got[0].Draining {
		t.Errorf("it is %+v, %v", got, err)
	}
	if request := aws.Attempts()[0]; request.Get("Instances.member.1.InstanceId") != "i-3" || request.Get("Instances.member.2.InstanceId") != "i-4" {
		t.Errorf("AWS got %v", request)
	}
}

// Moto and LocalStack return this for an unregistered instance.
func TestHealthOfLeavesOutUnknownWithoutDescription(t *testing.T) {
	client, _ := start(t, health("i-4|Unknown|N/A|N/A", strange, draining))
	got, err := client.HealthOf(t.Context(), lsapi.ELB("web"), []lsapi.MemberID{lsapi.InstanceMember("i-3"), lsapi.InstanceMember("i-4"), lsapi.InstanceMember("i-5")})
	if err != nil || len(got) != 2 || got[0].Member != lsapi.InstanceMember("i-3") || got[1].Member != lsapi.InstanceMember("i-5") {
		t.Errorf("it is %+v, %v", got, err)
	}
	// For members it is a valid answer.
	if got, _, err := client.Health(t.Context(), lsapi.ELB("web")); err != nil || len(got.Health) != 3 {
		t.Errorf("of the members it is %+v, %v", got, err)
	}
}

func TestHealthOfReadsOthersBesideAnUnknownInstance(t *testing.T) {
	client, _ := start(t, func(w http.ResponseWriter, form url.Values) {
		switch {
		case form.Get("Instances.member.1.InstanceId") == "i-3" || form.Has("Instances.member.2.InstanceId"):
			never()(w, form)
		case form.Get("Instances.member.1.InstanceId") == "i-2":
			health(serving)(w, form)
		default:
			health(failing)(w, form)
		}
	})
	got, err := client.HealthOf(t.Context(), lsapi.ELB("web"), []lsapi.MemberID{lsapi.InstanceMember("i-3"), lsapi.InstanceMember("i-2"), lsapi.InstanceMember("i-1")})
	if err != nil || len(got) != 2 || got[0].Member != lsapi.InstanceMember("i-1") || got[1].Member != lsapi.InstanceMember("i-2") {
		t.Errorf("it is %+v, %v", got, err)
	}
	if got, err := client.HealthOf(t.Context(), lsapi.ELB("web"), []lsapi.MemberID{lsapi.InstanceMember("i-3")}); err != nil || len(got) > 0 {
		t.Errorf("alone it is %+v, %v", got, err)
	}
}

func TestMissingLoadBalancerIsNotFound(t *testing.T) {
	client, _ := start(t, awstest.Error(400, "LoadBalancerNotFound", "There is no ACTIVE Load Balancer named 'web'"))
	_, _, plain := client.Health(t.Context(), lsapi.ELB("web"))
	_, of := client.HealthOf(t.Context(), lsapi.ELB("web"), []lsapi.MemberID{lsapi.InstanceMember("i-1")})
	_, attributes := client.Attributes(t.Context(), lsapi.ELB("web"))
	_, tags := client.Tags(t.Context(), []lsapi.PoolID{lsapi.ELB("web")})
	for name, err := range map[string]error{"health": plain, "health of one": of, "attributes": attributes, "tags": tags} {
		if lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}
