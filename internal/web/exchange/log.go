package exchange

import (
	"log/slog"
	"time"
)

const (
	// maxLogged is the length to which the log cuts a client's text.
	maxLogged = 256
	// statusClientGone is nginx's status for a client that left before the response. It is
	// logged and counted, never sent.
	statusClientGone = 499
)

// log writes the request's line of the access log. Query and headers are left out: they
// may hold credentials.
func (x *Exchange) log(now time.Time, took time.Duration) {
	ctx, status, log := x.Context(), int(x.status), x.settings.Log
	if x.gone {
		status = statusClientGone
	}
	level := slog.LevelInfo
	if x.Routine && status < 400 {
		level = slog.LevelDebug
	}
	if !log.Enabled(ctx, level) {
		return
	}
	// The logger's methods would also look up their caller.
	record := slog.NewRecord(now, level, "request", 0)
	attrs := [7]slog.Attr{
		slog.Int("status", status),
		slog.String("method", clip(x.Request.Method)),
		slog.String("path", clip(x.loggedPath())),
		slog.String("client", x.Client()),
		slog.Duration("duration", took),
	}
	n := 5
	if x.Actor.Name != "" {
		attrs[n] = slog.String("user", x.Actor.Name)
		n++
	}
	attrs[n] = slog.String("request_id", x.ID)
	record.AddAttrs(attrs[:n+1]...)
	_ = log.Handler().Handle(ctx, record) // a failed log cannot report its failure
}

// loggedPath is the path as it was sent, which is printable. CONNECT has none.
func (x *Exchange) loggedPath() string {
	if path := x.Request.URL.EscapedPath(); path != "" {
		return path
	}
	return "-"
}

func clip(text string) string {
	if len(text) <= maxLogged {
		return text
	}
	return text[:maxLogged] + "..."
}
