package main

import (
	"context"
	"fmt"

	"lsapi/bench/internal/report"
)

// groupPort is the port of the first generated target group.
const groupPort = 8080

// measureGroupAttach measures many clients that attach one instance each to a target group.
func measureGroupAttach(ctx context.Context, b *bench, s *report.Section) error {
	clients := attachClients
	if b.quick {
		clients /= 10
	}
	c := attachCase{
		name: "to one target group", clients: clients, fleet: fmt.Sprintf("tg:1x%d", clients), warm: groupPath(1) + "/members", action: "RegisterTargets",
		client: func(s *service, i int) attacher {
			return newGroupAttacher(s, 1, fmt.Sprintf("%s:%d", spare(i+1), groupPort))
		},
		bound: report.AtMost(1.5), calls: report.AtMost(6),
	}
	for range b.times(attachRuns) {
		if err := c.run(ctx, b, launch{}); err != nil {
			return err
		}
	}
	s.Add(c.rows(attachCase{})...)
	return nil
}
