package emulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"lsapi/internal/emulator/dataplane"
)

// demoGroup returns the ARN of a target group of the demo fleet.
func (a *testAccount) demoGroup(t *testing.T, name string) string {
	t.Helper()
	out := must[*elasticloadbalancingv2.DescribeTargetGroupsOutput](t)(a.elbv2.DescribeTargetGroups(t.Context(), &elasticloadbalancingv2.DescribeTargetGroupsInput{Names: []string{name}}))
	return *out.TargetGroups[0].TargetGroupArn
}

// awaitTarget waits until a target, such as "i-…/8080", has this health.
func (a *testAccount) awaitTarget(t *testing.T, group, target, want string) {
	t.Helper()
	var got []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if got = must[[]string](t)(a.targetHealth(t.Context(), group, target)); got[0] == target+" "+want {
			return
		}
	}
	t.Fatalf("the health is %v, not %s", got, want)
}

// carried returns the traffic of a load balancer.
func (a *testAccount) carried(t *testing.T, loadBalancer string) dataplane.Traffic {
	t.Helper()
	for _, traffic := range a.Traffic() {
		if traffic.LoadBalancer == loadBalancer {
			return traffic
		}
	}
	t.Fatalf("%s carries no traffic", loadBalancer)
	return dataplane.Traffic{}
}

// via sends a request through the first listener of a load balancer, and returns the status
// and the target that answered.
func (a *testAccount) via(t *testing.T, loadBalancer, path string) (status int, target string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.carried(t, loadBalancer).Listeners[0].URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode, response.Header.Get("X-Instance-Id") + "/" + response.Header.Get("X-Instance-Port")
}

const stateMismatch = "unhealthy/Target.ResponseCodeMismatch/Health checks failed with these codes: [503]"

func TestTargetHealthFollowsProbes(t *testing.T) {
	t.Parallel()
	a := carrying(t)
	web, admin := a.demoGroup(t, "web-elb"), a.demoGroup(t, "web-admin")
	for target, want := range map[string]string{
		demoServing: stateHealthy, demoScaled: stateHealthy, demoFailing: stateMismatch, demoStopped: stateStopped, demoRegisters: stateRegistering,
	} {
		a.awaitTarget(t, web, target+"/8080", want)
	}
	a.awaitTarget(t, admin, demoServing+"/9090", stateHealthy)
	a.awaitTarget(t, admin, demoScaled+"/9090", stateHealthy)
	if status, by := a.via(t, "web-alb", "/"); status != http.StatusOK || !strings.HasSuffix(by, "/8080") {
		t.Errorf("a request is answered %d by %s", status, by)
	}
	if status, by := a.via(t, "web-alb", "/admin/"); status != http.StatusOK || !strings.HasSuffix(by, "/9090") {
		t.Errorf("a request by the rule is answered %d by %s", status, by)
	}
	if status, body := a.send(t, http.MethodPost, "/_emulator/kill", `{"instanceId":"`+demoScaled+`"}`, nil); status != http.StatusOK {
		t.Fatalf("killing it is %d %s", status, body)
	}
	a.awaitTarget(t, web, demoScaled+"/8080", stateUnhealthy)
	a.awaitTarget(t, admin, demoScaled+"/9090", stateUnhealthy)
	for range 5 {
		if status, by := a.via(t, "web-alb", "/"); status != http.StatusOK || by != demoServing+"/8080" {
			t.Errorf("a request is answered %d by %s", status, by)
		}
	}
}

func TestOnePortOfAnInstanceFails(t *testing.T) {
	t.Parallel()
	a := carrying(t)
	web, admin := a.demoGroup(t, "web-elb"), a.demoGroup(t, "web-admin")
	a.awaitTarget(t, admin, demoServing+"/9090", stateHealthy)
	noError(t, a.SetHealth(demoServing, 9090, false, ""))
	a.awaitTarget(t, admin, demoServing+"/9090", stateMismatch)
	a.awaitTarget(t, web, demoServing+"/8080", stateHealthy)
	for range 3 {
		if status, by := a.via(t, "web-alb", "/admin"); status != http.StatusOK || by != demoScaled+"/9090" {
			t.Errorf("a request is answered %d by %s", status, by)
		}
	}
}

func TestTargetIsRoutedFromRegistrationToDeregistration(t *testing.T) {
	t.Parallel()
	a := carrying(t)
	in := creatingGroup("shop")
	in.HealthCheckIntervalSeconds, in.HealthCheckTimeoutSeconds = aws.Int32(5), aws.Int32(2)
	group, balancer := a.group(t, in), a.balancer(t, "shop")
	a.listen(t, balancer, 86, group)
	if status, _ := a.via(t, "shop", "/"); status != http.StatusServiceUnavailable {
		t.Errorf("without targets the status is %d", status)
	}
	noError(t, a.registerTargets(t.Context(), group, demoSpare+"/8081", demoSpare2))
	a.awaitTarget(t, group, demoSpare+"/8081", stateRegistering)
	a.awaitTarget(t, group, demoSpare+"/8081", stateHealthy)
	a.awaitTarget(t, group, demoSpare2+"/80", stateHealthy)
	noError(t, a.deregisterTargets(t.Context(), group, demoSpare+"/8081"))
	a.wantTargets(t, group, []string{demoSpare + "/8081"}, demoSpare+"/8081 "+stateDraining)
	for range 4 {
		if status, by := a.via(t, "shop", "/"); status != http.StatusOK || by != demoSpare2+"/80" {
			t.Errorf("a request is answered %d by %s", status, by)
		}
	}
	must[*elasticloadbalancingv2.DeleteLoadBalancerOutput](t)(a.elbv2.DeleteLoadBalancer(t.Context(), &elasticloadbalancingv2.DeleteLoadBalancerInput{LoadBalancerArn: &balancer}))
	a.wantTargets(t, group, []string{demoSpare2}, demoSpare2+"/80 "+stateUnused)
	for _, traffic := range a.Traffic() {
		if traffic.LoadBalancer == "shop" {
			t.Errorf("the deleted load balancer carries %+v", traffic)
		}
	}
}

func TestNetworkLoadBalancerIsCarried(t *testing.T) {
	t.Parallel()
	a := carrying(t)
	in := creatingGroup("relayed")
	in.Protocol = types.ProtocolEnumTcp
	group := a.group(t, in)
	network := creatingV2("relay")
	network.Type = types.LoadBalancerTypeEnumNetwork
	created := must[*elasticloadbalancingv2.CreateLoadBalancerOutput](t)(a.elbv2.CreateLoadBalancer(t.Context(), network))
	listener := withProtocol(listening(*created.LoadBalancers[0].LoadBalancerArn, 88, group), types.ProtocolEnumTcp)
	must[*elasticloadbalancingv2.CreateListenerOutput](t)(a.elbv2.CreateListener(t.Context(), listener))
	noError(t, a.registerTargets(t.Context(), group, demoSpare+"/8084"))
	a.awaitTarget(t, group, demoSpare+"/8084", stateHealthy)
	client, err := net.Dial("tcp", strings.TrimPrefix(a.carried(t, "relay").Listeners[0].URL, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	fmt.Fprint(client, "GET / HTTP/1.0\r\n\r\n")
	if answer, err := io.ReadAll(client); err != nil || !strings.Contains(string(answer), "X-Instance-Port: 8084") {
		t.Errorf("the answer is %q (%v)", answer, err)
	}
	must[*elasticloadbalancingv2.DeregisterTargetsOutput](t)(a.elbv2.DeregisterTargets(t.Context(), &elasticloadbalancingv2.DeregisterTargetsInput{
		TargetGroupArn: &group, Targets: []types.TargetDescription{{Id: aws.String(demoSpare), Port: aws.Int32(8084)}},
	}))
	cut, err := net.Dial("tcp", client.RemoteAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer cut.Close()
	if answer, _ := io.ReadAll(cut); len(answer) > 0 {
		t.Errorf("without targets the answer is %q", answer)
	}
}

func TestAddressesAreServed(t *testing.T) {
	t.Parallel()
	a := carrying(t)
	in := creatingGroup("addresses")
	in.TargetType, in.Port = types.TargetTypeEnumIp, aws.Int32(8082)
	group := a.group(t, in)
	a.listen(t, a.balancer(t, "addresses"), 87, group)
	noError(t, a.registerTargets(t.Context(), group, "10.0.0.1", "192.168.1.7/8083/all")) // of an instance, and of none
	a.awaitTarget(t, group, "10.0.0.1/8082", stateHealthy)
	a.awaitTarget(t, group, "192.168.1.7/8083", stateHealthy)
	by := map[string]int{}
	for range 4 {
		_, target := a.via(t, "addresses", "/")
		by[target]++
	}
	if by[demoMember+"/8082"] != 2 || by["192.168.1.7/8083"] != 2 {
		t.Errorf("the requests go to %v", by)
	}
}

func TestFixedResponseIsConfiguredByRule(t *testing.T) {
	t.Parallel()
	a := carrying(t)
	out := must[*elasticloadbalancingv2.DescribeListenersOutput](t)(a.elbv2.DescribeListeners(t.Context(), &elasticloadbalancingv2.DescribeListenersInput{LoadBalancerArn: a.demoBalancer(t)}))
	must[*elasticloadbalancingv2.CreateRuleOutput](t)(a.elbv2.CreateRule(t.Context(), &elasticloadbalancingv2.CreateRuleInput{
		ListenerArn: out.Listeners[0].ListenerArn, Priority: aws.Int32(50),
		Conditions: []types.RuleCondition{{Field: aws.String("path-pattern"), Values: []string{"/teapot"}}},
		Actions: []types.Action{{
			Type:                types.ActionTypeEnumFixedResponse,
			FixedResponseConfig: &types.FixedResponseActionConfig{StatusCode: aws.String("418"), MessageBody: aws.String("short and stout")},
		}},
	}))
	if status, _ := a.via(t, "web-alb", "/teapot"); status != http.StatusTeapot {
		t.Errorf("the status is %d", status)
	}
}

// demoBalancer returns the ARN of the Application Load Balancer of the demo fleet.
func (a *testAccount) demoBalancer(t *testing.T) *string {
	t.Helper()
	out := must[*elasticloadbalancingv2.DescribeLoadBalancersOutput](t)(a.elbv2.DescribeLoadBalancers(t.Context(), &elasticloadbalancingv2.DescribeLoadBalancersInput{Names: []string{"web-alb"}}))
	return out.LoadBalancers[0].LoadBalancerArn
}

// suffix returns the dimension that CloudWatch has for an ARN.
func suffix(arn string) string {
	_, after, _ := strings.Cut(arn, ":"+"123456789012"+":")
	return strings.TrimPrefix(after, "loadbalancer/")
}

func TestApplicationMetricsInAllProtocols(t *testing.T) {
	t.Parallel()
	a := carrying(t)
	group, balancer := a.demoGroup(t, "web-admin"), *a.demoBalancer(t)
	a.awaitTarget(t, group, demoServing+"/9090", stateHealthy)
	a.awaitTarget(t, group, demoScaled+"/9090", stateHealthy)
	for range 3 {
		a.via(t, "web-alb", "/admin/")
	}
	now := time.Now()
	ofBalancer := []cwtypes.Dimension{{Name: aws.String("LoadBalancer"), Value: aws.String(suffix(balancer))}}
	ofGroup := slices.Concat(ofBalancer, []cwtypes.Dimension{{Name: aws.String("TargetGroup"), Value: aws.String(suffix(group))}})
	query := func(id, name, statistic string, dimensions []cwtypes.Dimension) cwtypes.MetricDataQuery {
		return cwtypes.MetricDataQuery{Id: &id, MetricStat: &cwtypes.MetricStat{
			Metric: &cwtypes.Metric{Namespace: aws.String("AWS/ApplicationELB"), MetricName: &name, Dimensions: dimensions},
			Period: aws.Int32(3600), Stat: &statistic,
		}}
	}
	out := must[*cloudwatch.GetMetricDataOutput](t)(a.cloudWatch().GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
		MetricDataQueries: []cwtypes.MetricDataQuery{
			query("requests", "RequestCount", "Sum", ofBalancer), query("routed", "RequestCount", "Sum", ofGroup),
			query("ok", "HTTPCode_Target_2XX_Count", "Sum", ofGroup), query("healthy", "HealthyHostCount", "Maximum", ofGroup),
			query("unhealthy", "UnHealthyHostCount", "Maximum", ofGroup), query("times", "TargetResponseTime", "SampleCount", ofGroup),
			query("classic", "HTTPCode_Backend_2XX", "Sum", ofBalancer),
		},
		StartTime: aws.Time(now.Add(-time.Hour)), EndTime: aws.Time(now.Add(time.Hour)),
	}))
	got := map[string]float64{}
	for _, r := range out.MetricDataResults {
		for _, v := range r.Values {
			got[*r.Id] = max(got[*r.Id], v)
		}
	}
	for id, want := range map[string]float64{"requests": 3, "routed": 3, "ok": 3, "healthy": 2, "unhealthy": 0, "times": 3, "classic": 0} {
		if got[id] != want {
			t.Errorf("%s is %v, want %v", id, got[id], want)
		}
	}
	dimensions := fmt.Sprintf("Name=LoadBalancer,Value=%s Name=TargetGroup,Value=%s", suffix(balancer), suffix(group))
	line := fmt.Sprintf("cloudwatch get-metric-statistics --namespace AWS/ApplicationELB --metric-name HTTPCode_Target_2XX_Count --dimensions %s --start-time %s --end-time %s --period 7200 --statistics Sum --query Datapoints[0].Sum",
		dimensions, now.UTC().Add(-time.Hour).Format(time.RFC3339), now.UTC().Add(time.Hour).Format(time.RFC3339))
	if out, err := a.aws(t, line); err != nil || out != "3.0" {
		t.Errorf("the AWS CLI printed %q (%v)", out, err)
	}
	_, body := a.postJSON(t, granite+"ListMetrics", `{"Namespace":"AWS/ApplicationELB","MetricName":"HealthyHostCount","Dimensions":[{"Name":"TargetGroup","Value":"`+suffix(group)+`"}]}`, nil)
	var listed struct {
		Metrics []struct {
			Dimensions []struct{ Name, Value string }
		}
	}
	if err := json.Unmarshal([]byte(body), &listed); err != nil || len(listed.Metrics) != 3 || len(listed.Metrics[0].Dimensions) != 2 || listed.Metrics[0].Dimensions[0].Value != suffix(balancer) {
		t.Errorf("it lists %s (%v), want the group and two zones", body, err)
	}
}
