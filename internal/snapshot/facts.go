package snapshot

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"lsapi"
)

// facts remembers what EC2 says of instances. It changes seldom, so that it is
// asked for less often than who is a member.
type facts struct {
	mu    sync.RWMutex
	known map[string]fact
	total int // instances of the region when all were last listed; 0 is not known
	// due is until when no fact expires: there is no need to look before.
	due time.Time

	// revision grows, under mu, when what is known of an instance changes or is
	// forgotten. It does not when something becomes known of one more.
	revision atomic.Int64
}

// noRevision is the revision of facts that are not all there.
const noRevision = -1

// fact is an instance, and about when EC2 was asked for it.
type fact struct {
	lsapi.Instance
	at time.Time
	// unused is whether it was shown nowhere when that was last looked at, nor was
	// asked for since.
	unused bool
}

// expires returns until when EC2 need not be asked again.
func (f fact) expires() time.Time {
	if !f.Exists() {
		return f.at.Add(unknownLifetime)
	}
	return f.at.Add(factsLifetime)
}

// of returns the instances' facts; of those that it does not know, the id. As long
// as the revision is the one returned, it would return the same again.
func (f *facts) of(ids []string) (instances []lsapi.Instance, revision int64) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	instances, revision = make([]lsapi.Instance, len(ids)), f.revision.Load()
	for i, id := range ids {
		known, ok := f.known[id]
		if !ok {
			revision = noRevision
		}
		instances[i] = known.Instance
		instances[i].ID = id
	}
	return instances, revision
}

// learn notes what somebody else was told by EC2 just now, and returns it with what is
// known besides: the record of a change does not hold all of it.
func (f *facts) learn(instances []lsapi.Instance) []lsapi.Instance {
	f.mu.Lock()
	defer f.mu.Unlock()
	learnt := make([]lsapi.Instance, len(instances))
	for i, instance := range instances {
		if known := f.known[instance.ID]; known.Exists() && instance.Exists() && instance.Zone == "" {
			instance.Zone, instance.PrivateAddress, instance.Name = known.Zone, known.PrivateAddress, known.Name
		}
		f.put(fact{Instance: instance, at: time.Now()})
		learnt[i] = instance
	}
	return learnt
}

// put remembers a fact in place of what is known of the instance. mu must be held.
func (f *facts) put(now fact) {
	if known, ok := f.known[now.ID]; ok && known.Instance != now.Instance {
		f.revision.Add(1)
	}
	f.known[now.ID] = now
	f.due = earliest(f.due, now.expires())
}

// ensure asks EC2 for those of the instances of which nothing is known, so that
// an answer never shows an instance as unknown only because nobody had asked.
func (f *facts) ensure(ctx context.Context, aws AWS, ids []string) error {
	return f.ask(ctx, aws, f.missing(ids))
}

// missing returns the ids of which nothing is known, and keeps the others from
// being forgotten before they are published.
func (f *facts) missing(ids []string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var missing []string
	seen := make(map[string]bool)
	for _, id := range ids {
		known, ok := f.known[id]
		if !ok && !seen[id] {
			seen[id] = true
			missing = append(missing, id)
		}
		if known.unused {
			known.unused = false
			f.known[id] = known
		}
	}
	return missing
}

// ask looks instances up by whichever is fewer calls: filters that name them, or
// plain pages of the whole region.
func (f *facts) ask(ctx context.Context, aws AWS, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if filtered := calls(len(ids), maxFilterValues); filtered > calls(max(f.regionSize(), len(ids)), pageSize) {
		if done, err := f.askAll(ctx, aws, ids, filtered); done || err != nil {
			return err
		}
		ids = f.missing(ids) // the pages that there were have told of some
	}
	began := time.Now()
	found, err := aws.Instances(ctx, ids)
	if err != nil {
		return err
	}
	f.note(ids, found, began)
	return nil
}

// askAll lists the region's instances. It gives up, and reports false, when that
// takes more calls than filters would: a region can hold more than was thought.
func (f *facts) askAll(ctx context.Context, aws AWS, ids []string, most int) (done bool, err error) {
	began := time.Now()
	found := make(map[string]lsapi.Instance, len(ids))
	total, pages := 0, 0
	for page, err := range aws.AllInstances(ctx) {
		if err != nil {
			f.note(nil, found, began)
			return false, err
		}
		for _, instance := range page {
			found[instance.ID] = instance
		}
		total += len(page)
		if pages++; pages > most {
			f.sized(max(total, f.regionSize()))
			f.note(nil, found, began)
			return false, nil
		}
	}
	f.sized(total)
	f.note(ids, found, began)
	return true, nil
}

// note remembers what was found, also of instances that were not asked for: the
// next page of load balancers may name them. Of ids that were not found it
// remembers that EC2 does not know them.
func (f *facts) note(ids []string, found map[string]lsapi.Instance, began time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		if _, ok := found[id]; !ok {
			f.put(fact{lsapi.Instance{ID: id}, began, f.known[id].unused})
		}
	}
	for _, instance := range found {
		f.put(fact{instance, began, f.known[instance.ID].unused})
	}
}

func (f *facts) regionSize() int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.total
}

// sized notes how many instances the region holds.
func (f *facts) sized(total int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.total = total
}

// keep forgets what has been unused the last time and still is. The second time is
// for reads under way, which have found an instance known and not yet shown it.
func (f *facts) keep(used map[string]bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, known := range f.known {
		switch unused := !used[id]; {
		case unused && known.unused:
			delete(f.known, id)
			f.revision.Add(1)
		case unused != known.unused:
			known.unused = unused
			f.known[id] = known
		}
	}
}

// expired returns the instances of which EC2 should be asked again.
func (f *facts) expired() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if !now.After(f.due) {
		return nil
	}
	var ids []string
	f.due = now.Add(factsLifetime)
	for id, known := range f.known {
		expires := known.expires()
		if now.After(expires) {
			ids = append(ids, id)
		}
		f.due = earliest(f.due, expires)
	}
	return ids
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// calls is how many calls of some size it takes for n instances.
func calls(n, size int) int { return (n + size - 1) / size }
