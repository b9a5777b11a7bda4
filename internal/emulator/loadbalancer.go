package emulator

import (
	"encoding/xml"
	"slices"
	"sync"
	"time"
)

const (
	schemeInternetFacing = "internet-facing"
	schemeInternal       = "internal"
)

// loadBalancer is a name's history: every state that a reading may still have
// to show, and who once was a member.
type loadBalancer struct {
	revisions []*revision // oldest first; never empty
	seen      time.Time   // the latest moment that a reading has shown, see reading

	// departed holds the last departure of every instance that ever left, be it
	// back or not. Deregistering one of these again succeeds, unlike one that
	// never was a member.
	departed map[string]departure
}

// departure is an instance's way out: until drained the load balancer lets
// requests in flight finish.
type departure struct {
	at      time.Time
	drained time.Time
}

// revision is a load balancer between two changes. It never changes, so it is
// read without a lock, and its XML is made once for all readers.
type revision struct {
	since   time.Time
	deleted bool
	facts

	encode  sync.Once
	encoded []byte
	failed  error
}

// facts are what a change makes a copy of. The values behind its slices are
// never changed in place.
type facts struct {
	*design
	healthCheck healthCheck
	attributes  attributes
	tags        []tag
	members     []member
}

// design is what a load balancer is created with and keeps.
type design struct {
	name           string
	dnsName        string
	scheme         string
	listeners      []listener
	zones          []string
	subnets        []string
	securityGroups []string
	created        time.Time
	drainTime      time.Duration // how long requests in flight take, when draining is on
}

// sameAs reports whether creating d again would be creating other.
func (d *design) sameAs(other *design) bool {
	return d.scheme == other.scheme &&
		slices.Equal(d.listeners, other.listeners) &&
		slices.Equal(d.zones, other.zones) &&
		slices.Equal(d.subnets, other.subnets) &&
		slices.Equal(d.securityGroups, other.securityGroups)
}

// member is an instance registered with the load balancer.
type member struct {
	id    string
	since time.Time
}

// serves reports whether the load balancer sends requests to a zone.
func (f *facts) serves(zone string) bool { return slices.Contains(f.zones, zone) }

// memberSet returns the ids of the members for look-up.
func (f *facts) memberSet() map[string]struct{} {
	set := make(map[string]struct{}, len(f.members))
	for _, m := range f.members {
		set[m.id] = struct{}{}
	}
	return set
}

// latest returns the true state: what the last change made.
func (b *loadBalancer) latest() *revision { return b.revisions[len(b.revisions)-1] }

// at returns the state at a moment, nil when the load balancer did not exist.
func (b *loadBalancer) at(t time.Time) *revision {
	for _, r := range slices.Backward(b.revisions) {
		if !r.since.After(t) {
			if r.deleted {
				return nil
			}
			return r
		}
	}
	return nil
}

// revise adds a revision that differs from the latest by change, and forgets
// those that no reading can show any more, being older than lag.
func (b *loadBalancer) revise(now time.Time, lag time.Duration, change func(*facts)) {
	next := &revision{since: now, facts: b.latest().facts}
	change(&next.facts)
	b.add(next, lag)
}

func (b *loadBalancer) add(next *revision, lag time.Duration) {
	b.revisions = append(b.revisions, next)
	oldest := next.since.Add(-lag)
	for len(b.revisions) > 1 && !b.revisions[1].since.After(oldest) {
		b.revisions[0] = nil
		b.revisions = b.revisions[1:]
	}
}

// MarshalXML writes the description of the load balancer as
// DescribeLoadBalancers gives it.
func (r *revision) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	r.encode.Do(func() { r.encoded, r.failed = encodeFields(describe(r)) })
	if r.failed != nil {
		return r.failed
	}
	return e.EncodeElement(fragment{r.encoded}, start)
}
