package snapshot

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lsapi"
)

// facts caches the metadata of instances, which changes less often than memberships.
type facts struct {
	mu    sync.RWMutex
	known map[string]fact
	total int       // instances of the region when all were last listed; 0 if unknown
	due   time.Time // the earliest expiry of a fact

	// revision grows, under mu, when a known fact changes or is dropped, and not when one is
	// added.
	revision atomic.Int64
}

// noRevision is the revision of incomplete facts.
const noRevision = -1

// fact is an instance, and about when it was looked up.
type fact struct {
	lsapi.Instance
	at time.Time
	// unused is whether the last prune found it in no entry, and no read has needed it
	// since.
	unused bool
}

// expires returns when the instance is due for another lookup.
func (f fact) expires() time.Time {
	if !f.Exists() {
		return f.at.Add(unknownLifetime)
	}
	return f.at.Add(factsLifetime)
}

// of returns the members with their instances; of an unknown one, only the id. While the
// revision stays the same, so does the result.
func (f *facts) of(ids []lsapi.MemberID) (members []lsapi.Member, revision int64) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	members, revision = make([]lsapi.Member, len(ids)), f.revision.Load()
	for i, id := range ids {
		members[i].ID = id
		if !id.IsInstance() {
			continue
		}
		known, ok := f.known[id.Instance]
		if !ok {
			revision = noRevision
		}
		members[i].Instance = known.Instance
		members[i].Instance.ID = id.Instance
	}
	return members, revision
}

// merge stores the instances of members that a lane or another replica has just looked up,
// and returns the members with the known fields that the record of a change lacks.
func (f *facts) merge(members []lsapi.Member) []lsapi.Member {
	f.mu.Lock()
	defer f.mu.Unlock()
	merged := slices.Clone(members)
	for i := range merged {
		instance := &merged[i].Instance
		if instance.ID == "" {
			continue
		}
		if known := f.known[instance.ID]; known.Exists() && instance.Exists() && instance.Zone == "" {
			instance.Zone, instance.PrivateAddress, instance.Name = known.Zone, known.PrivateAddress, known.Name
			instance.AutoScalingGroup = known.AutoScalingGroup
		}
		f.put(fact{Instance: *instance, at: time.Now()})
	}
	return merged
}

// put replaces a fact. mu must be held.
func (f *facts) put(now fact) {
	if known, ok := f.known[now.ID]; ok && known.Instance != now.Instance {
		f.revision.Add(1)
	}
	f.known[now.ID] = now
	f.due = earliest(f.due, now.expires())
}

// ensure looks up the unknown ones of the instances.
func (f *facts) ensure(ctx context.Context, aws AWS, ids []string) error {
	return f.lookUp(ctx, aws, f.missing(ids))
}

// missing returns the unknown ids, and keeps the next prune from dropping the others before
// they are published.
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

// lookUp looks instances up with the fewest calls: by id, or all of the region.
func (f *facts) lookUp(ctx context.Context, aws AWS, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if filtered := calls(len(ids), maxFilterValues); filtered > calls(max(f.regionSize(), len(ids)), pageSize) {
		if done, err := f.lookUpAll(ctx, aws, ids, filtered); done || err != nil {
			return err
		}
		ids = f.missing(ids) // the pages may have had some
	}
	began := time.Now()
	found, err := aws.Instances(ctx, ids)
	if err != nil {
		return err
	}
	f.store(ids, found, began)
	return nil
}

// lookUpAll lists the region's instances. It returns false as soon as that has taken more
// calls than lookups by id would: the region has grown.
func (f *facts) lookUpAll(ctx context.Context, aws AWS, ids []string, most int) (done bool, err error) {
	began := time.Now()
	total, pages := 0, 0
	for page, err := range aws.AllInstances(ctx) {
		if err != nil {
			return false, err
		}
		f.storePage(page, began)
		total += len(page)
		if pages++; pages > most {
			f.setRegionSize(max(total, f.regionSize()))
			return false, nil
		}
	}
	f.setRegionSize(total)
	f.storeMissing(ids, began)
	return true, nil
}

// store stores the found instances, and the missing ids as instances that do not exist.
func (f *facts) store(ids []string, found map[string]lsapi.Instance, began time.Time) {
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

// storePage stores listed instances, also those that were not looked for, because the next
// page of pools may need them.
func (f *facts) storePage(page []lsapi.Instance, began time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range page {
		f.put(fact{page[i], began, f.known[page[i].ID].unused})
	}
}

// storeMissing stores the ids that were not stored since a listing began as instances that
// do not exist.
func (f *facts) storeMissing(ids []string, began time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		if known, ok := f.known[id]; !ok || known.at.Before(began) {
			f.put(fact{lsapi.Instance{ID: id}, began, known.unused})
		}
	}
}

func (f *facts) regionSize() int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.total
}

// setRegionSize sets the number of the region's instances.
func (f *facts) setRegionSize(total int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.total = total
}

// keep drops the facts that were unused in the last prune and still are. A read in progress
// may have needed one between the two.
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

// expired returns the instances that are due for another lookup.
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

// calls returns the number of calls of a size for n instances.
func calls(n, size int) int { return (n + size - 1) / size }

// instancesOf returns the ids of the members' instances.
func instancesOf(members []lsapi.MemberID) []string {
	ids := make([]string, 0, len(members))
	for _, member := range members {
		if member.IsInstance() {
			ids = append(ids, member.Instance)
		}
	}
	return ids
}

func idsOf(members []lsapi.Member) []lsapi.MemberID {
	ids := make([]lsapi.MemberID, len(members))
	for i := range members {
		ids[i] = members[i].ID
	}
	return ids
}
