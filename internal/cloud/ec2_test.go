package cloud_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/awstest"
)

func startEC2(t *testing.T, script ...awstest.Reply) (*cloud.EC2, *awstest.Server) {
	t.Helper()
	config, aws := awstest.Start(t, script...)
	return cloud.NewEC2(config), aws
}

func TestInstancesUsesFiltersOf200IDsAndReadsAllPages(t *testing.T) {
	const launched = "2019-10-01T18:54:00.000Z"
	page := func(_ http.ResponseWriter, form url.Values) string {
		var items strings.Builder
		for name, values := range form {
			if !strings.HasPrefix(name, "Filter.1.Value.") || values[0] == "i-unknown" {
				continue
			}
			fmt.Fprintf(&items, "<item><instanceId>%s</instanceId><instanceType>t2.micro</instanceType><instanceState><code>16</code><name>running</name></instanceState><launchTime>%s</launchTime></item>", values[0], launched)
		}
		return fmt.Sprintf("<reservationSet><item><instancesSet>%s</instancesSet></item></reservationSet>", &items)
	}
	client, aws := startEC2(t, func(w http.ResponseWriter, form url.Values) {
		// Each batch begins with an empty page that has a next one.
		result, next := "<reservationSet/>", "<nextToken>more</nextToken>"
		if form.Get("NextToken") != "" {
			result, next = page(w, form), ""
		}
		_, _ = fmt.Fprintf(w, "<DescribeInstancesResponse xmlns=%q>%s%s</DescribeInstancesResponse>", awstest.EC2Namespace, result, next)
	})
	ids := []string{"i-unknown"}
	for i := range 400 {
		ids = append(ids, fmt.Sprintf("i-%08x", i))
	}
	found, err := client.Instances(t.Context(), ids)
	if err != nil || len(found) != 400 {
		t.Fatalf("found %d instances, %v", len(found), err)
	}
	want := lsapi.Instance{ID: "i-00000000", Type: "t2.micro", State: lsapi.StateRunning, LaunchTime: time.Date(2019, 10, 1, 18, 54, 0, 0, time.UTC)}
	if got := found["i-00000000"]; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if calls := len(aws.Attempts()); calls != 6 {
		t.Errorf("401 ids in pages of two took %d calls, want 6", calls)
	}
	if name := aws.Attempts()[0].Get("Filter.1.Name"); name != "instance-id" {
		t.Errorf("looked up by %q", name)
	}
}

// describeByID responds as EC2 does: by ids, or by a filter of at most 200.
func describeByID(t *testing.T, unknown string) awstest.Reply {
	return func(w http.ResponseWriter, form url.Values) {
		var items strings.Builder
		values := 0
		for name, value := range form {
			byID := strings.HasPrefix(name, "InstanceId.")
			switch {
			case !byID && !strings.HasPrefix(name, "Filter.1.Value."):
				continue
			case byID && value[0] == unknown:
				w.WriteHeader(http.StatusBadRequest)
				_, _ = fmt.Fprintf(w, "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code><Message>The instance ID '%s' does not exist</Message></Error></Errors><RequestID/></Response>", unknown)
				return
			case !byID:
				values++
			}
			if value[0] != unknown {
				fmt.Fprintf(&items, "<item><instanceId>%s</instanceId></item>", value[0])
			}
		}
		if values > 200 || form.Get("MaxResults") != "" {
			t.Errorf("a call with %d values and MaxResults %q", values, form.Get("MaxResults"))
		}
		_, _ = fmt.Fprintf(w, "<DescribeInstancesResponse xmlns=%q><reservationSet><item><instancesSet>%s</instancesSet></item></reservationSet></DescribeInstancesResponse>", awstest.EC2Namespace, &items)
	}
}

func TestLanesLookManyInstancesUpByOneCall(t *testing.T) {
	for _, test := range []struct {
		ids, calls int
		unknown    string
	}{{200, 1, ""}, {1000, 1, ""}, {200, 1, "i-00000007"}, {1000, 1 + 5, "i-00000007"}, {201, 1 + 2, "i-00000007"}} {
		client, aws := startEC2(t, describeByID(t, test.unknown))
		lookups := client.ForLanes()
		var ids []string
		for i := range test.ids {
			ids = append(ids, fmt.Sprintf("i-%08x", i))
		}
		found, err := lookups.Instances(t.Context(), ids)
		_, known := found[test.unknown]
		want := test.ids
		if test.unknown != "" {
			want--
		}
		if err != nil || len(found) != want || known || len(aws.Attempts()) != test.calls {
			t.Errorf("of %d ids %d are found by %d calls, %v; want %d by %d", test.ids, len(found), len(aws.Attempts()), err, want, test.calls)
		}
		if err := lookups.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestInstancesWithoutIDsMakesNoCall(t *testing.T) {
	client, aws := startEC2(t, awstest.CutOff)
	if found, err := client.Instances(t.Context(), nil); err != nil || len(found) != 0 || len(aws.Attempts()) != 0 {
		t.Errorf("got %v, %v after %d calls", found, err, len(aws.Attempts()))
	}
}

func TestInstanceHasItsZoneAddressNameAndGroup(t *testing.T) {
	client, _ := startEC2(t, awstest.Says(http.StatusOK, fmt.Sprintf(`<DescribeInstancesResponse xmlns=%q><reservationSet><item><instancesSet><item>
<instanceId>i-1</instanceId><instanceType>t2.micro</instanceType><instanceState><code>16</code><name>running</name></instanceState><launchTime>2019-10-01T18:54:00.000Z</launchTime>
<placement><availabilityZone>us-east-1a</availabilityZone></placement><privateIpAddress>10.0.1.17</privateIpAddress>
<tagSet><item><key>Team</key><value>web</value></item><item><key>Name</key><value>web-1</value></item><item><key>aws:autoscaling:groupName</key><value>web-asg</value></item></tagSet></item></instancesSet></item></reservationSet></DescribeInstancesResponse>`, awstest.EC2Namespace)))
	found, err := client.Instances(t.Context(), []string{"i-1"})
	want := lsapi.Instance{
		ID: "i-1", Type: "t2.micro", State: lsapi.StateRunning, LaunchTime: time.Date(2019, 10, 1, 18, 54, 0, 0, time.UTC),
		Zone: "us-east-1a", PrivateAddress: "10.0.1.17", Name: "web-1", AutoScalingGroup: "web-asg",
	}
	if err != nil || found["i-1"] != want {
		t.Errorf("it is %+v, %v", found["i-1"], err)
	}
}

func TestAllInstancesShowsChangesDespiteChangingTokens(t *testing.T) {
	var requests atomic.Int32
	var second atomic.Pointer[string]
	client, _ := startEC2(t, func(w http.ResponseWriter, form url.Values) {
		n := requests.Add(1)
		items, next := "<instanceId>i-1</instanceId><instanceType>t2.micro</instanceType>", fmt.Sprintf("<nextToken>of-%d</nextToken>", n)
		if form.Get("NextToken") != "" {
			items, next = "<instanceId>i-2</instanceId><instanceType>"+*second.Load()+"</instanceType>", ""
		}
		_, _ = fmt.Fprintf(w, "<DescribeInstancesResponse xmlns=%q><requestId>r-%d</requestId><reservationSet><item><instancesSet><item>%s</item></instancesSet></item></reservationSet>%s</DescribeInstancesResponse>", awstest.EC2Namespace, n, items, next)
	})
	for _, kind := range []string{"t2.micro", "t2.micro", "t3.nano", "t3.nano", "t2.micro"} {
		second.Store(&kind)
		var all []string
		for page, err := range client.AllInstances(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			for _, instance := range page {
				all = append(all, instance.ID+":"+instance.Type)
			}
		}
		if want := []string{"i-1:t2.micro", "i-2:" + kind}; !slices.Equal(all, want) {
			t.Errorf("got %v, want %v", all, want)
		}
	}
}

func TestAllInstancesReadsShortAndEmptyPages(t *testing.T) {
	client, aws := startEC2(t, func(w http.ResponseWriter, form url.Values) {
		items, next := "<item><instanceId>i-1</instanceId><instanceType>t2.micro</instanceType></item>", "<nextToken>more</nextToken>"
		switch form.Get("NextToken") {
		case "more":
			items, next = "", "<nextToken>last</nextToken>"
		case "last":
			items, next = "<item><instanceId>i-2</instanceId></item>", ""
		}
		_, _ = fmt.Fprintf(w, "<DescribeInstancesResponse xmlns=%q><reservationSet><item><instancesSet>%s</instancesSet></item></reservationSet>%s</DescribeInstancesResponse>", awstest.EC2Namespace, items, next)
	})
	var ids []string
	for page, err := range client.AllInstances(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, instance := range page {
			ids = append(ids, instance.ID)
		}
	}
	if !slices.Equal(ids, []string{"i-1", "i-2"}) || aws.Attempts()[0].Get("MaxResults") != "1000" {
		t.Errorf("got %v, request %v", ids, aws.Attempts()[0])
	}
}
