package emulator

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"

	"lsapi/internal/emulator/fleet"
)

// creating returns a request for a plain load balancer.
func creating(name string) *elb.CreateLoadBalancerInput {
	return &elb.CreateLoadBalancerInput{
		LoadBalancerName:  &name,
		AvailabilityZones: []string{"us-east-1a"},
		Listeners: []types.Listener{{
			Protocol: aws.String("HTTP"), LoadBalancerPort: 80, InstancePort: aws.Int32(8000),
		}},
	}
}

func TestCreateLoadBalancerAppliesDefaults(t *testing.T) {
	a := start(t, Options{})
	created := must[*elb.CreateLoadBalancerOutput](t)(a.elb.CreateLoadBalancer(t.Context(), creating("new-elb")))
	out := must[*elb.DescribeLoadBalancersOutput](t)(a.elb.DescribeLoadBalancers(t.Context(), &elb.DescribeLoadBalancersInput{}))
	d := out.LoadBalancerDescriptions[0]
	got := fmt.Sprint(*d.LoadBalancerName, " ", *d.DNSName == *created.DNSName, " ", *d.Scheme, " ", d.AvailabilityZones, " ", d.Subnets,
		" ", *d.HealthCheck.Target, " ", *d.HealthCheck.Interval, " ", *d.ListenerDescriptions[0].Listener.InstanceProtocol, " ", d.CreatedTime.Equal(a.clock.Now()))
	want := "new-elb true internet-facing [us-east-1a] [subnet-0000000000000000a] TCP:8000 30 HTTP true"
	if got != want {
		t.Errorf("described as %s, want %s", got, want)
	}
}

func TestCreateLoadBalancerIsIdempotentForSameSettings(t *testing.T) {
	a := start(t, Options{})
	must[*elb.CreateLoadBalancerOutput](t)(a.elb.CreateLoadBalancer(t.Context(), creating("same")))
	must[*elb.CreateLoadBalancerOutput](t)(a.elb.CreateLoadBalancer(t.Context(), creating("same")))
	other := creating("same")
	other.Listeners[0].InstancePort = aws.Int32(9000)
	_, err := a.elb.CreateLoadBalancer(t.Context(), other)
	wantCode(t, err, "DuplicateLoadBalancerName", "")
}

func TestCreateLoadBalancerRejectsInvalidRequests(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*elb.CreateLoadBalancerInput)
		code   string
	}{
		"a bad name":          {func(in *elb.CreateLoadBalancerInput) { in.LoadBalancerName = aws.String("-x-") }, "ValidationError"},
		"a long name":         {func(in *elb.CreateLoadBalancerInput) { in.LoadBalancerName = aws.String(strings.Repeat("x", 33)) }, "ValidationError"},
		"no place":            {func(in *elb.CreateLoadBalancerInput) { in.AvailabilityZones = nil }, "ValidationError"},
		"an unknown zone":     {func(in *elb.CreateLoadBalancerInput) { in.AvailabilityZones = []string{"us-east-1z"} }, "ValidationError"},
		"an unknown subnet":   {func(in *elb.CreateLoadBalancerInput) { in.AvailabilityZones, in.Subnets = nil, []string{"subnet-1"} }, "SubnetNotFound"},
		"a port out of range": {func(in *elb.CreateLoadBalancerInput) { in.Listeners[0].LoadBalancerPort = 70000 }, "ValidationError"},
		"a strange protocol":  {func(in *elb.CreateLoadBalancerInput) { in.Listeners[0].Protocol = aws.String("GOPHER") }, "UnsupportedProtocol"},
		"no certificate":      {func(in *elb.CreateLoadBalancerInput) { in.Listeners[0].Protocol = aws.String("HTTPS") }, "CertificateNotFound"},
		"a strange scheme":    {func(in *elb.CreateLoadBalancerInput) { in.Scheme = aws.String("inwards") }, "InvalidScheme"},
	} {
		t.Run(name, func(t *testing.T) {
			in := creating("new-elb")
			c.change(in)
			_, err := start(t, Options{}).elb.CreateLoadBalancer(t.Context(), in)
			wantCode(t, err, c.code, "")
		})
	}
}

func TestLoadBalancerQuotaFitsFleet(t *testing.T) {
	for fleetSpec, quota := range map[string]int{"1x0": 20, "25x0": 25} {
		a := start(t, Options{Fleet: mustFleet(t, fleetSpec)})
		limits := must[*elb.DescribeAccountLimitsOutput](t)(a.elb.DescribeAccountLimits(t.Context(), &elb.DescribeAccountLimitsInput{}))
		if got := *limits.Limits[0].Max; got != fmt.Sprint(quota) {
			t.Errorf("fleet %s: limit %s, want %d", fleetSpec, got, quota)
		}
		for n := len(a.State().LoadBalancers); n < quota; n++ {
			must[*elb.CreateLoadBalancerOutput](t)(a.elb.CreateLoadBalancer(t.Context(), creating(fmt.Sprintf("more-%d", n))))
		}
		_, err := a.elb.CreateLoadBalancer(t.Context(), creating("too-many"))
		wantCode(t, err, "TooManyLoadBalancers", "")
	}
}

func TestDeleteLoadBalancerIsIdempotent(t *testing.T) {
	a := demo(t)
	for range 2 {
		must[*elb.DeleteLoadBalancerOutput](t)(a.elb.DeleteLoadBalancer(t.Context(), &elb.DeleteLoadBalancerInput{LoadBalancerName: aws.String("web-elb")}))
	}
	_, err := a.described(t.Context(), "web-elb")
	wantCode(t, err, "LoadBalancerNotFound", "Cannot find Load Balancer web-elb")
	must[*elb.CreateLoadBalancerOutput](t)(a.elb.CreateLoadBalancer(t.Context(), creating("web-elb")))
	_, err = a.deregister(t.Context(), "web-elb", demoServing)
	wantCode(t, err, "InvalidInstance", "") // the new one has no past
}

func TestLoadBalancerPagesContainAllLoadBalancers(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "23x2")})
	var names []string
	pages := elb.NewDescribeLoadBalancersPaginator(a.elb, &elb.DescribeLoadBalancersInput{PageSize: aws.Int32(5)})
	for pages.HasMorePages() {
		page := must[*elb.DescribeLoadBalancersOutput](t)(pages.NextPage(t.Context()))
		for _, d := range page.LoadBalancerDescriptions {
			names = append(names, *d.LoadBalancerName)
		}
	}
	if len(names) != 23 || names[0] != fleet.BalancerName(1) || names[22] != fleet.BalancerName(23) {
		t.Errorf("the pages have %v", names)
	}
}

func TestDescribeLoadBalancersRejectsInvalidRequests(t *testing.T) {
	a := demo(t)
	for name, c := range map[string]struct {
		in            elb.DescribeLoadBalancersInput
		code, message string
	}{
		"one unknown of two": {elb.DescribeLoadBalancersInput{LoadBalancerNames: []string{"default-elb", "nope"}}, "LoadBalancerNotFound", "Cannot find Load Balancer nope"},
		"a malformed name":   {elb.DescribeLoadBalancersInput{LoadBalancerNames: []string{"no such"}}, "ValidationError", ""},
		"a large page":       {elb.DescribeLoadBalancersInput{PageSize: aws.Int32(401)}, "ValidationError", "1 validation error detected: Value '401' at 'pageSize' failed to satisfy constraint: Member must have value less than or equal to 400"},
		"a marker not ours":  {elb.DescribeLoadBalancersInput{Marker: aws.String("bogus")}, "ValidationError", "Invalid marker: bogus"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := a.elb.DescribeLoadBalancers(t.Context(), &c.in)
			wantCode(t, err, c.code, c.message)
		})
	}
}

func TestConfigureHealthCheckChecksLimits(t *testing.T) {
	a := demo(t)
	check := func(target string, interval, timeout int32) error {
		_, err := a.elb.ConfigureHealthCheck(t.Context(), &elb.ConfigureHealthCheckInput{
			LoadBalancerName: aws.String("web-elb"),
			HealthCheck: &types.HealthCheck{
				Target: &target, Interval: &interval, Timeout: &timeout,
				HealthyThreshold: aws.Int32(2), UnhealthyThreshold: aws.Int32(2),
			},
		})
		return err
	}
	if err := check("HTTP:80/ping", 10, 5); err != nil {
		t.Fatal(err)
	}
	wantCode(t, check("HTTP:80", 10, 5), "ValidationError", "")
	wantCode(t, check("TCP:70000", 10, 5), "ValidationError", "")
	wantCode(t, check("TCP:80", 10, 10), "ValidationError", "HealthCheck timeout must be less than interval")
	wantCode(t, check("TCP:80", 4, 2), "ValidationError", "")
	out := must[*elb.DescribeLoadBalancersOutput](t)(a.elb.DescribeLoadBalancers(t.Context(), &elb.DescribeLoadBalancersInput{LoadBalancerNames: []string{"web-elb"}}))
	if got := *out.LoadBalancerDescriptions[0].HealthCheck.Target; got != "HTTP:80/ping" {
		t.Errorf("target %s, want the one that was accepted", got)
	}
}

func TestModifyAttributesKeepsOtherAttributes(t *testing.T) {
	a := demo(t)
	name := aws.String("web-elb")
	must[*elb.ModifyLoadBalancerAttributesOutput](t)(a.elb.ModifyLoadBalancerAttributes(t.Context(), &elb.ModifyLoadBalancerAttributesInput{
		LoadBalancerName: name,
		LoadBalancerAttributes: &types.LoadBalancerAttributes{
			CrossZoneLoadBalancing: &types.CrossZoneLoadBalancing{Enabled: true},
			ConnectionSettings:     &types.ConnectionSettings{IdleTimeout: aws.Int32(120)},
		},
	}))
	out := must[*elb.DescribeLoadBalancerAttributesOutput](t)(a.elb.DescribeLoadBalancerAttributes(t.Context(), &elb.DescribeLoadBalancerAttributesInput{LoadBalancerName: name}))
	got := out.LoadBalancerAttributes
	if !got.CrossZoneLoadBalancing.Enabled || *got.ConnectionSettings.IdleTimeout != 120 || !got.ConnectionDraining.Enabled || *got.ConnectionDraining.Timeout != 60 {
		t.Errorf("attributes %+v %+v %+v", *got.CrossZoneLoadBalancing, *got.ConnectionSettings, *got.ConnectionDraining)
	}
	_, err := a.elb.ModifyLoadBalancerAttributes(t.Context(), &elb.ModifyLoadBalancerAttributesInput{
		LoadBalancerName:       name,
		LoadBalancerAttributes: &types.LoadBalancerAttributes{ConnectionDraining: &types.ConnectionDraining{Enabled: true, Timeout: aws.Int32(3601)}},
	})
	wantCode(t, err, "ValidationError", "")
}

func TestModifyAttributesRejectsInvalidAttributes(t *testing.T) {
	a := demo(t)
	for name, c := range map[string]struct {
		attributes types.LoadBalancerAttributes
		code       string
	}{
		"access logs without a bucket": {types.LoadBalancerAttributes{AccessLog: &types.AccessLog{Enabled: true}}, "InvalidConfigurationRequest"},
		"a strange interval":           {types.LoadBalancerAttributes{AccessLog: &types.AccessLog{Enabled: true, S3BucketName: aws.String("logs"), EmitInterval: aws.Int32(7)}}, "ValidationError"},
		"an unknown attribute":         {types.LoadBalancerAttributes{AdditionalAttributes: []types.AdditionalAttribute{{Key: aws.String("colour"), Value: aws.String("red")}}}, "LoadBalancerAttributeNotFound"},
		"a strange desync mode":        {types.LoadBalancerAttributes{AdditionalAttributes: []types.AdditionalAttribute{{Key: aws.String("elb.http.desyncmitigationmode"), Value: aws.String("red")}}}, "ValidationError"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := a.elb.ModifyLoadBalancerAttributes(t.Context(), &elb.ModifyLoadBalancerAttributesInput{LoadBalancerName: aws.String("web-elb"), LoadBalancerAttributes: &c.attributes})
			wantCode(t, err, c.code, "")
		})
	}
	out := must[*elb.DescribeLoadBalancerAttributesOutput](t)(a.elb.DescribeLoadBalancerAttributes(t.Context(), &elb.DescribeLoadBalancerAttributesInput{LoadBalancerName: aws.String("web-elb")}))
	if log := out.LoadBalancerAttributes.AccessLog; log.Enabled || log.S3BucketName != nil {
		t.Errorf("access logs %+v", log)
	}
}

func TestLoadBalancerTags(t *testing.T) {
	a := demo(t)
	names := []string{"web-elb"}
	must[*elb.AddTagsOutput](t)(a.elb.AddTags(t.Context(), &elb.AddTagsInput{
		LoadBalancerNames: names, Tags: []types.Tag{{Key: aws.String("env"), Value: aws.String("test")}},
	}))
	must[*elb.RemoveTagsOutput](t)(a.elb.RemoveTags(t.Context(), &elb.RemoveTagsInput{
		LoadBalancerNames: names, Tags: []types.TagKeyOnly{{Key: aws.String("Name")}},
	}))
	out := must[*elb.DescribeTagsOutput](t)(a.elb.DescribeTags(t.Context(), &elb.DescribeTagsInput{LoadBalancerNames: names}))
	var got []string
	for _, tag := range out.TagDescriptions[0].Tags {
		got = append(got, *tag.Key+"="+*tag.Value)
	}
	if want := "[env=test team=web]"; fmt.Sprint(got) != want {
		t.Errorf("tags %v, want %s", got, want)
	}
	_, err := a.elb.DescribeTags(t.Context(), &elb.DescribeTagsInput{LoadBalancerNames: strings.Split(strings.Repeat("a,", 20)+"b", ",")})
	wantCode(t, err, "ValidationError", "1 validation error detected: Value '[a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, b]' at 'loadBalancerNames' failed to satisfy constraint: Member must have length less than or equal to 20")
}
