package v1

import (
	"time"

	"lsapi"
)

// The examples of the document. They are made of the same types as answers are.
var (
	exampleTime   = time.Date(2026, time.November, 24, 18, 54, 0, 0, time.UTC)
	exampleFilter = lsapi.ChangeFilter{LoadBalancer: "default-elb"}
	exampleChange = lsapi.Change{
		ID:            "01a20ee8-6140-7a11-8000-0123456789ab",
		Actor:         "alice",
		Action:        lsapi.Attach,
		LoadBalancer:  "default-elb",
		InstanceID:    "i-5203422c",
		Reason:        "deploy 2026-11-24",
		RequestID:     "deploy-7",
		Source:        lsapi.SourceLSAPI,
		IntendedAt:    exampleTime,
		Outcome:       lsapi.OutcomeApplied,
		CompletedAt:   exampleTime.Add(217 * time.Millisecond),
		AWSRequestID:  "c6104cbe-af31-11e0-8154-cbc7ccf896c7",
		MembersBefore: new(2),
		MembersAfter:  new(3),
	}
	exampleRoster = lsapi.MembershipAt{
		LoadBalancer: "default-elb",
		At:           exampleTime.Add(time.Hour),
		Members: []lsapi.RecordedMember{
			{InstanceID: "i-0592fe5ccee879f04"},
			{InstanceID: "i-5203422c", Since: exampleTime, ChangeID: "01a20ee8-6140-7a11-8000-0123456789ab", Source: lsapi.SourceLSAPI},
		},
		Uncertain: []lsapi.Change{{
			ID:           "01a20f1f-53a8-7c3e-9000-0123456789ab",
			Action:       lsapi.Detach,
			LoadBalancer: "default-elb",
			InstanceID:   "i-0592fe5ccee879f04",
			Source:       lsapi.SourceExternal,
			NotBefore:    exampleTime.Add(time.Hour - 2*time.Second),
			IntendedAt:   exampleTime.Add(time.Hour + time.Second),
			Outcome:      lsapi.OutcomeApplied,
			Resolution:   lsapi.ResolutionObserved,
		}},
	}
	exampleFleetFilter = lsapi.FleetFilter{Name: "default-*"}
	exampleDetail      = lsapi.PoolDetail{
		PoolSummary: lsapi.PoolSummary{
			Name: "default-elb",
			Description: &lsapi.Description{
				DNSName:   "default-elb-1234567890.us-east-1.elb.amazonaws.com",
				Scheme:    "internet-facing",
				Zones:     []string{"us-east-1a", "us-east-1b"},
				Listeners: []lsapi.Listener{{Protocol: "HTTP", Port: 80, InstanceProtocol: "HTTP", InstancePort: 8000}},
				HealthCheck: lsapi.HealthCheck{
					Target: "HTTP:8000/healthcheck", Interval: 30 * time.Second, Timeout: 5 * time.Second, UnhealthyThreshold: 2, HealthyThreshold: 10,
				},
				CreatedAt: time.Date(2019, time.October, 1, 18, 0, 0, 0, time.UTC),
			},
			Tags:       map[string]string{"team": "web"},
			Members:    1,
			AsOf:       exampleTime.Add(time.Minute),
			Health:     &lsapi.HealthCounts{OutOfService: 1, Draining: 1},
			HealthAsOf: exampleTime.Add(time.Minute),
		},
		Attributes: &lsapi.Attributes{Draining: true, DrainingTimeout: 300 * time.Second, CrossZone: true, IdleTimeout: 60 * time.Second},
		Instances: []lsapi.MemberDetail{{
			Instance: lsapi.Instance{
				ID: "i-5203422c", Type: "t2.micro", LaunchTime: time.Date(2019, time.October, 1, 18, 54, 0, 0, time.UTC), State: lsapi.StateRunning,
				Zone: "us-east-1a", PrivateAddress: "10.0.1.17", Name: "web-1",
			},
			Member:  true,
			Health:  &exampleHealth,
			History: lsapi.MemberHistory{Member: true, Since: exampleTime, LastChange: &exampleChange, Health: &exampleHealth, HealthSince: exampleTime.Add(time.Second)},
		}, {
			Instance: lsapi.Instance{ID: "i-0592fe5ccee879f04", Type: "t2.micro", LaunchTime: time.Date(2019, time.October, 1, 18, 55, 0, 0, time.UTC), State: lsapi.StateRunning},
			Health: &lsapi.MemberHealth{
				InstanceID: "i-0592fe5ccee879f04", State: lsapi.InService, Reason: "N/A", Description: "Instance deregistration currently in progress.", Draining: true,
			},
		}},
	}
	exampleLast   = lastState{member: newMember(&exampleDetail.Instances[0])}
	exampleHealth = lsapi.MemberHealth{
		InstanceID: "i-5203422c", State: lsapi.OutOfService, Reason: "ELB", Description: "Instance registration is still in progress.",
	}
)
