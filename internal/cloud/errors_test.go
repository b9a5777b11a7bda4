package cloud_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"lsapi"
	"lsapi/internal/cloud/awstest"
	"lsapi/internal/cloud/classic"
	"lsapi/internal/cloud/targetgroup"
)

func TestAWSErrorsAreMappedToCodes(t *testing.T) {
	const group = `<TargetGroups><member><TargetGroupName>web</TargetGroupName><TargetGroupArn>arn:web</TargetGroupArn></member></TargetGroups>`
	found := awstest.Result(awstest.ELBV2Namespace, "DescribeTargetGroups", group)
	instance, target := []lsapi.MemberID{{Instance: "i-a"}}, []lsapi.MemberID{{Instance: "i-a", Port: 80}}
	type call func(t *testing.T, refusal awstest.Reply) (send func() error)
	classicCall := func(call func(context.Context, *classic.Client) error) call {
		return func(t *testing.T, refusal awstest.Reply) func() error {
			config, _ := awstest.Start(t, refusal)
			return func() error { return call(t.Context(), classic.New(config)) }
		}
	}
	groupCall := func(call func(context.Context, *targetgroup.Client) error, before ...awstest.Reply) call {
		return func(t *testing.T, refusal awstest.Reply) func() error {
			config, _ := awstest.Start(t, append(slices.Clone(before), refusal)...)
			return func() error { return call(t.Context(), targetgroup.New(config)) }
		}
	}
	changes := map[string]call{
		"Classic register": classicCall(func(ctx context.Context, c *classic.Client) error {
			_, err := c.Register(ctx, lsapi.ELB("web"), "", instance, nil)
			return err
		}),
		"Classic deregister": classicCall(func(ctx context.Context, c *classic.Client) error {
			_, err := c.Deregister(ctx, lsapi.ELB("web"), "", instance, nil)
			return err
		}),
		"group register": groupCall(func(ctx context.Context, c *targetgroup.Client) error {
			_, err := c.Register(ctx, lsapi.TG("web"), "arn:web", target, nil)
			return err
		}),
		"group deregister": groupCall(func(ctx context.Context, c *targetgroup.Client) error {
			_, err := c.Deregister(ctx, lsapi.TG("web"), "arn:web", target, nil)
			return err
		}),
	}
	reads := map[string]call{
		"Classic members": classicCall(func(ctx context.Context, c *classic.Client) error {
			_, err := c.Members(ctx, lsapi.ELB("web"))
			return err
		}),
		"Classic health": classicCall(func(ctx context.Context, c *classic.Client) error {
			_, _, err := c.Health(ctx, lsapi.ELB("web"))
			return err
		}),
		"group members": groupCall(func(ctx context.Context, c *targetgroup.Client) error {
			_, err := c.Members(ctx, lsapi.TG("web"))
			return err
		}, found),
	}
	all := maps.Clone(changes)
	maps.Copy(all, reads)
	groups := map[string]call{"group register": changes["group register"], "group deregister": changes["group deregister"]}
	var running sync.WaitGroup // side by side, because of the retries
	for _, test := range []struct {
		status int
		code   string
		calls  map[string]call
		want   lsapi.Code
	}{
		{400, "LoadBalancerNotFound", all, lsapi.CodeNotFound},
		{400, "ListenerNotFound", all, lsapi.CodeNotFound},
		{400, "RuleNotFound", all, lsapi.CodeNotFound},
		{400, "TargetGroupNotFound", changes, lsapi.CodeNotFound},
		{400, "InvalidInstance", all, lsapi.CodeInvalid},
		{400, "InvalidTarget", all, lsapi.CodeInvalid},
		{400, "TooManyTargets", all, lsapi.CodeInvalid},
		{400, "TooManyRegistrationsForTargetId", all, lsapi.CodeInvalid},
		{400, "ValidationError", groups, lsapi.CodeInvalid}, // a target that does not fit
		{400, "ValidationError", reads, lsapi.CodeUpstream},
		{400, "DuplicateTargetGroupName", all, lsapi.CodeUpstream},
		{400, "DuplicateLoadBalancerName", all, lsapi.CodeUpstream},
		{400, "TooManyLoadBalancers", all, lsapi.CodeUpstream},
		{400, "ResourceInUse", all, lsapi.CodeUpstream},
		{400, "PriorityInUse", all, lsapi.CodeUpstream},
		{409, "InvalidConfigurationRequest", all, lsapi.CodeUpstream},
		{500, "HealthUnavailable", all, lsapi.CodeUpstream},
		{500, "InternalFailure", all, lsapi.CodeUpstream},
		{400, "Throttling", all, lsapi.CodeThrottled},
		{400, "ThrottlingException", all, lsapi.CodeThrottled},
		{400, "DependencyThrottle", all, lsapi.CodeThrottled},
		{503, "RequestLimitExceeded", all, lsapi.CodeThrottled},
		{400, "AccessDenied", all, lsapi.CodeForbidden},
		{403, "ExpiredToken", all, lsapi.CodeForbidden},
		{403, "InvalidClientTokenId", all, lsapi.CodeForbidden},
		{403, "SignatureDoesNotMatch", all, lsapi.CodeForbidden},
		{400, "SomethingNew", all, lsapi.CodeUpstream},
	} {
		for name, call := range test.calls {
			send := call(t, awstest.Error(test.status, test.code, "as AWS says"))
			running.Go(func() {
				err := lsapi.AsError(send())
				_, isChange := changes[name]
				public := test.want == lsapi.CodeInvalid || test.want == lsapi.CodeNotFound
				if err.Code != test.want || err.Reason != test.code || err.Ambiguous != (isChange && test.status >= 500) || (err.Message == "as AWS says") != public {
					t.Errorf("%s for %s: got %+v, want %s", test.code, name, err, test.want)
				}
			})
		}
	}
	running.Wait()
}

func TestErrorsContainNoQuotedRequestAndNoLongMessage(t *testing.T) {
	for code, message := range map[string]string{
		"SignatureDoesNotMatch": "The canonical string should have been 'x-amz-security-token:SECRET'",
		"IncompleteSignature":   "in the header 'SECRET'",
		"SomethingNew":          strings.Repeat("endless ", 1000) + "SECRET",
	} {
		t.Run(code, func(t *testing.T) {
			client, _ := start(t, awstest.Error(403, code, message))
			err := lsapi.AsError(register(t.Context(), client, lsapi.InstanceMember("i-a")))
			logged := fmt.Sprintf("%v %+v", err, err.Err)
			if strings.Contains(logged, "SECRET") || len(logged) > 2000 {
				t.Errorf("the error is %s", logged)
			}
			for _, useful := range []string{"RegisterInstancesWithLoadBalancer", code, "r-1"} {
				if !strings.Contains(logged, useful) {
					t.Errorf("the error does not have %s: %s", useful, logged)
				}
			}
		})
	}
}

func TestTemporaryErrorsAreRetriedAndThenReturned(t *testing.T) {
	for _, code := range []string{"Throttling", "DependencyThrottle"} {
		t.Run(code, func(t *testing.T) {
			client, aws := start(t, awstest.Error(400, code, "Rate exceeded"))
			err := lsapi.AsError(register(t.Context(), client, lsapi.InstanceMember("i-a")))
			if err.Code != lsapi.CodeThrottled || err.RetryAfter <= 0 || err.Ambiguous {
				t.Errorf("got %+v", err)
			}
			if n := len(aws.Attempts()); n != 3 {
				t.Errorf("there were %d attempts, want 3", n)
			}
		})
	}
	t.Run("HealthUnavailable", func(t *testing.T) {
		config, aws := awstest.Start(t, awstest.Error(500, "HealthUnavailable", "no"))
		_, err := targetgroup.New(config).Members(t.Context(), lsapi.TG("web"))
		if n := len(aws.Attempts()); lsapi.ErrorCode(err) != lsapi.CodeUpstream || n != 3 {
			t.Errorf("got %v after %d attempts", err, n)
		}
	})
	t.Run("EC2", func(t *testing.T) {
		client, _ := startEC2(t, awstest.EC2Error(503, "RequestLimitExceeded", "Request limit exceeded."))
		_, err := client.Instances(t.Context(), []string{"i-a"})
		if code := lsapi.ErrorCode(err); code != lsapi.CodeThrottled {
			t.Errorf("got %v", err)
		}
	})
}
