// Package fleet shows pools and their members, and waits for a member to be in service or
// drained.
//
// It combines the lists, health, settings and history from separate sources, any of which
// may fail. An answer leaves out what cannot be read in time. Waits share the health polls
// of their pool.
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

// Options configure a Fleet. All but Log are required.
type Options struct {
	Lists    Lists
	Health   Health
	Settings Settings
	// Tags are shared with the guards.
	Tags      *Tags
	Instances Instances
	Guards    Guards
	Record    Record
	// Lag is how far AWS's reads lag behind its writes, at most.
	Lag time.Duration
	// Reads bounds the concurrent reads of Record.
	Reads int
	// Log receives failures of the sources, and their end. Default: none.
	Log *slog.Logger
}

// Fleet shows pools and waits for members. It is safe for concurrent use.
type Fleet struct {
	o          Options
	attributes *cache[lsapi.PoolID, lsapi.Attributes]
	routes     *cache[lsapi.PoolID, []lsapi.Route]
	tags       *cache[lsapi.PoolID, map[string]string]
	instances  *cache[string, lsapi.Instance]
	history    *historyReads
	lanes      *laneReads
	headrooms  atomic.Pointer[map[lsapi.PoolID]Headroom]
	sources    sources
	version    atomic.Uint64
	group      *background.Group // of the shared reads
}

// New returns a Fleet with empty caches.
func New(o Options) *Fleet {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	group := background.New()
	reads := semaphore.NewWeighted(int64(max(1, o.Reads)))
	source := func(name string) *background.Outage {
		return background.NewOutage(group, o.Log, name+" cannot be read; pools are shown without", name+" can be read again")
	}
	return &Fleet{
		o:          o,
		attributes: newCache(group, settingsLifetime, 1, eachPool(o.Settings.Attributes)),
		routes:     newCache(group, settingsLifetime, 1, eachPool(o.Settings.Routes)),
		tags:       cacheOf(o.Tags.entries, group, tagsBatch, tagsFrom(o.Settings)),
		instances:  newCache(group, instancesLifetime, instancesBatch, o.Instances.Instances),
		history:    newHistoryReads(group, o.Record, reads),
		lanes:      newLaneReads(group, o.Record, reads, o.Lag+shownHealthAge),
		sources: sources{
			health:     source("the health of members"),
			attributes: source("the attributes of pools"),
			routes:     source("the routes to target groups"),
			tags:       source("the tags of pools"),
			instances:  source("instances"),
			record:     source("the record of changes"),
		},
		group: group,
	}
}

// Version grows with each change that Changed receives.
func (f *Fleet) Version() uint64 { return f.version.Load() }

// Changed takes a change of a membership by lsapi, which Lists has already.
func (f *Fleet) Changed(lsapi.PoolID, []lsapi.Member, []lsapi.Member) { f.version.Add(1) }

// Close cancels the shared reads and waits for their end. It returns an error if ctx ends
// first. Later reads are CodeUnavailable.
func (f *Fleet) Close(ctx context.Context) error { return f.group.Close(ctx) }

// sources log their failures.
type sources struct{ health, attributes, routes, tags, instances, record *background.Outage }

// note takes the result of a source. A pool that does not exist is no failure, nor is
// an error after the caller's context ended.
func note(caller context.Context, source *background.Outage, err error) {
	if err == nil || lsapi.ErrorCode(err) != lsapi.CodeNotFound && caller.Err() == nil {
		source.Note(err)
	}
}

// healthAge returns the greatest age of health, 0 for fresh.
func healthAge(most time.Duration, fresh bool) time.Duration {
	if fresh {
		return 0
	}
	return most
}

// The reads below return what can be read before ctx ends, and log failures unless the
// caller's context has ended.

// report returns the health of a pool, no older than maxAge, or nil and the error. Health that
// came with the members is as fresh as they are.
func (f *Fleet) report(ctx, caller context.Context, pool lsapi.PoolID, came *lsapi.HealthReport, maxAge time.Duration) (*lsapi.HealthReport, error) {
	if came != nil {
		return came, nil
	}
	report, err := f.o.Health.Recent(ctx, pool, maxAge)
	note(caller, f.sources.health, err)
	if err != nil {
		return nil, err
	}
	return &report, nil
}

// reportAfterDetach returns a report that shows whether a former member drains: the given one,
// unless it still shows the member in place, as before the detach.
func (f *Fleet) reportAfterDetach(ctx, caller context.Context, pool lsapi.PoolID, member lsapi.MemberID, given *lsapi.HealthReport) (*lsapi.HealthReport, error) {
	if health := healthIn(given, member); health == nil || health.Draining {
		return given, nil
	}
	return f.report(ctx, caller, pool, nil, 0)
}

// attributesOf returns the attributes of a pool, or nil.
func (f *Fleet) attributesOf(ctx, caller context.Context, pool lsapi.PoolID) *lsapi.Attributes {
	found, err := f.attributes.get(ctx, pool)
	note(caller, f.sources.attributes, err)
	if attributes, ok := found[pool]; ok {
		return &attributes
	}
	return nil
}

// routesOf returns the routes to a target group, or nil.
func (f *Fleet) routesOf(ctx, caller context.Context, pool lsapi.PoolID) []lsapi.Route {
	found, err := f.routes.get(ctx, pool)
	note(caller, f.sources.routes, err)
	return found[pool]
}

func (f *Fleet) tagsOf(ctx, caller context.Context, pools ...lsapi.PoolID) map[lsapi.PoolID]map[string]string {
	found, err := f.tags.get(ctx, pools...)
	note(caller, f.sources.tags, err)
	return found
}

func (f *Fleet) instancesOf(ctx, caller context.Context, members ...lsapi.MemberID) map[string]lsapi.Instance {
	var ids []string
	for _, member := range members {
		if member.IsInstance() {
			ids = append(ids, member.Instance)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := f.instances.get(ctx, ids...)
	note(caller, f.sources.instances, err)
	return found
}

// historyOf returns the history of a member, or of all for the zero id.
func (f *Fleet) historyOf(ctx, caller context.Context, pool lsapi.PoolID, member lsapi.MemberID) history {
	key := historyKey{pool, member}
	found, err := f.history.Do(ctx, key)
	note(caller, f.sources.record, err)
	return history{byID: found[key], unavailable: err != nil}
}
