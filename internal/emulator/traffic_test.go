package emulator

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"

	"lsapi/internal/emulator/dataplane"
)

// patience is how long something may take to come about that lives in real time.
const patience = 30 * time.Second

// carrying is an account with the demo fleet whose load balancers carry traffic.
func carrying(t *testing.T) *testAccount {
	t.Helper()
	a := onTheClock(t)
	a.Carry(dataplane.Options{})
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// awaitHealth waits until web-elb says this of an instance.
func (a *testAccount) awaitHealth(t *testing.T, id, want string) {
	t.Helper()
	var got string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if got = must[map[string]string](t)(a.health(t.Context(), "web-elb"))[id]; got == want {
			return
		}
	}
	t.Fatalf("%s is %s, not %s", id, got, want)
}

// through sends a request through web-elb, and returns its status and who answered.
func (a *testAccount) through(t *testing.T, query string) (int, string) {
	t.Helper()
	web := a.Traffic()[1] // they are sorted
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.Listeners[0].URL+"/"+query, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("X-Instance-Id")
}

func TestHealthFollowsProbes(t *testing.T) {
	t.Parallel()
	a := carrying(t)
	if _, err := a.elb.ConfigureHealthCheck(t.Context(), &elb.ConfigureHealthCheckInput{
		LoadBalancerName: aws.String("web-elb"),
		HealthCheck: &elbtypes.HealthCheck{
			Target: aws.String("HTTP:8080/"), Interval: aws.Int32(5), Timeout: aws.Int32(2), UnhealthyThreshold: aws.Int32(2), HealthyThreshold: aws.Int32(2),
		},
	}); err != nil {
		t.Fatal(err)
	}
	const failing = "OutOfService/Instance/Instance has failed at least the UnhealthyThreshold number of health checks consecutively."
	a.awaitHealth(t, demoServing, healthy)
	a.awaitHealth(t, demoFailing, failing)
	a.awaitHealth(t, demoRegisters, isRegistering)
	a.awaitHealth(t, demoStopped, "OutOfService/Instance/Instance is in stopped state.")
	if status, by := a.through(t, ""); status != http.StatusOK || by != demoServing {
		t.Errorf("a request is answered %d by %s", status, by)
	}
	if status, body := a.send(t, http.MethodPost, "/_emulator/kill", `{"instanceId":"`+demoServing+`"}`, nil); status != http.StatusOK {
		t.Fatalf("killing it is %d %s", status, body)
	}
	a.awaitHealth(t, demoServing, failing)
	for _, i := range a.State().Instances {
		if i.InstanceID == demoServing && i.State != "running" {
			t.Errorf("EC2 says that it is %s", i.State)
		}
	}
	if status, _ := a.through(t, ""); status != http.StatusServiceUnavailable {
		t.Errorf("without a member in service a request is answered %d", status)
	}
	if status, body := a.send(t, http.MethodPost, "/_emulator/revive", `{"instanceId":"`+demoServing+`"}`, nil); status != http.StatusOK {
		t.Fatalf("reviving it is %d %s", status, body)
	}
	a.awaitHealth(t, demoServing, "OutOfService/Instance/Instance has not passed the configured HealthyThreshold number of health checks consecutively.")
}

func TestStoppedInstanceServesAgainAfterStart(t *testing.T) {
	t.Parallel()
	a := carrying(t)
	a.awaitHealth(t, demoServing, healthy)
	if _, err := a.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{demoServing}}); err != nil {
		t.Fatal(err)
	}
	if status, _ := a.through(t, ""); status != http.StatusServiceUnavailable {
		t.Errorf("of a stopped one the answer is %d", status)
	}
	if _, err := a.ec2.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{demoServing}}); err != nil {
		t.Fatal(err)
	}
	a.awaitHealth(t, demoServing, healthy)
	if status, by := a.through(t, ""); status != http.StatusOK || by != demoServing {
		t.Errorf("of one that was started again it is %d by %s", status, by)
	}
}

func TestDrainingLastsUntilRequestsEnd(t *testing.T) {
	t.Parallel()
	a := carrying(t)
	a.awaitHealth(t, demoServing, healthy)
	answered := make(chan int, 1)
	go func() {
		status, _ := a.through(t, "?sleep=1s")
		answered <- status
	}()
	inFlight := func() (n int) {
		for _, traffic := range a.Traffic() {
			for _, m := range traffic.Members {
				n += m.InFlight
			}
		}
		return n
	}
	for deadline := time.Now().Add(patience); inFlight() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no request is in flight")
		}
	}
	began := time.Now()
	if _, err := a.deregister(t.Context(), "web-elb", demoServing); err != nil {
		t.Fatal(err)
	}
	a.awaitHealth(t, demoServing, "InService/N/A/Instance deregistration currently in progress.")
	if status := <-answered; status != http.StatusOK {
		t.Errorf("the request in flight is answered %d", status)
	}
	a.awaitHealth(t, demoServing, "")
	if took := time.Since(began); took < 900*time.Millisecond {
		t.Errorf("it was drained after %v", took)
	}
}

func TestTrafficControlsFailWithoutDataPlane(t *testing.T) {
	a := demo(t)
	if status, body := a.send(t, http.MethodGet, "/_emulator/traffic", "", nil); status != http.StatusNotFound || !strings.Contains(body, "--data-plane") {
		t.Errorf("%d %s", status, body)
	}
	for _, path := range []string{"/_emulator/kill", "/_emulator/revive"} {
		if status, body := a.send(t, http.MethodPost, path, `{"instanceId":"`+demoServing+`"}`, nil); status != http.StatusConflict || !strings.Contains(body, "--data-plane") {
			t.Errorf("%d %s", status, body)
		}
	}
	b := carrying(t)
	if status, body := b.send(t, http.MethodPost, "/_emulator/kill", `{"instanceId":"i-99999999"}`, nil); status != http.StatusNotFound || !strings.Contains(body, "i-99999999") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := b.send(t, http.MethodGet, "/_emulator/traffic", "", nil); status != http.StatusOK || !strings.Contains(body, `"waiting":0`) {
		t.Errorf("%d %s", status, body)
	}
}

// cloudWatch is the real SDK's client, which speaks RPC v2 CBOR.
func (a *testAccount) cloudWatch() *cloudwatch.Client {
	return cloudwatch.New(cloudwatch.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(a.url), Credentials: a.elb.Options().Credentials,
		HTTPClient: a.elb.Options().HTTPClient, Retryer: aws.NopRetryer{},
	})
}

func metricQuery(id, name, statistic string) cwtypes.MetricDataQuery {
	return cwtypes.MetricDataQuery{Id: aws.String(id), MetricStat: &cwtypes.MetricStat{
		Metric: &cwtypes.Metric{
			Namespace: aws.String("AWS/ELB"), MetricName: aws.String(name),
			Dimensions: []cwtypes.Dimension{{Name: aws.String("LoadBalancerName"), Value: aws.String("web-elb")}},
		},
		Period: aws.Int32(3600), Stat: aws.String(statistic),
	}}
}

func TestCloudWatchMetricsWithSDK(t *testing.T) {
	t.Parallel()
	a := carrying(t)
	a.awaitHealth(t, demoServing, healthy)
	for range 3 {
		a.through(t, "")
	}
	now := time.Now()
	ask := func(queries ...cwtypes.MetricDataQuery) (*cloudwatch.GetMetricDataOutput, error) {
		return a.cloudWatch().GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
			MetricDataQueries: queries, StartTime: aws.Time(now.Add(-time.Hour)), EndTime: aws.Time(now.Add(time.Hour)),
		})
	}
	out := must[*cloudwatch.GetMetricDataOutput](t)(ask(
		metricQuery("requests", "RequestCount", "Sum"), metricQuery("ok", "HTTPCode_Backend_2XX", "Sum"), metricQuery("healthy", "HealthyHostCount", "Maximum"),
		metricQuery("spilled", "SpilloverCount", "Sum"), metricQuery("other", "NoSuchMetric", "Sum"),
	))
	want := map[string]float64{"requests": 3, "ok": 3, "healthy": 1}
	for _, r := range out.MetricDataResults {
		sum := 0.0
		for _, v := range r.Values {
			sum = max(sum, v)
		}
		if sum != want[*r.Id] || len(r.Values) != len(r.Timestamps) || r.StatusCode != cwtypes.StatusCodeComplete || *r.Label == "" {
			t.Errorf("%s is %+v", *r.Id, r)
		}
		for _, at := range r.Timestamps {
			if now.Sub(at) > 2*time.Hour || at.After(now) {
				t.Errorf("%s is of %v", *r.Id, at)
			}
		}
	}
	if len(out.MetricDataResults) != 5 {
		t.Errorf("%d results", len(out.MetricDataResults))
	}
	_, err := ask(metricQuery("p99", "Latency", "p99"))
	wantCode(t, err, "InvalidParameterValue", "The statistic p99 is none of SampleCount, Sum, Average, Minimum and Maximum; percentiles are not emulated.")
	_, err = a.cloudWatch().GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
		MetricDataQueries: []cwtypes.MetricDataQuery{metricQuery("x", "Latency", "Sum")}, StartTime: aws.Time(now), EndTime: aws.Time(now.Add(-time.Hour)),
	})
	wantCode(t, err, "InvalidParameterValue", "")
	statistics := must[*cloudwatch.GetMetricStatisticsOutput](t)(a.cloudWatch().GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/ELB"), MetricName: aws.String("Latency"), Dimensions: metricQuery("x", "", "").MetricStat.Metric.Dimensions,
		StartTime: aws.Time(now.Add(-time.Hour)), EndTime: aws.Time(now.Add(time.Hour)), Period: aws.Int32(60),
		Statistics: []cwtypes.Statistic{cwtypes.StatisticAverage, cwtypes.StatisticSampleCount},
	}))
	count := 0.0
	for _, d := range statistics.Datapoints {
		if count += *d.SampleCount; *d.Average <= 0 || *d.Average > 5 || d.Sum != nil || d.Unit != cwtypes.StandardUnitSeconds {
			t.Errorf("a latency is %+v", d)
		}
	}
	if count != 3 {
		t.Errorf("there are latencies of %v requests", count)
	}
}

const metricsScript = `
import os, boto3, datetime
cw = boto3.client("cloudwatch", endpoint_url=os.environ["ENDPOINT"])
now = datetime.datetime.now(datetime.timezone.utc)
hour = datetime.timedelta(hours=1)
dimensions = [{"Name": "LoadBalancerName", "Value": "web-elb"}]
out = cw.get_metric_data(StartTime=now - hour, EndTime=now + hour, MetricDataQueries=[{"Id": "m", "MetricStat": {
    "Metric": {"Namespace": "AWS/ELB", "MetricName": "RequestCount", "Dimensions": dimensions}, "Period": 60, "Stat": "Sum"}}])
print(sum(out["MetricDataResults"][0]["Values"]), out["MetricDataResults"][0]["Label"], len(out["MetricDataResults"][0]["Timestamps"]) > 0)
zone = {"Name": "AvailabilityZone", "Value": "us-east-1a"}
listed = cw.list_metrics(Namespace="AWS/ELB", MetricName="RequestCount", Dimensions=[{"Name": "AvailabilityZone"}])["Metrics"]
print(*[",".join(d["Value"] for d in m["Dimensions"]) for m in listed])
out = cw.get_metric_statistics(Namespace="AWS/ELB", MetricName="RequestCount", Dimensions=dimensions + [zone], StartTime=now - hour, EndTime=now + hour, Period=60, Statistics=["Sum"])
print(sum(d["Sum"] for d in out["Datapoints"]))
out = cw.get_metric_statistics(Namespace="AWS/ELB", MetricName="RequestCount", Dimensions=dimensions, StartTime=now - hour, EndTime=now + hour, Period=60, Statistics=["Sum"])
print(sum(d["Sum"] for d in out["Datapoints"]), out["Datapoints"][0]["Unit"])
try:
    cw.get_metric_statistics(Namespace="AWS/ELB", MetricName="RequestCount", StartTime=now, EndTime=now + hour, Period=61, Statistics=["Sum"])
except Exception as e:
    print(e)
`

func TestCloudWatchMetricsWithBoto3AndCLI(t *testing.T) {
	t.Parallel()
	a := carrying(t)
	a.awaitHealth(t, demoServing, healthy)
	for range 2 {
		a.through(t, "")
	}
	want := "2.0 RequestCount True\nus-east-1a web-elb,us-east-1a\n2.0\n2.0 Count\nAn error occurred (InvalidParameterValue) when calling the GetMetricStatistics operation: The parameter Period must be a multiple of 60."
	if out, err := a.tool(t, python3, "-c", metricsScript); err != nil || out != want {
		t.Errorf("boto3 printed %q (%v)", out, err)
	}
	now := time.Now().UTC()
	line := fmt.Sprintf("cloudwatch get-metric-statistics --namespace AWS/ELB --metric-name HTTPCode_Backend_2XX --dimensions Name=LoadBalancerName,Value=web-elb --start-time %s --end-time %s --period 7200 --statistics Sum --query Datapoints[0].Sum",
		now.Add(-time.Hour).Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339))
	if out, err := a.aws(t, line); err != nil || out != "2.0" {
		t.Errorf("the AWS CLI printed %q (%v)", out, err)
	}
	line = "cloudwatch list-metrics --namespace AWS/ELB --metric-name HTTPCode_Backend_2XX --dimensions Name=LoadBalancerName,Value=web-elb --query Metrics[].Dimensions[].Value"
	if out, err := a.aws(t, line); err != nil || out != "web-elb\tweb-elb\tus-east-1a" {
		t.Errorf("the AWS CLI printed %q (%v)", out, err)
	}
}
