package targetgroup_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"lsapi"
	"lsapi/internal/cloud/awstest"
	"lsapi/internal/cloud/targetgroup"
)

// answerSize is the size of the answer of the benchmark, about 30,000 targets: far above
// AWS's quota of targets in a group.
const answerSize = 10 << 20

// BenchmarkLargeAnswer compares the adapter with the SDK's decoding of the same answer of
// DescribeTargetHealth.
func BenchmarkLargeAnswer(b *testing.B) {
	var targets strings.Builder
	for n := 0; targets.Len() < answerSize; n++ {
		fmt.Fprintf(&targets, "<member><Target><Id>i-%017x</Id><Port>8080</Port></Target><HealthCheckPort>8080</HealthCheckPort><TargetHealth><State>unhealthy</State>"+
			"<Reason>Target.ResponseCodeMismatch</Reason><Description>Health checks failed with these codes: [502]</Description></TargetHealth>"+
			"<AdministrativeOverride><State>no_override</State></AdministrativeOverride></member>", n)
	}
	config, _ := awstest.Start(b, results(map[string]string{
		"DescribeTargetGroups": web,
		"DescribeTargetHealth": "<TargetHealthDescriptions>" + targets.String() + "</TargetHealthDescriptions>",
	}))
	client, sdk := targetgroup.New(config), elbv2.NewFromConfig(config.SDK())
	b.Run("SDK", func(b *testing.B) {
		for b.Loop() {
			if _, err := sdk.DescribeTargetHealth(b.Context(), &elbv2.DescribeTargetHealthInput{TargetGroupArn: aws.String(webARN)}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("adapter", func(b *testing.B) {
		for b.Loop() {
			if _, err := client.Members(b.Context(), lsapi.TG("web")); err != nil {
				b.Fatal(err)
			}
		}
	})
}
