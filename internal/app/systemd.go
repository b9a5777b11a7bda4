package app

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"lsapi/internal/background"
	"lsapi/internal/systemd"
)

// The watchdog's checks of the listener.
const (
	// aliveTimeout bounds a check.
	aliveTimeout = 5 * time.Second
	// aliveRetry is the wait after a check that failed. One failure among several is no hang:
	// all connections may be in use for a moment.
	aliveRetry = time.Second
	// stopMargin is what ends after the parts have stopped: the log.
	stopMargin = 5 * time.Second
)

// notifyReady notifies systemd of the start and starts the watchdog's reports.
func (a *App) notifyReady() {
	a.warn(systemd.Ready("serving on " + a.Addr().String()))
	interval, err := systemd.Watchdog()
	a.warn(err)
	if interval > 0 {
		reports := background.New()
		reports.Go(func(ctx context.Context) { a.reportAlive(ctx, interval/2) })
		a.started("reports to the watchdog", reports.Close)
	}
}

// notifyStopping notifies systemd of a stop that ends with ctx.
func (a *App) notifyStopping(ctx context.Context) {
	most := stopMargin
	if deadline, ok := ctx.Deadline(); ok {
		most += time.Until(deadline)
	}
	a.warn(systemd.Stopping(most))
}

// reportAlive reports at intervals that the process is alive, as long as its listener answers
// a health check. AWS and the record are no part of that: a restart mends neither.
func (a *App) reportAlive(ctx context.Context, interval time.Duration) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: min(aliveTimeout, interval)}
	for {
		wait := interval
		if err := a.checkAlive(ctx, client); err == nil {
			a.warn(systemd.Alive())
		} else if ctx.Err() == nil {
			a.log.Warn("the service does not answer its own health check; systemd restarts it if this lasts", "error", err)
			wait = min(aliveRetry, interval)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

func (a *App) checkAlive(ctx context.Context, client *http.Client) error {
	// An unspecified address, such as [::], is that of this machine to a dialer.
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.Addr().String()+"/healthcheck", http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("it responds %s", response.Status)
	}
	return nil
}

// warn logs a notification that failed. The service does not depend on it.
func (a *App) warn(err error) {
	if err != nil {
		a.log.Warn("systemd was not notified", "error", err)
	}
}
