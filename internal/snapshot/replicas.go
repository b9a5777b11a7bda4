package snapshot

import (
	"context"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// Replicas lets one of several processes list the region for all.
type Replicas interface {
	// Lead takes the right to list for all, or keeps it; false when another
	// process has it. It must be kept every second or so.
	Lead(ctx context.Context) (bool, error)
	// Publish gives the others what a listing has found that began at asOf. Members
	// in the slice that they were in the last time are the same, and so is the rest
	// of what is said of them.
	Publish(ctx context.Context, asOf time.Time, all []lsapi.Membership) error
	// SharedListing waits for a listing later than the version, and returns in what it
	// differs from that.
	SharedListing(ctx context.Context, after int64) (lsapi.SharedListing, error)
}

// alone is the Replicas of a process that is the only one.
type alone struct{}

func (alone) Lead(context.Context) (bool, error)                           { return true, nil }
func (alone) Publish(context.Context, time.Time, []lsapi.Membership) error { return nil }
func (alone) SharedListing(ctx context.Context, _ int64) (lsapi.SharedListing, error) {
	<-ctx.Done()
	return lsapi.SharedListing{}, ctx.Err()
}

// followed is what the leader has published last, as this process has it.
type followed struct {
	version int64
	all     map[string]lsapi.Pool
}

// told is what was published last of a load balancer, and what it was made of.
type told struct {
	lsapi.Membership
	origin origin
}

// step refreshes, or shows what the process that refreshes for all has published
// since, and says when the next is due.
func (s *Snapshot) step(ctx context.Context) (next time.Time) {
	if s.leads(ctx) {
		began := time.Now()
		aside, err := s.refreshLeading(ctx)
		return s.schedule(began, time.Since(began)-aside, err)
	}
	s.follow(ctx)
	return time.Now()
}

// leads reports whether this process is to refresh. When that cannot be found
// out, it is: each process then asks AWS for itself, within its share of the
// budget.
func (s *Snapshot) leads(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, leadTimeout)
	defer cancel()
	lead, err := s.o.Replicas.Lead(ctx)
	switch begins, ends := s.apart.Note(err); {
	case begins:
		s.o.Log.Warn("the other replicas cannot be reached; AWS is asked for this one alone", "error", err)
	case ends:
		s.o.Log.Info("the other replicas can be reached again")
	}
	return lead || err != nil
}

// refreshLeading refreshes, and keeps the right to do so for as long as it takes.
func (s *Snapshot) refreshLeading(ctx context.Context) (aside time.Duration, err error) {
	if s.o.Replicas == (alone{}) {
		return s.refresh(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.keepLeading(ctx)
	}()
	defer func() { cancel(); <-done }()
	return s.refresh(ctx)
}

func (s *Snapshot) keepLeading(ctx context.Context) {
	ticker := time.NewTicker(leadEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_, _ = s.o.Replicas.Lead(ctx) // who has lost it learns that when it publishes
		case <-ctx.Done():
			return
		}
	}
}

// tellReplicas publishes what a listing has found, and returns how long that took.
func (s *Snapshot) tellReplicas(ctx context.Context, began time.Time, pages []listedPage) (took time.Duration) {
	if s.o.Replicas == (alone{}) {
		return 0
	}
	var all []lsapi.Membership
	last := s.told
	s.told = make(map[string]told, len(last))
	for _, p := range pages {
		for _, lb := range p.loadBalancers {
			t, ok := last[lb.Name]
			if !ok || !t.origin.isOf(lb.Members, s.facts.revision.Load()) || !t.Description.Equal(lb.Description) {
				members, revision := s.facts.of(lb.Members)
				t = told{lsapi.Membership{LoadBalancer: lb.Name, Members: members, Description: lb.Description}, origin{lb.Members, revision}}
			}
			s.told[lb.Name] = t
			all = append(all, t.Membership)
		}
	}
	publishing, cancel := context.WithTimeout(ctx, leadTimeout)
	defer cancel()
	asked := time.Now()
	if err := s.o.Replicas.Publish(publishing, began, all); err != nil && ctx.Err() == nil {
		s.o.Log.Warn("the other replicas could not be told what AWS said", "error", err)
	}
	return time.Since(asked)
}

// follow shows what has been published since the last time, if there is anything
// soon.
func (s *Snapshot) follow(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leadEvery)
	defer cancel()
	published, err := s.o.Replicas.SharedListing(ctx, s.followed.version)
	if err != nil {
		<-ctx.Done() // nothing new, or the others cannot be reached: who leads is asked again
		return
	}
	s.take(published)
	if time.Since(published.AsOf) <= maxPageAge { // else the overlay may not reach back to it
		s.showFollowed(published.AsOf)
	}
}

// take brings what is followed up to a version.
func (s *Snapshot) take(p lsapi.SharedListing) {
	if s.followed.all == nil || p.Whole {
		s.followed.all = make(map[string]lsapi.Pool)
	}
	s.followed.version = p.Version
	for _, m := range p.LoadBalancers {
		s.followed.all[m.LoadBalancer] = lsapi.Pool{Name: m.LoadBalancer, Members: idsOf(m.Members), Description: m.Description}
		s.facts.learn(m.Members)
	}
	for _, name := range p.Gone {
		delete(s.followed.all, name)
	}
}

// showFollowed shows a listing of somebody else, as refresh does one of its own.
func (s *Snapshot) showFollowed(asOf time.Time) {
	page := listedPage{asked: asOf, loadBalancers: slices.Collect(maps.Values(s.followed.all))}
	listed := make(map[string]bool, len(s.followed.all))
	for name := range s.followed.all {
		listed[name] = true
	}
	s.place(page) // what it differs from the record in, who listed it has seen to
	s.tell(nil)
	s.listed.Store(max(s.listed.Load(), s.stamp(asOf)))
	s.announce()
	s.checkUnlisted(listed, asOf)
	s.achieved.Store(s.oldest.Swap(0))
	s.sweepFacts()
}

func idsOf(instances []lsapi.Instance) []string {
	ids := make([]string, len(instances))
	for i, instance := range instances {
		ids[i] = instance.ID
	}
	return ids
}
