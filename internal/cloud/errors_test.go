package cloud_test

import (
	"fmt"
	"strings"
	"testing"

	"lsapi"
	"lsapi/internal/cloud/awstest"
)

func TestAWSErrorsAreMappedToCodes(t *testing.T) {
	tests := []struct {
		status int
		code   string
		want   lsapi.Code
	}{
		{400, "LoadBalancerNotFound", lsapi.CodeNotFound},
		{400, "InvalidInstance", lsapi.CodeInvalid},
		{400, "AccessDenied", lsapi.CodeForbidden},
		{403, "ExpiredToken", lsapi.CodeForbidden},
		{403, "InvalidClientTokenId", lsapi.CodeForbidden},
		{403, "SignatureDoesNotMatch", lsapi.CodeForbidden},
		{400, "ValidationError", lsapi.CodeUpstream},
		{400, "SomethingNew", lsapi.CodeUpstream},
	}
	for _, test := range tests {
		t.Run(test.code, func(t *testing.T) {
			client, _ := start(t, awstest.Error(test.status, test.code, "as AWS says"))
			err := lsapi.AsError(register(t.Context(), client, lsapi.InstanceMember("i-a")))
			if err.Code != test.want || err.Reason != test.code || err.Ambiguous {
				t.Errorf("got %+v, want %s, not ambiguous", err, test.want)
			}
			public := test.want == lsapi.CodeInvalid || test.want == lsapi.CodeNotFound
			if (err.Message == "as AWS says") != public {
				t.Errorf("the client gets %q", err.Message)
			}
		})
	}
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

func TestThrottlingIsRetriedAndThenReturned(t *testing.T) {
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
	t.Run("EC2", func(t *testing.T) {
		client, _ := startEC2(t, awstest.EC2Error(503, "RequestLimitExceeded", "Request limit exceeded."))
		_, err := client.Instances(t.Context(), []string{"i-a"})
		if code := lsapi.ErrorCode(err); code != lsapi.CodeThrottled {
			t.Errorf("got %v", err)
		}
	})
}
