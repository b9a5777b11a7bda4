// Package telemetry provides the service's log and metrics.
//
// The log uses log/slog. A record with the message "request" and the attributes status,
// method, path, client and duration belongs to the access log. The text format prints
// it in a layout of its own.
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

// LogOptions configure a logger.
type LogOptions struct {
	// Format is "json" for one JSON object per line; anything else is text.
	Format string
	// Level is the minimum level.
	Level slog.Level
	// Color colours the levels of text lines, for a terminal.
	Color bool
}

// timeFormat is RFC 3339 with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// appendTime appends the time in timeFormat, from the time package's fast path for
// RFC 3339, which has none with milliseconds.
func appendTime(text []byte, t time.Time) []byte {
	seconds := len(text) + len("2006-01-02T15:04:05")
	text = t.AppendFormat(text, time.RFC3339)
	fraction := strconv.AppendInt(make([]byte, 0, len(".000")), int64(1000+t.Nanosecond()/int(time.Millisecond)), 10)
	fraction[0] = '.' // replaces the 1 that preserved the leading zeros
	return slices.Insert(text, seconds, fraction...)
}

// NewLogger returns a logger that writes one line per record to w, in one Write. Values
// are escaped: none can start a line or control a terminal. JSON durations are seconds.
// If w is a *Writer, lines of the access log share system calls, and the logger reports
// the lines that w dropped.
func NewLogger(w io.Writer, opts LogOptions) *slog.Logger {
	buffered, ok := w.(*Writer)
	if !ok {
		return slog.New(newHandler(w, w, opts))
	}
	log := slog.New(newHandler(w, accessWriter{buffered}, opts))
	buffered.reportDrops(func(lines int64) {
		log.Warn("log lines were lost: the output was too slow or rejected them", "lines", lines)
	})
	return log
}

// newHandler returns a handler that writes the access log to access and all other
// records to w.
func newHandler(w, access io.Writer, opts LogOptions) slog.Handler {
	if opts.Format == "json" {
		options := &slog.HandlerOptions{Level: opts.Level, ReplaceAttr: durationInSeconds}
		return split{slog.NewJSONHandler(w, options), slog.NewJSONHandler(access, options)}
	}
	text := tint.NewTextHandler(w, &tint.Options{
		Level:       opts.Level,
		TimeFormat:  timeFormat,
		NoColor:     !opts.Color,
		ReplaceAttr: textAttr,
	})
	return split{text, accessLines{access, opts.Color, text}}
}

func durationInSeconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.Float64(a.Key, a.Value.Duration().Seconds())
	}
	return a
}

// textAttr formats an attribute of a text line: level names of equal width, and escaped
// text.
func textAttr(groups []string, a slog.Attr) slog.Attr {
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
		return slog.String(a.Key, escapeForTint(a.Value.String()))
	case slog.KindDuration:
		return slog.String(a.Key, a.Value.Duration().Round(time.Microsecond).String())
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			return slog.String(a.Key, escapeForTint(err.Error()))
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

// levelName returns the level's name, padded to equal width, and its colour, or 0 for
// none.
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
