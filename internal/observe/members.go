package observe

import (
	"maps"
	"slices"
	"time"

	"lsapi"
)

// Observation is what a read of a load balancer found.
type Observation struct {
	IDs     []string
	Began   time.Time // when the read began
	Gone    bool      // there is no such load balancer
	Members []string  // IDs under the recent changes
}

// says reports whether both found the same. The changes laid over them count: if AWS
// still differs once these have expired, that is another finding.
func (o Observation) says(other Observation) bool {
	return o.Gone == other.Gone && slices.Equal(o.Members, other.Members)
}

// recorded is an observation that is on record.
type recorded struct {
	Observation
	head lsapi.Head // an end of the log that says the same
}

// Observe takes the members that a read from began on found. ids must not be changed
// afterwards.
func (i *Inbox) Observe(loadBalancer string, ids []string, began time.Time) {
	o := Observation{IDs: ids, Began: began, Members: i.overlay.Over(loadBalancer, ids, began)}
	i.put(loadBalancer, func(p *Pending) bool {
		if began.After(i.gone[loadBalancer]) {
			delete(i.gone, loadBalancer)
		}
		return i.add(p, loadBalancer, o)
	})
}

// ObserveGone takes that a read from began on found no such load balancer: a new one
// under its name has none of its members and recent changes. No later read repeats that,
// so it is kept until it is on record.
func (i *Inbox) ObserveGone(loadBalancer string, began time.Time) {
	i.overlay.Invalidate(loadBalancer, began)
	i.put(loadBalancer, func(p *Pending) bool {
		i.gone[loadBalancer] = began
		return i.add(p, loadBalancer, Observation{Began: began, Gone: true})
	})
}

// RetryGone notifies the lanes of the deleted load balancers that are not on record as
// deleted.
func (i *Inbox) RetryGone() {
	i.mu.Lock()
	gone := maps.Clone(i.gone)
	i.mu.Unlock()
	for name, began := range gone {
		i.put(name, func(p *Pending) bool {
			return i.gone[name].Equal(began) && i.add(p, name, Observation{Began: began, Gone: true})
		})
	}
}

// add adds an observation, unless it says what is on record. The caller holds mu.
func (i *Inbox) add(p *Pending, loadBalancer string, o Observation) bool {
	if !i.isOpen() {
		return false
	}
	last, ok := i.last[loadBalancer]
	if !ok || !last.says(o) {
		p.Members = withLast(p.Members, o)
		return true
	}
	last.Began = later(last.Began, o.Began)
	i.last[loadBalancer] = last
	return false
}

// withLast returns the last two of the observations with o that differ.
func withLast(observations []Observation, o Observation) []Observation {
	if n := len(observations); n > 0 && observations[n-1].says(o) {
		observations = observations[:n-1]
	}
	observations = append(observations, o)
	return observations[max(0, len(observations)-2):]
}

// Recorded takes from a lane that an observation is on record, at that end of the log.
// lookedAt is when the last read that agrees with the record began: an older observation
// is dropped.
func (i *Inbox) Recorded(loadBalancer string, o Observation, head lsapi.Head, lookedAt time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.gone[loadBalancer].After(o.Began) {
		delete(i.gone, loadBalancer)
	}
	if o.Gone || o.Began.Before(lookedAt) {
		return
	}
	i.last[loadBalancer] = recorded{o, head}
}

// LastRead returns when the last read began that found what that end of the log says; the
// zero time if none did.
func (i *Inbox) LastRead(loadBalancer string, head lsapi.Head) time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	if last := i.last[loadBalancer]; last.head == head {
		return last.Began
	}
	return time.Time{}
}

// Advance moves what reads found on to another end of the log, after events that do not
// concern the membership.
func (i *Inbox) Advance(loadBalancer string, from, to lsapi.Head) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if last, ok := i.last[loadBalancer]; ok && last.head == from {
		last.head = to
		i.last[loadBalancer] = last
	}
}

// Forget drops what is known to be on record: the record has moved on, and the next
// observation is news.
func (i *Inbox) Forget(loadBalancer string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.last, loadBalancer)
	delete(i.stale, loadBalancer)
}
