package cloud_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/awstest"
	"lsapi/internal/cloud/budget"
	"lsapi/internal/cloud/classic"
	"lsapi/internal/cloud/targetgroup"
)

// Otherwise changes meant for an emulator would reach AWS.
func TestNoVariableDivertsCallsFromTheEndpoint(t *testing.T) {
	for _, variable := range []string{
		"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "AWS_ENDPOINT_URL=http://127.0.0.1:1",
		"AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING=http://127.0.0.1:1", "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2=http://127.0.0.1:1",
		"AWS_ENDPOINT_URL_EC2=http://127.0.0.1:1",
	} {
		t.Run(variable, func(t *testing.T) {
			name, value, _ := strings.Cut(variable, "=")
			t.Setenv(name, value)
			config, aws := awstest.Start(t, awstest.Error(400, "AccessDenied", ""))
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // nothing leaves this machine
			defer cancel()
			_, _ = classic.New(config).Members(ctx, lsapi.ELB("web-elb"))
			_, _ = targetgroup.New(config).Members(ctx, lsapi.TG("web"))
			_, _ = cloud.NewEC2(config).Instances(ctx, []string{"i-00000001"})
			if got := len(aws.Attempts()); got != 3 {
				t.Errorf("%d of 3 calls reached the endpoint", got)
			}
		})
	}
}

func TestMissingCredentialsAreForbidden(t *testing.T) {
	_, aws := start(t, registered())
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	config, err := cloud.Configure(t.Context(), cloud.Options{Region: "us-east-1", Endpoint: aws.URL})
	if err != nil {
		t.Fatal(err)
	}
	err = register(t.Context(), classic.New(config), lsapi.InstanceMember("i-a"))
	if coded := lsapi.AsError(err); coded.Code != lsapi.CodeForbidden || coded.Ambiguous || !strings.Contains(err.Error(), "no AWS credentials") {
		t.Errorf("got %+v", err)
	}
}

func TestCallWithoutATokenIsThrottledAndNotSent(t *testing.T) {
	_, aws := start(t, registered())
	tight := budget.New(budget.Sizes{budget.ELBWrite: {Burst: 1, PerSecond: 0.001}})
	client := classic.New(awstest.Configure(t, cloud.Options{Endpoint: aws.URL, Budget: tight}))
	if err := register(t.Context(), client, lsapi.InstanceMember("i-a")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	refused := lsapi.AsError(register(ctx, client, lsapi.InstanceMember("i-b")))
	if refused.Code != lsapi.CodeThrottled || refused.Ambiguous || refused.RetryAfter <= 0 || len(aws.Attempts()) != 1 {
		t.Errorf("got %+v after %d attempts", refused, len(aws.Attempts()))
	}
}
