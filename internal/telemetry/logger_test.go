package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"lsapi/internal/telemetry"
)

func logRequest(log *slog.Logger, path, user string) {
	log.LogAttrs(context.Background(), slog.LevelInfo, "request",
		slog.Int("status", 200),
		slog.String("method", "GET"),
		slog.String("path", path),
		slog.String("client", "127.0.0.1"),
		slog.Duration("duration", 1190*time.Microsecond),
		slog.String("user", user),
		slog.String("request_id", "r-1"))
}

func TestAccessLogTextLayout(t *testing.T) {
	var out bytes.Buffer
	logRequest(telemetry.NewLogger(&out, telemetry.LogOptions{Format: "text"}), "/elb/default-elb", "alice")

	want := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d) INFO  ` +
		`200 GET /elb/default-elb \(127\.0\.0\.1\) 1\.19ms user=alice request_id=r-1\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("the line is %q", out.String())
	}
}

func TestAccessLogJSONHasSeparateFields(t *testing.T) {
	var out bytes.Buffer
	logRequest(telemetry.NewLogger(&out, telemetry.LogOptions{Format: "json"}), "/elb/default-elb", "alice")

	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.RFC3339Nano, line["time"].(string)); err != nil {
		t.Error(err)
	}
	delete(line, "time")
	want := map[string]any{
		"level": "INFO", "msg": "request", "status": 200.0, "method": "GET", "path": "/elb/default-elb",
		"client": "127.0.0.1", "duration": 0.00119, "user": "alice", "request_id": "r-1",
	}
	for key, value := range want {
		if line[key] != value {
			t.Errorf("%s is %v, want %v", key, line[key], value)
		}
	}
	if len(line) != len(want) {
		t.Errorf("the line is %s", out.String())
	}
}

func TestTextLevelsHaveEqualWidth(t *testing.T) {
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, telemetry.LogOptions{Level: slog.LevelDebug})
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		log.Log(t.Context(), level, "x")
	}
	var levels []string
	for line := range strings.Lines(out.String()) {
		_, rest, _ := strings.Cut(line, " ")
		levels = append(levels, rest)
	}
	if got, want := strings.Join(levels, ""), "DEBUG x\nINFO  x\nWARN  x\nERROR x\n"; got != want {
		t.Errorf("the lines are %q, want %q", got, want)
	}
}

func TestLoggerDropsRecordsBelowLevel(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		telemetry.NewLogger(&out, telemetry.LogOptions{Format: format, Level: slog.LevelWarn}).Info("x")
		if out.Len() > 0 {
			t.Errorf("%s: the log holds %q", format, out.String())
		}
	}
}

func TestLogTimesUseLocalZone(t *testing.T) {
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	time.Local = time.FixedZone("elsewhere", -3*60*60)
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		telemetry.NewLogger(&out, telemetry.LogOptions{Format: format}).Info("x")
		if !strings.Contains(out.String(), "-03:00") {
			t.Errorf("%s: %q is not in the local zone", format, out.String())
		}
	}
}

func TestOnlyColouredLogHasEscapeSequences(t *testing.T) {
	for _, color := range []bool{false, true} {
		var out bytes.Buffer
		telemetry.NewLogger(&out, telemetry.LogOptions{Color: color}).Info("x", "key", "value")
		if got := strings.Contains(out.String(), "\x1b["); got != color {
			t.Errorf("with Color %t the line is %q", color, out.String())
		}
	}
}

// hostile texts would, unescaped, forge a line, control a terminal or hide the rest.
var hostile = map[string]string{
	"newline":           "x\n2026-01-01T00:00:00.000Z INFO  200 GET /forged",
	"carriage return":   "x\rforged",
	"escape sequence":   "x\x1b[2Jforged",
	"escaped escape":    `x \x1b[2J forged`,
	"control sequence":  "x\u009b2Jforged",
	"delete":            "x\x7fforged",
	"line separator":    "x\u2028forged",
	"direction":         "x\u202eforged",
	"not UTF-8":         "x\xff\xfeforged",
	"replacement":       "x\ufffdforged",
	"attribute":         "x request_id=forged",
	"quote and newline": "x\"\nforged",
}

func TestTextLogEscapesHostileText(t *testing.T) {
	for name, text := range hostile {
		for _, color := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				var out bytes.Buffer
				log := telemetry.NewLogger(&out, telemetry.LogOptions{Color: color})
				log.With("with", text).Warn(text, "text", text, "err", errors.New(text))
				logRequest(log, text, text)
				checkEscaped(t, out.String(), color)
			})
		}
	}
}

// colours matches the logger's own escape sequences.
var colours = regexp.MustCompile(`\x1b\[[0-9;]*m`)

func checkEscaped(t *testing.T, log string, color bool) {
	t.Helper()
	if color {
		log = colours.ReplaceAllString(log, "")
	}
	if lines := strings.Count(log, "\n"); lines != 2 || !strings.HasSuffix(log, "\n") {
		t.Errorf("two records are %d lines: %q", lines, log)
	}
	for _, r := range strings.ReplaceAll(log, "\n", "") {
		if !unicode.IsPrint(r) {
			t.Errorf("%q is in %q", r, log)
		}
	}
	if strings.Count(log, "forged") < 5 && strings.Contains(log, "forged") {
		t.Errorf("something was cut off: %q", log)
	}
	if strings.Contains(log, " request_id=forged user") || strings.HasSuffix(log, "request_id=forged\n") {
		t.Errorf("an attribute is forged in %q", log)
	}
}

func TestJSONLogEscapesHostileText(t *testing.T) {
	for name, text := range hostile {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			logRequest(telemetry.NewLogger(&out, telemetry.LogOptions{Format: "json"}), text, text)
			if strings.Count(out.String(), "\n") != 1 || !json.Valid(out.Bytes()) || strings.ContainsAny(out.String(), "\x1b\r") {
				t.Errorf("the line is %q", out.String())
			}
		})
	}
}

func TestAccessLogKeepsAttributesOfLogger(t *testing.T) {
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, telemetry.LogOptions{}).With("replica", "a").WithGroup("http")
	logRequest(log, "/elb/x", "alice")
	for _, want := range []string{"replica=a", "http.status=200", "http.path=/elb/x", "http.user=alice", "http.request_id=r-1"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the line is %q, without %s", out.String(), want)
		}
	}
}

func TestAccessLogTimeHasMilliseconds(t *testing.T) {
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("", 5*3600+45*60), time.FixedZone("", -3*3600)} {
		for _, nanoseconds := range []int{0, 999_999, 1_000_000, 45_600_000, 120_000_000, 999_999_999} {
			at := time.Date(2026, 2, 3, 4, 5, 6, nanoseconds, zone)
			record := slog.NewRecord(at, slog.LevelInfo, "request", 0)
			var out bytes.Buffer
			if err := telemetry.NewLogger(&out, telemetry.LogOptions{}).Handler().Handle(t.Context(), record); err != nil {
				t.Fatal(err)
			}
			if want := at.Format("2006-01-02T15:04:05.000Z07:00") + " INFO  "; !strings.HasPrefix(out.String(), want) {
				t.Errorf("the line is %q, want it to begin with %q", out.String(), want)
			}
		}
	}
}
