package emulator

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

func TestTokenBucketsHaveAWSSizes(t *testing.T) {
	listing := func(ctx context.Context, a *testAccount) error { _, err := a.found(ctx); return err }
	for name, c := range map[string]struct {
		call         func(context.Context, *testAccount) error
		size, refill int
		code         string
	}{
		"ELB reads": {func(ctx context.Context, a *testAccount) error { _, err := a.described(ctx, "default-elb"); return err }, 40, 10, "Throttling"},
		"ELB writes": {func(ctx context.Context, a *testAccount) error {
			_, err := a.register(ctx, "default-elb", demoMember)
			return err
		}, 20, 4, "Throttling"},
		"EC2 lists": {listing, 50, 10, "RequestLimitExceeded"},
		"EC2 filtered": {func(ctx context.Context, a *testAccount) error {
			_, err := a.found(ctx, filterBy("instance-id", demoMember))
			return err
		}, 100, 20, "RequestLimitExceeded"},
		"EC2 pages": {func(ctx context.Context, a *testAccount) error {
			_, err := a.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)})
			return err
		}, 100, 20, "RequestLimitExceeded"},
		"EC2 launches": {func(ctx context.Context, a *testAccount) error { _, err := a.ec2.RunInstances(ctx, run(1)); return err }, 5, 2, "RequestLimitExceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t, Options{Fleet: mustFleet(t, "demo"), Throttle: true})
			drain := func(tokens int) {
				t.Helper()
				for n := range tokens {
					if err := c.call(t.Context(), a); err != nil {
						t.Fatalf("call %d of %d: %v", n+1, tokens, err)
					}
				}
				wantCode(t, c.call(t.Context(), a), c.code, "")
			}
			drain(c.size)
			a.clock.Advance(time.Second)
			drain(c.refill)
		})
	}
}

func TestTokenBucketsAreIndependent(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "demo"), Throttle: true})
	for range 20 {
		must[[]string](t)(a.register(t.Context(), "default-elb", demoMember))
	}
	must[[]string](t)(a.described(t.Context(), "default-elb"))
}

func TestELBWritesShareBucketAndEC2ChangesDoNot(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "demo"), Throttle: true})
	for range 20 {
		must[[]string](t)(a.register(t.Context(), "default-elb", demoMember))
	}
	_, err := a.deregister(t.Context(), "default-elb", demoMember)
	wantCode(t, err, "Throttling", "")
	for range 5 {
		must[*ec2.RunInstancesOutput](t)(a.ec2.RunInstances(t.Context(), run(1)))
	}
	must[*ec2.StartInstancesOutput](t)(a.ec2.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{demoIdle}}))
}
