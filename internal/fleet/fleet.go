// Package fleet is the use case of showing load balancers and their members, and
// of waiting for a member to serve or to be drained.
//
// What AWS lists, what a load balancer says of the health of its members, its
// settings and what the record knows come from four places, each of which may be
// away. Whoever is answered gets the rest all the same, and is told what is
// missing by its absence. Whoever waits shares the polls of health with all others
// who wait for the same load balancer.
package fleet

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"lsapi"
	"lsapi/internal/background"
)

// Lists says which load balancers there are, and who their members are: as AWS
// listed them, with the changes laid over it that it may not show yet.
type Lists interface {
	// All returns every load balancer, sorted by name, and when the asking began
	// that it rests on.
	All(ctx context.Context) ([]lsapi.Membership, time.Time, error)
	// One returns one load balancer, and when the asking began that it rests on; if
	// fresh is set, after One was called. CodeNotFound: there is no such load
	// balancer.
	One(ctx context.Context, loadBalancer string, fresh bool) (lsapi.Membership, time.Time, error)
}

// Health is what load balancers say of their members, asked for once for all who
// want to know.
type Health interface {
	// Follow has a load balancer polled until the Follower is closed.
	Follow(loadBalancer string) Follower
	// FollowDrain has an instance of it watched that was detached at since and is
	// drained for at most timeout; either is zero when it is not known. The reports
	// of its Follower rest on questions about this instance, so that one which says
	// nothing of it says that it is drained.
	FollowDrain(loadBalancer, instanceID string, since time.Time, timeout time.Duration) Follower
	// Recent returns a report no older than maxAge, and polls for it if need be.
	// CodeNotFound: there is no such load balancer.
	Recent(ctx context.Context, loadBalancer string, maxAge time.Duration) (lsapi.HealthReport, error)
}

// Follower gives the reports on a load balancer as they come.
type Follower interface {
	// Next returns the first report whose asking began after the time. It waits
	// while AWS fails. CodeNotFound: there is no such load balancer any more.
	// CodeThrottled, CodeUnavailable: this Follower gives no reports.
	Next(ctx context.Context, after time.Time) (lsapi.HealthReport, error)
	Close()
}

// Settings are what AWS says of load balancers beside listing them. Calls end
// within some seconds, by an error if need be.
type Settings interface {
	// Attributes returns those of a load balancer. CodeNotFound: there is none.
	Attributes(ctx context.Context, loadBalancer string) (lsapi.Attributes, error)
	// Tags returns those of each load balancer. CodeNotFound: one of them is not
	// there.
	Tags(ctx context.Context, loadBalancers []string) (map[string]map[string]string, error)
}

// Instances is what EC2 says of instances, by id. Those that it does not know are
// absent.
type Instances interface {
	Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error)
}

// Record is the record of changes.
type Record interface {
	// MemberHistory returns what it knows of the instances in a load balancer, by id; of
	// all that it knows something of when ids is nil.
	MemberHistory(ctx context.Context, loadBalancer string, ids []string) (map[string]lsapi.MemberHistory, error)
}

// Options are what a Fleet is made of. All but Log must be given.
type Options struct {
	Lists     Lists
	Health    Health
	Settings  Settings
	Instances Instances
	Record    Record
	// Reads is how many questions Record is asked at once, at most.
	Reads int
	// Log gets a line when something that answers are made of cannot be read, and
	// when it can be again. Default: none.
	Log *slog.Logger
}

// Fleet shows load balancers and waits for members. It is safe for concurrent use.
type Fleet struct {
	o         Options
	reads     *semaphore.Weighted
	questions questions

	attributes *cache[lsapi.Attributes]
	tags       *cache[map[string]string]
	facts      *cache[lsapi.Instance]

	troubles troubles
	work     *background.Group // the questions that many share
}

// New returns a Fleet that remembers nothing yet.
func New(o Options) *Fleet {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	work := background.New()
	f := &Fleet{
		o: o, reads: semaphore.NewWeighted(int64(max(1, o.Reads))),
		questions: questions{waiting: make(map[string]*question)},
		work:      work, troubles: newTroubles(),
	}
	f.attributes = newCache(work, settingsLifetime, 1, f.askAttributes)
	f.tags = newCache(work, settingsLifetime, tagsBatch, f.askTags)
	f.facts = newCache(work, factsLifetime, factsBatch, o.Instances.Instances)
	return f
}

// Close ends the questions that are under way, and waits until they have ended. Its
// error says that ctx ended before that. What is asked afterwards is CodeUnavailable.
func (f *Fleet) Close(ctx context.Context) error { return f.work.Close(ctx) }

// troubles are the places that answers are made of, and whether the log knows that
// one cannot be read.
type troubles struct{ health, attributes, tags, facts, record *trouble }

type trouble struct {
	what string
	told atomic.Bool
}

func newTroubles() troubles {
	return troubles{
		health:     &trouble{what: "the health of members"},
		attributes: &trouble{what: "the attributes of load balancers"},
		tags:       &trouble{what: "the tags of load balancers"},
		facts:      &trouble{what: "instances"},
		record:     &trouble{what: "the record of changes"},
	}
}

// note tells the log when a place cannot be read for the first time, and when it
// can be again. A load balancer that is gone, or a caller, is no trouble.
func (f *Fleet) note(caller context.Context, t *trouble, err error) {
	switch {
	case err == nil:
		if t.told.Load() && t.told.Swap(false) {
			f.o.Log.InfoContext(caller, t.what+" can be read again")
		}
	case lsapi.ErrorCode(err) == lsapi.CodeNotFound || caller.Err() != nil:
	case !t.told.Swap(true):
		f.o.Log.WarnContext(caller, t.what+" cannot be read; load balancers are shown without", "error", err)
	}
}
