package emulator

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
)

// Terraform's calls in terraform/examples/emulator are recorded by a test in e2e: lines
// "STATUS FORM", and "# COMMAND" before the calls of a command.
func TestRecordedCallsOfTerraformHaveTheirEffects(t *testing.T) {
	recorded, err := os.ReadFile("testdata/terraform.calls")
	if err != nil {
		t.Fatal(err)
	}
	a := demo(t)
	const created = "[81-HTTP-8080] 0 0 [us-east-1a us-east-1b] [sg-0a1b2c3d4e5f60718] HTTP:8080/ 5 2 2 2; 60 true true 60 defensive false  0; team=shop; / 5 2 2 2 i-0bee000000000cd01:8080; team=shop"
	effects := []struct{ command, want string }{
		{"apply", created},
		{"apply", created},
		{"apply", "[83-TCP-8081 84-HTTP-8080] 1 1 [us-east-1b us-east-1c] [sg-0a1b2c3d4e5f60719] TCP:8080 10 3 3 4; 120 false false 30 strictest true logs 5; stage=test; /healthcheck 10 5 3 3 i-0bee000000000cd01:8080; stage=test"},
		{"destroy", ""},
	}
	commands := strings.Split(string(recorded), "# terraform ")[1:]
	for _, calls := range commands {
		command, forms, _ := strings.Cut(calls, "\n")
		for line := range strings.SplitSeq(strings.TrimSpace(forms), "\n") {
			a.repeat(t, command, line)
		}
		if name, _, _ := strings.Cut(command, " "); len(effects) > 0 && name == effects[0].command {
			if got := a.shopSettings(t); got != effects[0].want {
				t.Errorf("after terraform %s there is\n%s, want\n%s", command, got, effects[0].want)
			}
			effects = effects[1:]
		}
	}
	if len(effects) > 0 {
		t.Errorf("no command is recorded for %+v", effects)
	}
}

// repeat sends a recorded call.
func (a *testAccount) repeat(t *testing.T, command, line string) {
	t.Helper()
	status, form, _ := strings.Cut(line, " ")
	if status == "#" || form == "" {
		return // a command of lsapi, or none
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
	r.Header = signature("elasticloadbalancing")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	if got := fmt.Sprint(w.Code); got != status {
		t.Errorf("terraform %s: the call %s is answered %s, not %s:\n%s", command, form, got, status, w.Body)
	}
}

// shopSettings returns the settings of the example's pools, "" without the pools.
func (a *testAccount) shopSettings(t *testing.T) string {
	t.Helper()
	name := aws.String("shop-elb")
	if _, err := a.elb.DescribeLoadBalancers(t.Context(), &elb.DescribeLoadBalancersInput{LoadBalancerNames: []string{*name}}); err != nil {
		_, err := a.elbv2.DescribeTargetGroups(t.Context(), &elasticloadbalancingv2.DescribeTargetGroupsInput{Names: []string{"shop"}})
		wantCode(t, err, "TargetGroupNotFound", "")
		return ""
	}
	d, check := a.classic(t, *name), a.classic(t, *name).HealthCheck
	listeners := strings.Fields(strings.Trim(a.listenersOf(t, *name), "[]"))
	slices.Sort(listeners)
	classic := []any{
		listeners, len(d.Policies.LBCookieStickinessPolicies), len(d.BackendServerDescriptions), d.AvailabilityZones, d.SecurityGroups,
		*check.Target, *check.Interval, *check.Timeout, *check.HealthyThreshold, *check.UnhealthyThreshold,
	}
	has := must[*elb.DescribeLoadBalancerAttributesOutput](t)(a.elb.DescribeLoadBalancerAttributes(t.Context(), &elb.DescribeLoadBalancerAttributesInput{LoadBalancerName: name})).LoadBalancerAttributes
	attributes := []any{
		*has.ConnectionSettings.IdleTimeout, has.CrossZoneLoadBalancing.Enabled, has.ConnectionDraining.Enabled, *has.ConnectionDraining.Timeout,
		*has.AdditionalAttributes[0].Value, has.AccessLog.Enabled, aws.ToString(has.AccessLog.S3BucketName), aws.ToInt32(has.AccessLog.EmitInterval),
	}
	tags := must[*elb.DescribeTagsOutput](t)(a.elb.DescribeTags(t.Context(), &elb.DescribeTagsInput{LoadBalancerNames: []string{*name}})).TagDescriptions[0].Tags
	group := must[*elasticloadbalancingv2.DescribeTargetGroupsOutput](t)(a.elbv2.DescribeTargetGroups(t.Context(), &elasticloadbalancingv2.DescribeTargetGroupsInput{Names: []string{"shop"}})).TargetGroups[0]
	target := []any{
		*group.HealthCheckPath, *group.HealthCheckIntervalSeconds, *group.HealthCheckTimeoutSeconds, *group.HealthyThresholdCount, *group.UnhealthyThresholdCount,
		strings.Join(a.Targets("shop"), " "),
	}
	groupTags := must[*elasticloadbalancingv2.DescribeTagsOutput](t)(a.elbv2.DescribeTags(t.Context(), &elasticloadbalancingv2.DescribeTagsInput{ResourceArns: []string{*group.TargetGroupArn}})).TagDescriptions[0].Tags
	return strings.Join([]string{
		line(classic), line(attributes), *tags[0].Key + "=" + *tags[0].Value, line(target), *groupTags[0].Key + "=" + *groupTags[0].Value,
	}, "; ")
}

func line(values []any) string { return strings.TrimSpace(fmt.Sprintln(values...)) }
