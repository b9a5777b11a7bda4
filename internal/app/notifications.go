package app

import (
	"lsapi"
	"lsapi/internal/config"
	"lsapi/internal/notify"
	"lsapi/internal/snapshot"
	"lsapi/internal/telemetry"
	v1 "lsapi/internal/web/v1"
)

// startNotifications starts sending notifications to the receivers.
func (a *App) startNotifications(cfg config.Config, record timedRecord, lists *snapshot.Snapshot, polls polls, metrics *telemetry.Metrics, version string) {
	notifier := notify.New(notify.Options{
		Record:  record,
		Change:  v1.ChangeOf,
		Source:  "/lsapi/" + cfg.Region,
		Version: version,
		Allow:   cfg.Notify.Allow,
		Touch:   lists.Touch,
		Watch:   func() func() { return polls.Watch(lsapi.PoolID{}) },
		Log:     a.log,
	})
	a.started("notifications", notifier.Close)
	registerNotifyMetrics(metrics, notifier)
	notifier.Set(receiversOf(cfg.Notify))
}

// receiversOf returns receivers of notifications of all pools.
func receiversOf(n config.Notify) []notify.Receiver {
	receivers := make([]notify.Receiver, len(n.URLs))
	for i, url := range n.URLs {
		receivers[i] = notify.Receiver{URL: string(url), Format: n.Format, Secrets: n.Secrets, OutFor: n.OutFor}
	}
	return receivers
}
