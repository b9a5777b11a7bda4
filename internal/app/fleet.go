package app

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/budget"
	"lsapi/internal/config"
	"lsapi/internal/events"
	"lsapi/internal/fleet"
	"lsapi/internal/health"
	"lsapi/internal/httpapi"
	v1 "lsapi/internal/httpapi/v1"
	"lsapi/internal/membership"
	"lsapi/internal/snapshot"
	"lsapi/internal/store"
	"lsapi/internal/telemetry"
)

// healthShare is the share of the requests to Classic ELB that a second allows which
// polls of health may take: the rest is for lists.
const healthShare = 0.5

// watchPatience is how long a poll for who watches may take in the background: then
// somebody may wait for it.
const watchPatience = 10 * time.Second

// startPolls starts the polls of health.
func (a *App) startPolls(cfg config.Config, aws *cloud.Client, record timedRecord, members *membership.Service, lists *snapshot.Snapshot, others *replicas, metrics *telemetry.Metrics) *health.Poller {
	perSecond := cfg.Budget[string(budget.ELBRead)].PerSecond * healthShare
	options := health.Options{
		AWS:        aws.For(budget.WaitingReader),
		Background: aws.ForRefreshes(watchPatience),
		Saw:        members.SawHealth,
		Recorded:   record.Health,
		Names:      lists.Names,
		PerSecond:  func() float64 { return perSecond / float64(max(1, others.live.Load())) },
		Log:        a.log,
	}
	if cfg.SharedStore() {
		options.Replicas = record
	}
	polls := health.New(options)
	polls.Start()
	a.started("polls of health", polls.Close)
	showHealth(metrics, polls)
	return polls
}

// startFleet starts what shows load balancers, waits for their members, and tells
// what happens.
func (a *App) startFleet(aws *cloud.Client, record timedRecord, lists *snapshot.Snapshot, polls *health.Poller, metrics *telemetry.Metrics, handling *httpapi.Options) {
	reader := aws.For(budget.WaitingReader)
	shown := fleet.New(fleet.Options{
		Lists: lists, Health: followers{polls}, Settings: reader, Instances: reader,
		Record: record, Reads: fleetReads, Log: a.log,
	})
	a.started("questions about load balancers", shown.Close)
	handling.Fleet = shown
	handling.RecordReads = store.Readers - fleetReads - 1 // so that the lanes find one free
	handling.Exists = exists(lists)
	handling.Events = events.New(events.Options{
		Record: record, Encode: v1.EncodeEvent, Watch: polls.Watch, Touch: lists.Touch, Log: a.log,
	})
	showEvents(metrics, handling.Events)
}

// exists returns CodeNotFound for a load balancer that AWS says does not exist, and
// nothing when AWS cannot be asked: who watches waits for what will happen.
func exists(lists *snapshot.Snapshot) v1.Exists {
	return func(ctx context.Context, loadBalancer string) error {
		if _, _, err := lists.One(ctx, loadBalancer, false); lsapi.ErrorCode(err) == lsapi.CodeNotFound {
			return err
		}
		return nil
	}
}

// fleetReads is how many questions the record is asked at once by who shows load
// balancers.
const fleetReads = 1

// followers are the polls as fleet knows them.
type followers struct{ *health.Poller }

func (f followers) Follow(loadBalancer string) fleet.Follower { return f.Poller.Follow(loadBalancer) }

func (f followers) FollowDrain(loadBalancer, instanceID string, since time.Time, timeout time.Duration) fleet.Follower {
	return f.Poller.FollowDrain(loadBalancer, instanceID, since, timeout)
}

// startStreams has streams ended before requests are waited for.
func (a *App) startStreams(hub *events.Hub) {
	if hub != nil {
		a.started("streams of events", hub.Close)
	}
}
