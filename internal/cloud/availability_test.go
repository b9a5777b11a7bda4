package cloud_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/cloud"
)

var (
	opList     = cloud.Operation{Service: "elb", Name: "DescribeLoadBalancers"}
	opGroups   = cloud.Operation{Service: "elbv2", Name: "DescribeTargetGroups"}
	opLookUp   = cloud.Operation{Service: "ec2", Name: "DescribeInstances"}
	opRegister = cloud.Operation{Service: "elb", Name: "RegisterInstancesWithLoadBalancer"}
)

func call(operation cloud.Operation, code lsapi.Code) cloud.Call {
	return cloud.Call{Operation: operation, Code: code, Attempts: 1, Took: time.Millisecond}
}

func TestAvailabilityFollowsTheLastCalls(t *testing.T) {
	denied, down := lsapi.CodeForbidden, lsapi.CodeUpstream
	cutOff := call(opList, lsapi.CodeTimeout)
	hangs := cutOff
	hangs.Took = 10 * time.Second
	for name, test := range map[string]struct {
		calls []cloud.Call    // after one that succeeded in each category
		after []time.Duration // before each call; the last is before the check
		says  string          // empty: available
	}{
		"all is well":                         {nil, []time.Duration{0}, ""},
		"reads are denied":                    {[]cloud.Call{call(opList, denied)}, []time.Duration{11 * time.Second, 0}, "to list load balancers"},
		"a denial right after a success":      {[]cloud.Call{call(opList, denied)}, []time.Duration{time.Second, 0}, ""},
		"denied and then granted":             {[]cloud.Call{call(opList, denied), call(opList, "")}, []time.Duration{time.Hour, time.Second, 0}, ""},
		"a denial that nothing has confirmed": {[]cloud.Call{call(opList, denied)}, []time.Duration{time.Hour, 61 * time.Second}, ""},
		"instances cannot be looked up":       {[]cloud.Call{call(opLookUp, denied)}, []time.Duration{time.Hour, 0}, "to look up instances"},
		"changes are denied":                  {[]cloud.Call{call(opRegister, denied)}, []time.Duration{time.Hour, 0}, "to change load balancers"},
		"some changes are denied":             {[]cloud.Call{call(opRegister, ""), call(opRegister, denied)}, []time.Duration{time.Hour, time.Second, 59 * time.Second}, ""},
		"AWS fails":                           {[]cloud.Call{call(opList, down)}, []time.Duration{time.Hour, 0}, "cannot be reached"},
		"AWS hangs":                           {[]cloud.Call{hangs}, []time.Duration{time.Hour, 0}, "cannot be reached"},
		"a caller leaves":                     {[]cloud.Call{cutOff}, []time.Duration{time.Hour, 0}, ""},
		"AWS throttles":                       {[]cloud.Call{call(opList, lsapi.CodeThrottled)}, []time.Duration{time.Hour, 0}, ""},
		"AWS knows no such load balancer":     {[]cloud.Call{call(opList, denied), call(opList, lsapi.CodeNotFound)}, []time.Duration{time.Hour, 0, 0}, ""},
		"target groups alone are denied":      {[]cloud.Call{call(opGroups, denied)}, []time.Duration{time.Hour, 0}, ""},
		"load balancers alone are denied":     {[]cloud.Call{call(opGroups, ""), call(opList, denied)}, []time.Duration{time.Hour, 0, 0}, ""},
		"both kinds are denied":               {[]cloud.Call{call(opGroups, ""), call(opList, denied), call(opGroups, denied)}, []time.Duration{0, time.Hour, 0, 0}, "to list"},
		"target groups are not listed":        {[]cloud.Call{call(opGroups, down)}, []time.Duration{time.Hour, 0}, ""},
		"load balancers are not listed":       {[]cloud.Call{call(opGroups, ""), call(opList, down)}, []time.Duration{time.Hour, 0, 0}, ""},
		"neither kind is listed":              {[]cloud.Call{call(opGroups, ""), call(opList, down), call(opGroups, down)}, []time.Duration{0, time.Hour, 0, 0}, "to list"},
		"target groups cannot be changed":     {[]cloud.Call{call(cloud.Operation{Service: "elbv2", Name: "RegisterTargets"}, denied)}, []time.Duration{time.Hour, 0}, "or target groups"},
		"load balancers of v2 are denied":     {[]cloud.Call{call(cloud.Operation{Service: "elbv2", Name: "DescribeLoadBalancers"}, denied)}, []time.Duration{time.Hour, 0}, ""},
		"what nothing depends on is denied":   {[]cloud.Call{call(cloud.Operation{Service: "elb", Name: "DescribeTags"}, denied)}, []time.Duration{time.Hour, 0}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var a cloud.Availability
				for _, operation := range []cloud.Operation{opList, opLookUp, opRegister} {
					a.Observe(call(operation, ""))
				}
				for i, c := range test.calls {
					time.Sleep(test.after[i])
					a.Observe(c)
				}
				time.Sleep(test.after[len(test.after)-1])
				err := a.Check()
				if (err != nil) != (test.says != "") || err != nil && (lsapi.ErrorCode(err) != lsapi.CodeUnavailable || !strings.Contains(err.Error(), test.says)) {
					t.Errorf("the check returns %v, want %q", err, test.says)
				}
			})
		})
	}
}

func TestFirstFailureWithoutASuccessEndsAvailability(t *testing.T) {
	var a cloud.Availability
	if err := a.Check(); err != nil || a.ReadsFail() {
		t.Errorf("before any call: %v", err)
	}
	a.NoCredentials()
	if err := a.Check(); err == nil || !a.ReadsFail() {
		t.Error("missing credentials do not end availability")
	}
	a.Observe(call(opList, ""))
	if err := a.Check(); err != nil || a.ReadsFail() {
		t.Errorf("after a success: %v", err)
	}
}

func TestReadsFailUnlessOneKindIsListed(t *testing.T) {
	for name, test := range map[string]struct {
		calls []cloud.Call
		want  bool
	}{
		"groups are denied":            {[]cloud.Call{call(opList, ""), call(opGroups, lsapi.CodeForbidden)}, false},
		"load balancers are denied":    {[]cloud.Call{call(opList, lsapi.CodeForbidden), call(opGroups, "")}, false},
		"the other was not listed yet": {[]cloud.Call{call(opGroups, lsapi.CodeForbidden)}, true},
		"both are denied":              {[]cloud.Call{call(opList, lsapi.CodeForbidden), call(opGroups, lsapi.CodeForbidden)}, true},
		"the listing of groups fails":  {[]cloud.Call{call(opList, ""), call(opGroups, lsapi.CodeUpstream)}, false},
		"both fail":                    {[]cloud.Call{call(opList, lsapi.CodeUpstream), call(opGroups, lsapi.CodeUpstream)}, true},
	} {
		var a cloud.Availability
		for _, c := range test.calls {
			a.Observe(c)
		}
		if got := a.ReadsFail(); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
