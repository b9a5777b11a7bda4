package v1

import (
	"testing"

	"lsapi"
)

func TestPoolFailsOpenIfRoutedAndNoMemberIsInService(t *testing.T) {
	routed, idle := &lsapi.Description{LoadBalancers: []string{"arn"}}, &lsapi.Description{}
	failing, serving, empty := &lsapi.HealthCounts{OutOfService: 2}, &lsapi.HealthCounts{InService: 1, OutOfService: 1}, &lsapi.HealthCounts{Draining: 1}
	for name, test := range map[string]struct {
		pool        lsapi.PoolID
		description *lsapi.Description
		health      *lsapi.HealthCounts
		want        bool
	}{
		"a group without a member in service":     {lsapi.TG("web"), routed, failing, true},
		"a group with one":                        {lsapi.TG("web"), routed, serving, false},
		"a group without members":                 {lsapi.TG("web"), routed, empty, false},
		"a group that nothing routes to":          {lsapi.TG("web"), idle, failing, false},
		"a group of unknown health":               {lsapi.TG("web"), routed, nil, false},
		"a Classic load balancer, which does not": {lsapi.ELB("web"), routed, failing, false},
	} {
		if got := newPool(&lsapi.PoolSummary{ID: test.pool, Description: test.description, Health: test.health}).FailsOpen; got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
