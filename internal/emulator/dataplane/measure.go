package dataplane

import "slices"

// hosts are the numbers of members of a zone; the zone "" is all.
type hosts struct {
	zone               string
	healthy, unhealthy int
}

// countHosts counts the members of each zone. The caller holds mu.
func (b *balancer) countHosts() {
	counted := []hosts{{}}
	for _, m := range b.members {
		for _, zone := range []string{"", m.Zone} {
			at := slices.IndexFunc(counted, func(h hosts) bool { return h.zone == zone })
			if at < 0 {
				at = len(counted)
				counted = append(counted, hosts{zone: zone})
			}
			if m.takes() {
				counted[at].healthy++
			} else {
				counted[at].unhealthy++
			}
			if m.Zone == "" {
				break
			}
		}
	}
	b.hosts = counted
}

// measure takes values in that arose in a zone. Those of no member, with the zone "", are
// of the first zone of the load balancer, as if its only node was there.
func (b *balancer) measure(zone string, values ...value) {
	if zone == "" {
		b.mu.Lock()
		if len(b.zones) > 0 {
			zone = b.zones[0]
		}
		b.mu.Unlock()
	}
	b.metrics.add(zone, values...)
}

// count counts a request that went to a zone, and what is known of its answer.
func (b *balancer) count(zone string, answer ...value) {
	b.mu.Lock()
	b.requests++
	counted := b.hosts
	b.mu.Unlock()
	b.measure(zone, append(answer, value{RequestCount, 1})...)
	for _, h := range counted {
		b.metrics.record(h.zone, value{HealthyHostCount, float64(h.healthy)}, value{UnHealthyHostCount, float64(h.unhealthy)})
	}
}
