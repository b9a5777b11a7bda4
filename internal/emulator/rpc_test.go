package emulator

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// postJSON sends a call of CloudWatch in AWS JSON 1.0, as newer clients do.
func (a *testAccount) postJSON(t *testing.T, target, body string, header http.Header) (jsonAnswer, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = signature("monitoring")
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("X-Amzn-Query-Mode", "true")
	maps.Copy(r.Header, header)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return jsonAnswer{response.StatusCode, response.Header}, string(text)
}

// jsonAnswer is an answer without its body.
type jsonAnswer struct {
	StatusCode int
	Header     http.Header
}

const granite = "GraniteServiceVersion20100801."

func TestCloudWatchAnswersJSON(t *testing.T) {
	t.Parallel()
	a := carrying(t)
	a.awaitHealth(t, demoServing, healthy)
	for range 2 {
		a.through(t, "")
	}
	now := time.Now()
	dimensions := `[{"Name":"LoadBalancerName","Value":"web-elb"},{"Name":"AvailabilityZone","Value":"us-east-1a"}]`
	times := fmt.Sprintf(`"StartTime":%d,"EndTime":%.3f`, now.Add(-time.Hour).Unix(), float64(now.Add(time.Hour).UnixMilli())/1000)
	response, body := a.postJSON(t, granite+"GetMetricData", `{"MetricDataQueries":[{"Id":"m","MetricStat":{"Metric":{"Namespace":"AWS/ELB","MetricName":"RequestCount","Dimensions":`+dimensions+`},"Period":3600,"Stat":"Sum"}}],`+times+`}`, nil)
	var data struct {
		MetricDataResults []struct {
			ID, Label, StatusCode string
			Timestamps, Values    []float64
		}
		Messages []any
	}
	if err := json.Unmarshal([]byte(body), &data); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%d %s: %v", response.StatusCode, body, err)
	}
	if got := response.Header.Get("Content-Type"); got != "application/x-amz-json-1.0" || response.Header.Get("X-Amzn-Requestid") == "" {
		t.Errorf("the type is %q, the headers %v", got, response.Header)
	}
	total := 0.0
	r := data.MetricDataResults[0]
	for i, v := range r.Values {
		total += v
		if at := time.Unix(int64(r.Timestamps[i]), 0); now.Sub(at) > 2*time.Hour || at.After(now) {
			t.Errorf("a value is of %v", at)
		}
	}
	if total != 2 || r.ID != "m" || r.Label != "RequestCount" || r.StatusCode != "Complete" || data.Messages == nil || !strings.Contains(body, `"Id":"m"`) {
		t.Errorf("it answers %s", body)
	}
	_, body = a.postJSON(t, granite+"GetMetricStatistics", `{"Namespace":"AWS/ELB","MetricName":"RequestCount","Dimensions":`+dimensions+`,"Period":3600,"Statistics":["Sum"],`+times+`}`, nil)
	if !strings.Contains(body, `"Sum":`) || strings.Contains(body, `"Average"`) || !strings.Contains(body, `"Unit":"Count"`) {
		t.Errorf("it answers %s", body)
	}
	_, body = a.postJSON(t, granite+"ListMetrics", `{"MetricName":"RequestCount","Dimensions":[{"Name":"LoadBalancerName"}]}`, nil)
	if want := `{"Metrics":[{"Namespace":"AWS/ELB","MetricName":"RequestCount","Dimensions":[{"Name":"LoadBalancerName","Value":"web-elb"}]},` +
		`{"Namespace":"AWS/ELB","MetricName":"RequestCount","Dimensions":[{"Name":"LoadBalancerName","Value":"web-elb"},{"Name":"AvailabilityZone","Value":"us-east-1a"}]}]}`; body != want {
		t.Errorf("it lists\n%s, want\n%s", body, want)
	}
	if calls := a.Calls(); calls["GetMetricData"] != 1 || calls["GetMetricStatistics"] != 1 || calls["ListMetrics"] != 1 {
		t.Errorf("the calls are %v", calls)
	}
}

func TestCloudWatchJSONErrorsContainBothCodes(t *testing.T) {
	a := demo(t)
	a.fault(t, Fault{Action: "ListMetrics", Kind: FaultThrottle, Count: 1})
	for _, c := range []struct {
		name, target, body string
		header             http.Header
		status             int
		code, shape        string
	}{
		{"throttled", "ListMetrics", `{}`, nil, 400, "Throttling;Sender", "Throttling"},
		{"missing", "GetMetricStatistics", `{"Namespace":"AWS/ELB"}`, nil, 400, "MissingParameter;Sender", "com.amazonaws.cloudwatch#MissingRequiredParameterException"},
		{"wrong", "GetMetricData", `{"MetricDataQueries":[{"Id":"m"}],"StartTime":2,"EndTime":1}`, nil, 400, "InvalidParameterValue;Sender", "com.amazonaws.cloudwatch#InvalidParameterValueException"},
		{"a bad token", "ListMetrics", `{"NextToken":"x"}`, nil, 400, "InvalidNextToken;Sender", "com.amazonaws.cloudwatch#InvalidNextToken"},
		{"no JSON", "ListMetrics", `{`, nil, 400, "SerializationException;Sender", "SerializationException"},
		{"a bad time", "GetMetricData", `{"StartTime":"soon"}`, nil, 400, "SerializationException;Sender", "SerializationException"},
		{"unsigned", "ListMetrics", `{}`, http.Header{"Authorization": nil}, 403, "MissingAuthenticationToken;Sender", "MissingAuthenticationToken"},
		{"unknown", "Dance", `{}`, nil, 400, "UnknownOperationException;Sender", "UnknownOperationException"},
		{"another type", "ListMetrics", `{}`, http.Header{"Content-Type": {"text/plain"}}, 400, "UnknownOperationException;Sender", "UnknownOperationException"},
		{"another service", "ListMetrics", `{}`, http.Header{"X-Amz-Target": {"DynamoDB_20120810.ListTables"}}, 400, "UnknownOperationException;Sender", "UnknownOperationException"},
	} {
		response, body := a.postJSON(t, granite+c.target, c.body, c.header)
		var problem struct{ Type, Message string }
		text := strings.ReplaceAll(body, "__type", "Type")
		if err := json.Unmarshal([]byte(text), &problem); err != nil {
			t.Errorf("%s: %s: %v", c.name, body, err)
		}
		if got := response.Header.Get("X-Amzn-Query-Error"); response.StatusCode != c.status || got != c.code || problem.Type != c.shape || problem.Message == "" {
			t.Errorf("%s: %d %q %s", c.name, response.StatusCode, got, body)
		}
	}
}

func TestListMetricsPages(t *testing.T) {
	t.Parallel()
	a := carrying(t)
	a.awaitHealth(t, demoServing, healthy)
	a.through(t, "")
	list := func(in *cloudwatch.ListMetricsInput) *cloudwatch.ListMetricsOutput {
		return must[*cloudwatch.ListMetricsOutput](t)(a.cloudWatch().ListMetrics(t.Context(), in))
	}
	all := list(&cloudwatch.ListMetricsInput{})
	if len(all.Metrics) < 10 || all.NextToken != nil {
		t.Errorf("%d metrics, next %v", len(all.Metrics), all.NextToken)
	}
	last := list(&cloudwatch.ListMetricsInput{NextToken: aws.String(fmt.Sprint(len(all.Metrics) - 1))})
	if len(last.Metrics) != 1 || *last.Metrics[0].MetricName != *all.Metrics[len(all.Metrics)-1].MetricName {
		t.Errorf("the rest is %+v", last.Metrics)
	}
	for _, in := range []*cloudwatch.ListMetricsInput{
		{Namespace: aws.String("AWS/EC2")},
		{MetricName: aws.String("SpilloverCount")},
		{Dimensions: []cwtypes.DimensionFilter{{Name: aws.String("LoadBalancerName"), Value: aws.String("default-elb")}}},
		{Dimensions: []cwtypes.DimensionFilter{{Name: aws.String("InstanceId")}}},
	} {
		if got := list(in).Metrics; len(got) > 0 {
			t.Errorf("%+v lists %+v", in, got)
		}
	}
	if got := len(must[*cloudwatch.ListMetricsOutput](t)(demo(t).cloudWatch().ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{})).Metrics); got > 0 {
		t.Errorf("without a data plane there are %d metrics", got)
	}
}
