package targetgroup_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"lsapi"
	"lsapi/internal/cloud/awstest"
	"lsapi/internal/cloud/targetgroup"
)

// results responds to each operation with its result.
func results(byOperation map[string]string) awstest.Reply {
	return func(w http.ResponseWriter, form url.Values) {
		operation := form.Get("Action")
		awstest.Result(awstest.ELBV2Namespace, operation, byOperation[operation])(w, form)
	}
}

const (
	webARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/73e2d6bc24d8a067"
	oldARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/old/83e2d6bc24d8a067"
	albARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/shop/50dc6c495c0c9188"
	web    = `<TargetGroups><member><TargetGroupName>web</TargetGroupName><TargetGroupArn>` + webARN + `</TargetGroupArn><LoadBalancerArns><member>` + albARN + `</member></LoadBalancerArns></member></TargetGroups>`
)

func TestRoutesHaveConditionsAndWeights(t *testing.T) {
	const forward = `<member><Type>forward</Type><ForwardConfig><TargetGroups>%s</TargetGroups></ForwardConfig></member>`
	weighted := fmt.Sprintf(forward, "<member><TargetGroupArn>"+oldARN+"</TargetGroupArn><Weight>9</Weight></member><member><TargetGroupArn>"+webARN+"</TargetGroupArn><Weight>0</Weight></member>")
	alone := fmt.Sprintf(forward, "<member><TargetGroupArn>"+webARN+"</TargetGroupArn><Weight>1</Weight></member>")
	other := fmt.Sprintf(forward, "<member><TargetGroupArn>"+oldARN+"</TargetGroupArn></member>")
	rule := func(priority, conditions, actions string) string {
		return "<member><Priority>" + priority + "</Priority><IsDefault>" + fmt.Sprint(priority == "default") + "</IsDefault><Conditions>" + conditions + "</Conditions><Actions>" + actions + "</Actions></member>"
	}
	values := func(texts ...string) string {
		return "<Values><member>" + strings.Join(texts, "</member><member>") + "</member></Values>"
	}
	config, aws := awstest.Start(t, results(map[string]string{
		"DescribeTargetGroups": web,
		"DescribeListeners": `<Listeners><member><ListenerArn>l-443</ListenerArn><Protocol>HTTPS</Protocol><Port>443</Port><DefaultActions>` + alone + `</DefaultActions></member>
<member><ListenerArn>l-80</ListenerArn><Protocol>HTTP</Protocol><Port>80</Port><DefaultActions><member><Type>redirect</Type></member></DefaultActions></member></Listeners>`,
		"DescribeRules": "<Rules>" +
			rule("20", "<member><Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>X-Canary</HttpHeaderName>"+values("yes")+"</HttpHeaderConfig></member>"+
				"<member><Field>http-request-method</Field><HttpRequestMethodConfig>"+values("GET", "HEAD")+"</HttpRequestMethodConfig></member>"+
				"<member><Field>source-ip</Field><SourceIpConfig>"+values("10.0.0.0/8")+"</SourceIpConfig></member>"+
				"<member><Field>query-string</Field><QueryStringConfig><Values><member><Key>v</Key><Value>2</Value></member><member><Value>new</Value></member></Values></QueryStringConfig></member>", weighted) +
			rule("3", "<member><Field>path-pattern</Field>"+values("/a")+"<PathPatternConfig>"+values("/a", "/b/*")+"</PathPatternConfig></member>"+
				"<member><Field>host-header</Field><HostHeaderConfig><RegexValues><member>^api[0-9]+</member></RegexValues></HostHeaderConfig></member>", alone) +
			rule("4", "", other) + rule("default", "", alone) + "</Rules>",
	}))
	routes, err := targetgroup.New(config).Routes(t.Context(), lsapi.TG("web"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range routes {
		weight := "alone"
		if r.Weight != nil {
			weight = fmt.Sprint(*r.Weight)
		}
		if r.LoadBalancer != albARN {
			t.Errorf("got %+v", r)
		}
		got = append(got, fmt.Sprintf("%s:%d %d %s: %s", r.Protocol, r.Port, r.Priority, weight, strings.Join(r.Conditions, "; ")))
	}
	const (
		third     = "path-pattern /a or /b/*; host-header expression ^api[0-9]+"
		twentieth = "http-header X-Canary yes; http-request-method GET or HEAD; source-ip 10.0.0.0/8; query-string v=2 or new"
	)
	if want := []string{
		"HTTP:80 3 alone: " + third, "HTTP:80 20 0: " + twentieth,
		"HTTPS:443 0 alone: ", "HTTPS:443 3 alone: " + third, "HTTPS:443 20 0: " + twentieth,
	}; !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if calls := len(aws.Attempts()); calls != 4 {
		t.Errorf("two listeners took %d calls", calls)
	}
}

func TestRoutesOfDeletedLoadBalancerAreNone(t *testing.T) {
	config, _ := awstest.Start(t, results(map[string]string{"DescribeTargetGroups": web}), awstest.Error(400, "LoadBalancerNotFound", "no"))
	if routes, err := targetgroup.New(config).Routes(t.Context(), lsapi.TG("web")); err != nil || routes != nil {
		t.Errorf("got %+v, %v", routes, err)
	}
}

func TestStatesAreThoseOfLsapi(t *testing.T) {
	for state, want := range map[string]lsapi.MemberHealth{
		"<State>healthy</State>": {State: lsapi.InService, AWSState: "healthy"},
		"<State>unavailable</State><Reason>Target.HealthCheckDisabled</Reason>":   {State: lsapi.InService, AWSState: "unavailable", Reason: "Target.HealthCheckDisabled"},
		"<State>unavailable</State><Reason>Elb.InternalError</Reason>":            {State: lsapi.HealthUnknown, AWSState: "unavailable", Reason: "Elb.InternalError"},
		"<State>initial</State><Reason>Elb.InitialHealthChecking</Reason>":        {State: lsapi.OutOfService, AWSState: "initial", Reason: "Elb.InitialHealthChecking"},
		"<State>unhealthy</State><Reason>Target.Timeout</Reason>":                 {State: lsapi.OutOfService, AWSState: "unhealthy", Reason: "Target.Timeout"},
		"<State>unhealthy.draining</State>":                                       {State: lsapi.OutOfService, AWSState: "unhealthy.draining"},
		"<State>unused</State><Reason>Target.NotInUse</Reason>":                   {State: lsapi.OutOfService, AWSState: "unused", Reason: "Target.NotInUse"},
		"<State>draining</State><Reason>Target.DeregistrationInProgress</Reason>": {State: lsapi.OutOfService, AWSState: "draining", Reason: "Target.DeregistrationInProgress", Draining: true},
		"<State>something.new</State><Description>As AWS says</Description>":      {State: lsapi.HealthUnknown, AWSState: "something.new", Description: "As AWS says"},
	} {
		t.Run(want.AWSState+" "+want.Reason, func(t *testing.T) {
			config, _ := awstest.Start(t, results(map[string]string{
				"DescribeTargetGroups": web,
				"DescribeTargetHealth": "<TargetHealthDescriptions><member><Target><Id>i-a</Id><Port>80</Port></Target><TargetHealth>" + state + "</TargetHealth></member></TargetHealthDescriptions>",
			}))
			want.Member = lsapi.MemberID{Instance: "i-a", Port: 80}
			read, err := targetgroup.New(config).Members(t.Context(), lsapi.TG("web"))
			if err != nil || !slices.Equal(read.Health, []lsapi.MemberHealth{want}) || (len(read.Members) == 0) != want.Draining {
				t.Errorf("got %+v, %v", read, err)
			}
		})
	}
}

func TestMembersAreSortedLikeTheirHealth(t *testing.T) {
	target := func(id string) string {
		return "<member><Target><Id>" + id + "</Id><Port>80</Port></Target><TargetHealth><State>healthy</State></TargetHealth></member>"
	}
	config, _ := awstest.Start(t, results(map[string]string{
		"DescribeTargetGroups": web,
		"DescribeTargetHealth": "<TargetHealthDescriptions>" + target("i-c") + target("i-a") + target("i-b") + "</TargetHealthDescriptions>",
	}))
	read, err := targetgroup.New(config).Members(t.Context(), lsapi.TG("web"))
	if err != nil || !slices.IsSortedFunc(read.Members, lsapi.MemberID.Compare) || len(read.Members) != 3 {
		t.Errorf("got %v, %v", read.Members, err)
	}
}

func TestOtherNameThanRequestedIsNotFound(t *testing.T) {
	config, _ := awstest.Start(t, results(map[string]string{"DescribeTargetGroups": web}))
	client := targetgroup.New(config)
	_, members := client.Members(t.Context(), lsapi.TG("WEB"))
	_, routes := client.Routes(t.Context(), lsapi.TG("WEB"))
	_, tags := client.Tags(t.Context(), []lsapi.PoolID{lsapi.TG("WEB")})
	for name, err := range map[string]error{"members": members, "routes": routes, "tags": tags} {
		if lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			t.Errorf("%s: got %v, want not found: one group must not have two lanes", name, err)
		}
	}
}

func TestAddressIsRegisteredForAllZonesAfterEachWordingOfTheRefusal(t *testing.T) {
	addresses := ids("172.25.18.11:80", "[2001:db8::7]:8080")
	for _, message := range []string{
		"You must specify a valid Availability Zone or select 'all' for all enabled Availability zones, since the IP address '172.25.18.11' is outside the VPC",
		"The Availability Zone is required for IP address '172.25.18.11' because it is not in the VPC",
		"The Availability Zone for IP address '172.25.18.11' must be 'all' for Application Load Balancer target groups, when not within the VPC",
	} {
		config, aws := awstest.Start(t, awstest.Error(400, "ValidationError", message), results(nil))
		client := targetgroup.New(config)
		if id, err := client.Deregister(t.Context(), lsapi.TG("web"), webARN, addresses, nil); err != nil || id != "aws-request" {
			t.Fatalf("got %q, %v", id, err)
		}
		first, second := aws.Attempts()[0], aws.Attempts()[1]
		if first.Has("Targets.member.1.AvailabilityZone") || second.Get("Targets.member.1.AvailabilityZone") != "all" || second.Get("Targets.member.2.AvailabilityZone") != "all" ||
			second.Get("Targets.member.2.Id") != "2001:db8::7" || second.Get("Targets.member.2.Port") != "8080" || second.Get("TargetGroupArn") != webARN {
			t.Errorf("AWS got %v, then %v", first, second)
		}
	}
	// A mixed batch is refused once more.
	config, aws := awstest.Start(t,
		awstest.Error(400, "ValidationError", "You must specify a valid Availability Zone, since the IP address '172.25.18.11' is outside the VPC"),
		awstest.Error(400, "ValidationError", "The IP address '10.0.0.1' is within the VPC, and cannot have its Availability Zone overridden to 'all' from 'us-east-1b'"))
	if _, err := targetgroup.New(config).Register(t.Context(), lsapi.TG("web"), webARN, addresses, nil); lsapi.ErrorCode(err) != lsapi.CodeInvalid || len(aws.Attempts()) != 2 {
		t.Errorf("got %v after %d attempts", err, len(aws.Attempts()))
	}
	// AWS refuses an attempt without a response likewise, if it arrives late.
	config, aws = awstest.Start(t, awstest.CutOff, awstest.Error(400, "ValidationError", "no Availability Zone, since it is outside the VPC"), results(nil))
	if _, err := targetgroup.New(config).Register(t.Context(), lsapi.TG("web"), webARN, addresses, nil); err != nil || len(aws.Attempts()) != 3 {
		t.Errorf("got %v after %d attempts", err, len(aws.Attempts()))
	}
}
