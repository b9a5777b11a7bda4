package telemetry

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"lsapi/internal/sanitize"
)

// accessMessage marks the records of the access log.
const accessMessage = "request"

// split routes records of the access log to a handler of their own, which is cheap
// since there is one for each request.
type split struct {
	slog.Handler
	access slog.Handler
}

func (h split) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == accessMessage {
		return h.access.Handle(ctx, r)
	}
	return h.Handler.Handle(ctx, r)
}

func (h split) WithAttrs(attrs []slog.Attr) slog.Handler {
	return split{h.Handler.WithAttrs(attrs), h.access.WithAttrs(attrs)}
}

func (h split) WithGroup(name string) slog.Handler {
	return split{h.Handler.WithGroup(name), h.access.WithGroup(name)}
}

// accessLines formats the access log as text. After the time and the level a line reads
//
//	200 GET /elb/default-elb (127.0.0.1) 1.19ms user=alice request_id=...
//
// Records with attributes of their logger go to other.
type accessLines struct {
	out   io.Writer
	color bool
	other slog.Handler
}

func (h accessLines) Enabled(ctx context.Context, level slog.Level) bool {
	return h.other.Enabled(ctx, level)
}

func (h accessLines) WithAttrs(attrs []slog.Attr) slog.Handler { return h.other.WithAttrs(attrs) }

func (h accessLines) WithGroup(name string) slog.Handler { return h.other.WithGroup(name) }

// lines holds the buffers of accessLines.
var lines = sync.Pool{New: func() any { return new([]byte) }}

func (h accessLines) Handle(_ context.Context, r slog.Record) error {
	var line accessLine
	r.Attrs(func(a slog.Attr) bool { line.set(a); return true })

	buffer := lines.Get().(*[]byte) //nolint:errcheck // the pool holds nothing else
	text := appendTime((*buffer)[:0], r.Time)
	text = append(text, ' ')
	text = appendLevel(text, r.Level, h.color)
	text = append(text, ' ')
	text = line.append(text)
	_, err := h.out.Write(text)
	*buffer = text
	lines.Put(buffer)
	return err
}

type accessLine struct {
	status               int64
	method, path, client string
	duration             time.Duration
	user, requestID      string
}

func (l *accessLine) set(a slog.Attr) {
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
	case "user":
		l.user = a.Value.String()
	case "request_id":
		l.requestID = a.Value.String()
	}
}

func (l *accessLine) append(text []byte) []byte {
	text = strconv.AppendInt(text, l.status, 10)
	text = append(text, ' ')
	text = append(text, sanitize.Escape(l.method)...)
	text = append(text, ' ')
	text = append(text, sanitize.Escape(l.path)...)
	text = append(text, " ("...)
	text = append(text, sanitize.Escape(l.client)...)
	text = append(text, ") "...)
	text = strconv.AppendFloat(text, float64(l.duration)/float64(time.Millisecond), 'f', 2, 64)
	text = append(text, "ms"...)
	if l.user != "" {
		text = append(append(text, " user="...), word(l.user)...)
	}
	text = append(append(text, " request_id="...), word(l.requestID)...)
	return append(text, '\n')
}
