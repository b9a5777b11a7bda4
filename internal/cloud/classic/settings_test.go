package classic_test

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/cloud/awstest"
)

func TestListingDescribesEachLoadBalancer(t *testing.T) {
	client, _ := start(t, awstest.Result(awstest.ELBNamespace, "DescribeLoadBalancers", `<LoadBalancerDescriptions><member>
<LoadBalancerName>web</LoadBalancerName><DNSName>web-1.us-east-1.elb.amazonaws.com</DNSName><Scheme>internet-facing</Scheme><CreatedTime>2019-10-01T18:00:00.120Z</CreatedTime>
<AvailabilityZones><member>us-east-1b</member><member>us-east-1a</member></AvailabilityZones>
<ListenerDescriptions><member><Listener><Protocol>HTTP</Protocol><LoadBalancerPort>80</LoadBalancerPort><InstanceProtocol>HTTP</InstanceProtocol><InstancePort>8000</InstancePort></Listener></member>
<member><Listener><Protocol>HTTPS</Protocol><LoadBalancerPort>443</LoadBalancerPort><InstanceProtocol>HTTP</InstanceProtocol><InstancePort>8000</InstancePort><SSLCertificateId>arn:aws:acm:x</SSLCertificateId></Listener></member></ListenerDescriptions>
<HealthCheck><Target>HTTP:8000/healthcheck</Target><Interval>30</Interval><Timeout>5</Timeout><UnhealthyThreshold>2</UnhealthyThreshold><HealthyThreshold>10</HealthyThreshold></HealthCheck>
<Instances><member><InstanceId>i-1</InstanceId></member></Instances></member></LoadBalancerDescriptions>`))
	want := &lsapi.Description{
		TargetType: lsapi.TargetInstance,
		DNSName:    "web-1.us-east-1.elb.amazonaws.com", Scheme: "internet-facing", Zones: []string{"us-east-1a", "us-east-1b"},
		CreatedAt: time.Date(2019, 10, 1, 18, 0, 0, 120e6, time.UTC),
		Listeners: []lsapi.Listener{
			{Protocol: "HTTP", Port: 80, InstanceProtocol: "HTTP", InstancePort: 8000},
			{Protocol: "HTTPS", Port: 443, InstanceProtocol: "HTTP", InstancePort: 8000, Certificate: "arn:aws:acm:x"},
		},
		HealthCheck: lsapi.HealthCheck{Target: "HTTP:8000/healthcheck", Interval: 30 * time.Second, Timeout: 5 * time.Second, UnhealthyThreshold: 2, HealthyThreshold: 10},
	}
	var before *lsapi.Description
	for range 2 {
		for page, err := range client.Pools(t.Context()) {
			if err != nil || len(page) != 1 || !reflect.DeepEqual(page[0].Description, want) {
				t.Fatalf("it is %+v, %v", page, err)
			}
			if before != nil && page[0].Description != before {
				t.Error("a page that says the same is described anew")
			}
			before = page[0].Description
		}
	}
	if read, err := client.Members(t.Context(), lsapi.ELB("web")); err != nil || read.Incarnation != "2019-10-01T18:00:00.12Z" || read.Incarnation != before.Incarnation() {
		t.Errorf("read by name it is %q, listed %q (%v)", read.Incarnation, before.Incarnation(), err)
	}
}

func TestAttributesAreReadWithTheirUnits(t *testing.T) {
	client, _ := start(t, awstest.Result(awstest.ELBNamespace, "DescribeLoadBalancerAttributes", `<LoadBalancerAttributes>
<CrossZoneLoadBalancing><Enabled>true</Enabled></CrossZoneLoadBalancing><ConnectionDraining><Enabled>true</Enabled><Timeout>300</Timeout></ConnectionDraining>
<ConnectionSettings><IdleTimeout>60</IdleTimeout></ConnectionSettings></LoadBalancerAttributes>`))
	got, err := client.Attributes(t.Context(), lsapi.ELB("web"))
	if want := (lsapi.Attributes{Draining: true, DrainingTimeout: 5 * time.Minute, CrossZone: true, IdleTimeout: time.Minute}); err != nil || got != want {
		t.Errorf("they are %+v, %v", got, err)
	}
}

func TestTagsReadsTwentyLoadBalancersACall(t *testing.T) {
	client, aws := start(t, func(w http.ResponseWriter, form url.Values) {
		members := ""
		for i := 1; form.Has(fmt.Sprintf("LoadBalancerNames.member.%d", i)); i++ {
			name := form.Get(fmt.Sprintf("LoadBalancerNames.member.%d", i))
			members += fmt.Sprintf("<member><LoadBalancerName>%s</LoadBalancerName><Tags><member><Key>of</Key><Value>%s</Value></member><member><Key>empty</Key></member></Tags></member>", name, name)
		}
		awstest.Result(awstest.ELBNamespace, "DescribeTags", fmt.Sprintf(`<TagDescriptions>%s</TagDescriptions>`, members))(w, form)
	})
	var pools []lsapi.PoolID
	for i := range 45 {
		pools = append(pools, lsapi.ELB(fmt.Sprintf("elb-%d", i)))
	}
	tags, err := client.Tags(t.Context(), pools)
	if err != nil || len(tags) != 45 || tags[lsapi.ELB("elb-44")]["of"] != "elb-44" {
		t.Errorf("they are %v, %v", tags, err)
	}
	if value, ok := tags[lsapi.ELB("elb-0")]["empty"]; !ok || value != "" {
		t.Errorf("a tag without value is %q, %t", value, ok)
	}
	if calls := len(aws.Attempts()); calls != 3 {
		t.Errorf("45 load balancers took %d calls", calls)
	}
}
