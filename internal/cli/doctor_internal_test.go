package cli

import (
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/cloud"
)

// The header Date has whole seconds, and was set some time before the response arrived.
func TestClockAheadReturnsMinimumDifference(t *testing.T) {
	at := time.Date(2026, 11, 24, 18, 0, 10, 0, time.UTC)
	for name, test := range map[string]struct {
		date         time.Duration // of the service, from at
		began, ended time.Duration
		want         time.Duration
	}{
		"immediate":                   {0, 100 * time.Millisecond, 101 * time.Millisecond, 0},
		"cut to the second":           {0, 999 * time.Millisecond, 999 * time.Millisecond, 0},
		"a slow response":             {3 * time.Second, 0, 4 * time.Second, 0},
		"ahead":                       {5 * time.Second, 0, 500 * time.Millisecond, 4500 * time.Millisecond},
		"behind":                      {-5 * time.Second, 0, 100 * time.Millisecond, -4 * time.Second},
		"behind, and a slow response": {-5 * time.Second, 0, 9 * time.Second, -4 * time.Second},
		"ahead within a second":       {time.Second, 900 * time.Millisecond, 950 * time.Millisecond, 50 * time.Millisecond},
	} {
		if got := clockAhead(at.Add(test.date), at.Add(test.began), at.Add(test.ended)); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestExpiringCertificateIsWarning(t *testing.T) {
	for left, want := range map[time.Duration]string{time.Hour: verdictWarn, 13 * 24 * time.Hour: verdictWarn, 15 * 24 * time.Hour: verdictOK} {
		c := &checkup{}
		c.checkCertificate(&x509.Certificate{NotAfter: time.Now().Add(left)})
		if len(c.findings) != 1 || c.findings[0].Verdict != want {
			t.Errorf("%s before expiry: %+v", left, c.findings)
		}
	}
}

func TestPermissionFailsOnlyWhenDenied(t *testing.T) {
	for name, test := range map[string]struct {
		err     error
		verdict string
		do      bool
	}{
		"allowed":        {nil, verdictOK, false},
		"denied":         {&lsapi.Error{Code: lsapi.CodeForbidden, Reason: "AccessDenied"}, verdictFail, true},
		"denied by EC2":  {&lsapi.Error{Code: lsapi.CodeForbidden, Reason: "UnauthorizedOperation"}, verdictFail, true},
		"an old key":     {&lsapi.Error{Code: lsapi.CodeForbidden, Reason: "InvalidClientTokenId"}, verdictFail, true},
		"no credentials": {&lsapi.Error{Code: lsapi.CodeForbidden, Err: errors.New("no AWS credentials")}, verdictFail, true},
		"throttled":      {&lsapi.Error{Code: lsapi.CodeThrottled, Reason: "Throttling"}, verdictWarn, true},
		"unreachable":    {&lsapi.Error{Code: lsapi.CodeUpstream, Err: errors.New("no route")}, verdictWarn, true},
	} {
		c := &checkup{}
		c.addPermission(cloud.Permission{Action: "ec2:DescribeInstances", Err: test.err})
		if f := c.findings[0]; f.Verdict != test.verdict || (f.Do != "") != test.do {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
