package web

import (
	"log/slog"
	"time"
)

const (
	// maxLogged is how much of a text that the client chose goes into the log: a
	// request may have 32 KiB of them.
	maxLogged = 256
	// statusClientGone says in the log that the client did not wait for the
	// response. It is nginx's, and never sent.
	statusClientGone = 499
)

// logAccess writes the request's line of the access log. It holds the path
// without the query, and no header, so that no credentials can get into it.
func (s *server) logAccess(x *exchange, now time.Time, took time.Duration) {
	ctx, status := x.context(), x.status
	if x.gone {
		status = statusClientGone
	}
	level := slog.LevelInfo
	if x.routine && status < 400 {
		level = slog.LevelDebug
	}
	if !s.log.Enabled(ctx, level) {
		return
	}
	// Not by one of the logger's methods: they look up who called them.
	record := slog.NewRecord(now, level, "request", 0)
	attrs := [7]slog.Attr{
		slog.Int("status", status),
		slog.String("method", clip(x.request.Method)),
		slog.String("path", clip(loggedPath(x))),
		slog.String("client", s.client(x)),
		slog.Duration("duration", took),
	}
	n := 5
	if x.actor.Name != "" {
		attrs[n] = slog.String("user", x.actor.Name)
		n++
	}
	attrs[n] = slog.String("request_id", x.id)
	record.AddAttrs(attrs[:n+1]...)
	_ = s.log.Handler().Handle(ctx, record) // as the logger does: a log that cannot be written has nowhere to say so
}

// loggedPath is the path as it was sent, in which nothing is unprintable. The
// target of a CONNECT has none.
func loggedPath(x *exchange) string {
	if path := x.request.URL.EscapedPath(); path != "" {
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
