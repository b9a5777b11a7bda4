package web

import (
	"context"
	"net/http"
	"time"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// readyTimeout bounds a readiness check. It is below the intervals of probes.
const readyTimeout = 2 * time.Second

// probeRoutes are the health checks and the metrics.
func probeRoutes(o *Options) []exchange.Route {
	alive := func(x *exchange.Exchange) error {
		x.Header().Set("Cache-Control", "no-store")
		return x.SendJSON(http.StatusOK, o.Envelope.Wrap("ok"))
	}
	ready := func(x *exchange.Exchange) error {
		ctx, cancel := context.WithTimeout(x.Context(), readyTimeout)
		defer cancel()
		if err := o.Ready(ctx); err != nil {
			return notReady(exchange.Coded(err))
		}
		return alive(x)
	}
	metrics := func(x *exchange.Exchange) error {
		o.Metrics.ServeHTTP(x, x.Request)
		return nil
	}
	return []exchange.Route{
		{Pattern: "/healthcheck", Public: true, Get: alive, Routine: true},
		{Pattern: "/readyz", Public: true, Get: ready, Routine: true},
		{Pattern: "/metrics", Public: o.MetricsPublic, Get: metrics, Routine: true},
	}
}

// notReady returns the error as 503, which every prober understands.
func notReady(err *lsapi.Error) error {
	return &lsapi.Error{Code: lsapi.CodeUnavailable, Message: exchange.Text(err), RetryAfter: err.RetryAfter, Err: err}
}
