package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// accessMessage marks the records that are lines of the access log.
const accessMessage = "request"

// accessLines lays out the access log for a person, for example
//
//	200 GET /elb/default-elb (127.0.0.1) 1.19ms user=alice request_id=...
//
// and passes every other record on as it is.
type accessLines struct{ slog.Handler }

func (h accessLines) Handle(ctx context.Context, r slog.Record) error {
	if r.Message != accessMessage {
		return h.Handler.Handle(ctx, r)
	}
	var line accessLine
	rest := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		if !line.take(a) {
			rest = append(rest, a)
		}
		return true
	})
	laidOut := slog.NewRecord(r.Time, r.Level, line.String(), r.PC)
	laidOut.AddAttrs(rest...)
	return h.Handler.Handle(ctx, laidOut)
}

func (h accessLines) WithAttrs(attrs []slog.Attr) slog.Handler {
	return accessLines{h.Handler.WithAttrs(attrs)}
}

func (h accessLines) WithGroup(name string) slog.Handler {
	return accessLines{h.Handler.WithGroup(name)}
}

// accessLine is the part of a line whose fields need no names.
type accessLine struct {
	status               int64
	method, path, client string
	duration             time.Duration
}

// take reports whether the attribute belongs to the line, and keeps it if so.
func (l *accessLine) take(a slog.Attr) bool {
	switch a.Key {
	case "status":
		l.status = a.Value.Int64()
	case "method":
		l.method = a.Value.String()
	case "path":
		l.path = a.Value.String()
	case "client":
		l.client = a.Value.String()
	case "duration":
		l.duration = a.Value.Duration()
	default:
		return false
	}
	return true
}

func (l *accessLine) String() string {
	milliseconds := float64(l.duration) / float64(time.Millisecond)
	return fmt.Sprintf("%d %s %s (%s) %.2fms", l.status, l.method, l.path, l.client, milliseconds)
}
