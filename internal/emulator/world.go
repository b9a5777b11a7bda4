package emulator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"lsapi/internal/emulator/dataplane"
)

// world is what the account holds. Its methods are the AWS actions: each takes
// a call and returns the answer to encode, or an *apiError. They must be called
// under the emulator's lock; what they return is no longer touched by later
// calls, so that it can be encoded without the lock.
type world struct {
	region           string
	lag              time.Duration
	random           *rand.Rand
	maxLoadBalancers int

	startDelay        time.Duration // of instances that are launched
	registrationDelay time.Duration

	balancers map[string]*loadBalancer
	names     []string // of balancers, sorted: the order in which they are listed

	instances map[string]*instance
	order     []*instance // by number: the order in which they are listed
	created   uint64      // how many instances there ever were
	launches  map[string]*runInstancesResponse

	history []MembershipChange // oldest first

	plane *dataplane.Plane // nil: load balancers carry no traffic
}

// reading is one call's look at the world. When reads lag, it sees each thing as
// it was at a moment up to lag before now, but never earlier than what a
// reading before it has seen of that thing: reads trail, they don't run back.
type reading struct {
	now    time.Time
	moment time.Time
}

// read begins a reading that trails by a random part of the lag.
func (w *world) read(now time.Time) reading {
	if w.lag == 0 {
		return reading{now, now}
	}
	return reading{now, now.Add(-time.Duration(w.random.Int64N(int64(w.lag) + 1)))}
}

// of returns the moment at which this reading sees a thing, seen being the
// latest moment at which any reading has.
func (r reading) of(seen *time.Time) time.Time {
	if seen.Before(r.moment) {
		*seen = r.moment
	}
	return *seen
}

// balancer returns a load balancer's true state, for the actions that change it.
func (w *world) balancer(name string) (*loadBalancer, error) {
	found, ok := w.balancers[name]
	if !ok || found.latest().deleted {
		return nil, errLoadBalancerNotFound(name)
	}
	return found, nil
}

// seen returns a load balancer as a reading sees it, nil when it sees none.
func (w *world) seen(name string, r reading) *revision {
	found, ok := w.balancers[name]
	if !ok {
		return nil
	}
	return found.at(r.of(&found.seen))
}

// addBalancer puts a first revision under its name, which must be free or the
// name of a deleted one.
func (w *world) addBalancer(first *revision) {
	name := first.name
	existing, ok := w.balancers[name]
	if !ok {
		w.balancers[name] = &loadBalancer{revisions: []*revision{first}, departed: map[string]departure{}}
		at, _ := slices.BinarySearch(w.names, name)
		w.names = slices.Insert(w.names, at, name)
		return
	}
	clear(existing.departed)
	existing.add(first, w.lag)
}

// sweep forgets load balancers whose deletion every reading can see.
func (w *world) sweep(now time.Time) {
	w.names = slices.DeleteFunc(w.names, func(name string) bool {
		last := w.balancers[name].latest()
		gone := last.deleted && !last.since.After(now.Add(-w.lag))
		if gone {
			delete(w.balancers, name)
		}
		return gone
	})
}

// active counts the load balancers that are not deleted.
func (w *world) active() int {
	count := 0
	for _, b := range w.balancers {
		if !b.latest().deleted {
			count++
		}
	}
	return count
}

// addInstance puts an instance at the end of the order. Its reservation is made
// from its number unless it has one.
func (w *world) addInstance(i *instance) {
	w.created++
	i.number = w.created
	if i.reservation == "" {
		i.reservation = fmt.Sprintf("r-%017x", i.number)
	}
	w.instances[i.id] = i
	w.order = append(w.order, i)
}

// forget drops the instances that EC2 no longer describes to any reading. Their
// ids stay in the load balancers that they are members of, as in AWS.
func (w *world) forget(now time.Time) {
	w.order = slices.DeleteFunc(w.order, func(i *instance) bool {
		last := i.life[len(i.life)-1]
		gone := last.state == terminated && now.Add(-w.lag).Sub(last.at) >= terminatedVisible
		if gone {
			delete(w.instances, i.id)
		}
		return gone
	})
}
