// Package telemetry makes what the service does visible to those who run it.
//
// Every record goes through log/slog. A record with the message "request" and
// the attributes status, method, path, client and duration is a line of the
// access log: as text it is laid out for a person, as JSON its attributes are
// fields like any other.
package telemetry

import (
	"io"
	"log/slog"
	"time"

	"github.com/lmittmann/tint"
)

// LogOptions say how log lines look.
type LogOptions struct {
	// Format is "json" for a JSON object a line; anything else is text, a line
	// that a person can read.
	Format string
	// Level is the least level that is logged.
	Level slog.Level
	// Color is whether text is coloured, for a terminal.
	Color bool
}

// timeFormat is RFC 3339 with milliseconds, in the zone that TZ names.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// NewLogger returns a logger that writes a line a record to w, one Write each.
// Nothing that a record holds can begin a line or steer a terminal. Durations
// are seconds in JSON.
func NewLogger(w io.Writer, opts LogOptions) *slog.Logger {
	if opts.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
			Level:       opts.Level,
			ReplaceAttr: seconds,
		}))
	}
	return slog.New(accessLines{tint.NewTextHandler(w, &tint.Options{
		Level:       opts.Level,
		TimeFormat:  timeFormat,
		NoColor:     !opts.Color,
		ReplaceAttr: readable,
	})})
}

// seconds makes a duration a number that can be summed without knowing that
// slog counts nanoseconds.
func seconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.Float64(a.Key, a.Value.Duration().Seconds())
	}
	return a
}

// readable is how a text line shows what every record has: whole level names in
// a column, and nothing that is not printable.
func readable(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 {
		switch a.Key {
		case slog.LevelKey:
			return levelColumn(a)
		case slog.MessageKey:
			return slog.String(a.Key, printable(a.Value.String()))
		}
	}
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, defused(a.Value.String()))
	case slog.KindDuration:
		return slog.String(a.Key, a.Value.Duration().Round(time.Microsecond).String())
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			return slog.String(a.Key, defused(err.Error()))
		}
	}
	return a
}

// The bright colours of a terminal's palette.
const (
	red    = 9
	green  = 10
	yellow = 11
)

func levelColumn(a slog.Attr) slog.Attr {
	level, ok := a.Value.Any().(slog.Level)
	switch {
	case !ok:
		return a
	case level >= slog.LevelError:
		return tint.Attr(red, slog.String(a.Key, "ERROR"))
	case level >= slog.LevelWarn:
		return tint.Attr(yellow, slog.String(a.Key, "WARN "))
	case level >= slog.LevelInfo:
		return tint.Attr(green, slog.String(a.Key, "INFO "))
	}
	return slog.String(a.Key, "DEBUG")
}
