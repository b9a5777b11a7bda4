package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/config"
	"lsapi/internal/fleet"
	"lsapi/internal/notify"
	"lsapi/internal/policy"
	"lsapi/internal/snapshot"
	"lsapi/internal/telemetry"
	v1 "lsapi/internal/web/v1"
)

// startNotifications starts sending notifications to the receivers of the settings and of
// the policy.
func (a *App) startNotifications(cfg config.Config, aws clients, record timedRecord, tags *fleet.Tags, lists *snapshot.Snapshot, polls polls, metrics *telemetry.Metrics, version string) {
	notifier := notify.New(notify.Options{
		Record:    record,
		Instances: aws.ec2.ForRefreshes(watchTimeout),
		Change:    v1.ChangeOf,
		Source:    sourceOf(cfg),
		Version:   version,
		Allow:     cfg.Notify.Allow,
		Touch:     lists.Touch,
		Watch:     func() func() { return polls.Watch(lsapi.PoolID{}) },
		Log:       a.log,
	})
	a.started("notifications", notifier.Close)
	registerNotifyMetrics(metrics, notifier)
	all := receivers{settings: cfg.Notify, tags: tags, unreadable: func(place string, err error) {
		a.log.Error("a receiver of notifications gets nothing until its secrets can be read", "receiver", place, "error", err)
	}}
	work := background.New()
	work.Go(func(ctx context.Context) {
		all.follow(a.policy.Policy(), notifier.Set)
		background.Every(ctx, policyEvery, func() { all.follow(a.policy.Policy(), notifier.Set) })
	})
	a.started("receivers of notifications", work.Close)
}

// TestNotifications sends a test to each receiver of the settings and of the policy, and
// reports its error. It needs Region, Notify and Policy only. A receiver whose secret cannot
// be read is reported by its place in the policy.
func TestNotifications(ctx context.Context, cfg config.Config, version string, report func(receiver string, err error)) error {
	file, err := policy.Open(cfg.Policy, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	notifier := notify.New(notify.Options{Change: v1.ChangeOf, Source: sourceOf(cfg), Version: version, Allow: cfg.Notify.Allow})
	all := receivers{settings: cfg.Notify, unreadable: report}
	all.follow(file.Policy(), func(those []notify.Receiver) {
		for _, r := range those {
			report(r.Name(), notifier.Test(ctx, r))
		}
	})
	return notifier.Close(ctx)
}

func sourceOf(cfg config.Config) string { return "/lsapi/" + cfg.Region }

const (
	// policyEvery is the interval of looks for another policy.
	policyEvery = time.Second
	// matchTimeout bounds the read of a pool's tags for a receiver.
	matchTimeout = 5 * time.Second
)

// receivers are the receivers of notifications. One goroutine uses them.
type receivers struct {
	settings config.Notify
	tags     *fleet.Tags
	// unreadable receives the place of a receiver, and why its secrets cannot be read.
	unreadable func(place string, err error)

	policy  *policy.Policy             // of the receivers, nil at first
	unread  bool                       // a secret could not be read
	secrets map[string][]notify.Secret // of the policy, by file, as last read
}

// follow calls set with the receivers of a policy, if it is another one than before or if a
// secret was not readable. A receiver whose secret has never been read gets nothing yet.
func (r *receivers) follow(p *policy.Policy, set func([]notify.Receiver)) {
	isNew := p != r.policy
	if !isNew && !r.unread {
		return
	}
	before := r.unread
	r.policy, r.unread = p, false
	all, urls := r.ofPolicy(p, isNew)
	for _, url := range r.settings.URLs {
		if !urls[string(url)] {
			all = append(all, notify.Receiver{
				URL: string(url), Format: r.settings.Format, Secrets: r.settings.Secrets, OutFor: r.settings.OutFor,
			})
		}
	}
	if isNew || before != r.unread {
		set(all)
	}
}

// ofPolicy returns the receivers of a policy, and all of its URLs.
func (r *receivers) ofPolicy(p *policy.Policy, isNew bool) (all []notify.Receiver, urls map[string]bool) {
	urls = make(map[string]bool)
	for _, n := range p.Notify() {
		urls[n.URL] = true
		receiver := notify.Receiver{
			URL: n.URL, Format: cmp.Or(n.Format, r.settings.Format), Secrets: r.settings.Secrets,
			Matches: r.matches(n.Pools), Kinds: n.Events, OutFor: r.settings.OutFor,
		}
		if n.OutFor != nil {
			receiver.OutFor = *n.OutFor
		}
		if n.SecretFile != "" {
			receiver.Secrets = r.secretsIn(n, isNew)
			if receiver.Secrets == nil {
				continue
			}
		}
		all = append(all, receiver)
	}
	return all, urls
}

// secretsIn returns the secrets of a receiver as last read, nil if they never were.
func (r *receivers) secretsIn(n policy.Notify, isNew bool) []notify.Secret {
	secrets, err := notify.ReadSecrets(n.SecretFile)
	if err != nil {
		r.unread = true
		if isNew {
			r.unreadable(n.Source, fmt.Errorf("the secrets in %s cannot be read: %w", n.SecretFile, err))
		}
		return r.secrets[n.SecretFile]
	}
	if r.secrets == nil {
		r.secrets = make(map[string][]notify.Secret)
	}
	r.secrets[n.SecretFile] = secrets
	return secrets
}

// matches returns whether a pool is one of the selected. Tags that cannot be read match: a
// notification too many is better than none.
func (r *receivers) matches(pools policy.Selectors) func(context.Context, lsapi.PoolID) bool {
	if len(pools) == 0 {
		return nil
	}
	return func(ctx context.Context, pool lsapi.PoolID) bool {
		if pools.Match(pool, nil) || !pools.ByTag() {
			return pools.Match(pool, nil)
		}
		ctx, cancel := context.WithTimeout(ctx, matchTimeout)
		defer cancel()
		tags, err := r.tags.Of(ctx, pool)
		return err != nil && lsapi.ErrorCode(err) != lsapi.CodeNotFound || pools.Match(pool, tags)
	}
}
