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
	"slices"
	"strconv"
	"time"

	"github.com/lmittmann/tint"

	"lsapi/internal/sanitize"
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

// appendTime appends the time in timeFormat. The time package has a quick way for
// RFC 3339, but not with milliseconds.
func appendTime(text []byte, t time.Time) []byte {
	seconds := len(text) + len("2006-01-02T15:04:05")
	text = t.AppendFormat(text, time.RFC3339)
	fraction := strconv.AppendInt(make([]byte, 0, len(".000")), int64(1000+t.Nanosecond()/int(time.Millisecond)), 10)
	fraction[0] = '.' // in place of the 1 that has kept the zeros
	return slices.Insert(text, seconds, fraction...)
}

// NewLogger returns a logger that writes a line a record to w, one Write each.
// Nothing that a record holds can begin a line or steer a terminal. Durations
// are seconds in JSON. If w is a *Writer, lines of the access log share its system
// calls, and the logger reports the lines that w has lost.
func NewLogger(w io.Writer, opts LogOptions) *slog.Logger {
	buffered, ok := w.(*Writer)
	if !ok {
		return slog.New(newHandler(w, w, opts))
	}
	log := slog.New(newHandler(w, accessWriter{buffered}, opts))
	buffered.reportDrops(func(lines int64) {
		log.Warn("log lines were lost: the log was not read fast enough, or could not be written", "lines", lines)
	})
	return log
}

// newHandler returns a handler that writes lines of the access log to access, and
// all other lines to w.
func newHandler(w, access io.Writer, opts LogOptions) slog.Handler {
	if opts.Format == "json" {
		options := &slog.HandlerOptions{Level: opts.Level, ReplaceAttr: seconds}
		return split{slog.NewJSONHandler(w, options), slog.NewJSONHandler(access, options)}
	}
	text := tint.NewTextHandler(w, &tint.Options{
		Level:       opts.Level,
		TimeFormat:  timeFormat,
		NoColor:     !opts.Color,
		ReplaceAttr: readable,
	})
	return split{text, accessLines{access, opts.Color, text}}
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
			return slog.String(a.Key, sanitize.Escape(a.Value.String()))
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
	if !ok {
		return a
	}
	name, color := levelName(level)
	if color == 0 {
		return slog.String(a.Key, name)
	}
	return tint.Attr(color, slog.String(a.Key, name))
}

// levelName returns the level's name, as wide as every other, and its colour; 0
// is none.
func levelName(level slog.Level) (name string, color uint8) {
	switch {
	case level >= slog.LevelError:
		return "ERROR", red
	case level >= slog.LevelWarn:
		return "WARN ", yellow
	case level >= slog.LevelInfo:
		return "INFO ", green
	}
	return "DEBUG", 0
}

// appendLevel appends the level's name, in its colour if there are colours.
func appendLevel(text []byte, level slog.Level, colors bool) []byte {
	name, color := levelName(level)
	if !colors || color == 0 {
		return append(text, name...)
	}
	text = append(text, "\x1b[38;5;"...)
	text = strconv.AppendUint(text, uint64(color), 10)
	text = append(append(text, 'm'), name...)
	return append(text, "\x1b[0m"...)
}
