package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"lsapi/bench/internal/report"
)

// guardedLeft is the number of members that the guard keeps in service.
const guardedLeft = 10

// measureGuarded measures many clients that detach one member each from a pool whose guards
// need the health of all.
func measureGuarded(ctx context.Context, b *bench, s *report.Section) error {
	clients := attachClients
	if b.quick {
		clients /= 10
	}
	policy := filepath.Join(b.dir, "policy.yaml")
	rules := fmt.Sprintf("guards:\n- {pools: ['*/*'], minInService: %d, maxOut: 99%%, minInServicePerZone: 1}\n", guardedLeft)
	if err := os.WriteFile(policy, []byte(rules), 0o600); err != nil {
		return err
	}
	cases := []attachCase{
		{
			name: "of one Classic load balancer", action: "DeregisterInstancesFromLoadBalancer",
			fleet: fmt.Sprintf("1x%d", clients+guardedLeft), warm: path(1),
			client: func(s *service, i int) attacher {
				return newDetacher(s, "/v1/pools/elb/"+balancer(1), memberOf(1, i+1))
			},
		},
		{
			name: "of one target group", action: "DeregisterTargets",
			fleet: fmt.Sprintf("tg:1x%d", clients+guardedLeft), warm: groupPath(1) + "/members",
			client: func(s *service, i int) attacher {
				return newDetacher(s, groupPath(1), fmt.Sprintf("%s:%d", target(1, i+1), groupPort))
			},
		},
	}
	for _, c := range cases {
		c.clients, c.bound, c.calls = clients, report.AtMost(1.5), report.AtMost(6)
		for range b.times(attachRuns) {
			if err := c.run(ctx, b, launch{env: []string{"POLICY=" + policy}}); err != nil {
				return err
			}
		}
		s.Add(c.rows(attachCase{})...)
		s.Add(report.Row{Name: c.name + ", DescribeInstanceHealth calls", Aim: report.AtMost(6), Figure: c.figure(func(r attachRun) float64 { return r.health })})
	}
	return nil
}
