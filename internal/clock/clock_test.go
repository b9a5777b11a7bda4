package clock_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/clock"
)

const source = "the database"

var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// exact returns a reading with an exact offset.
func exact(ahead time.Duration) clock.Reading {
	return clock.Reading{Time: now.Add(-ahead), Received: now}
}

// date returns a reading of a Date header, which has whole seconds.
func date(ahead, took time.Duration) clock.Reading {
	return clock.Reading{Time: now.Add(-ahead).Truncate(time.Second), Resolution: time.Second, Received: now, Took: took}
}

// observed returns the log and the check after the readings.
func observed(readings ...clock.Reading) (log string, err error) {
	var out bytes.Buffer
	m := clock.NewMonitor(slog.New(slog.NewTextHandler(&out, nil)), source, "AWS")
	for _, r := range readings {
		m.Observe(source, r)
	}
	return out.String(), m.Check()
}

func TestOffsetsBeyondTheirLimitsWarnAndRefuse(t *testing.T) {
	for name, test := range map[string]struct {
		readings        []clock.Reading
		warned, refused bool
	}{
		"none":                                  {nil, false, false},
		"equal":                                 {[]clock.Reading{exact(0)}, false, false},
		"a second ahead":                        {[]clock.Reading{exact(time.Second)}, false, false},
		"more than a second ahead":              {[]clock.Reading{exact(1001 * time.Millisecond)}, true, false},
		"more than a second behind":             {[]clock.Reading{exact(-1001 * time.Millisecond)}, true, false},
		"the tolerance":                         {[]clock.Reading{exact(clock.Tolerance)}, true, false},
		"more than the tolerance ahead":         {[]clock.Reading{exact(clock.Tolerance + 1)}, false, true},
		"more than the tolerance behind":        {[]clock.Reading{exact(-clock.Tolerance - 1)}, false, true},
		"within the round trip":                 {[]clock.Reading{{Time: now, Received: now.Add(3 * time.Second), Took: 3 * time.Second}}, false, false},
		"beyond the round trip":                 {[]clock.Reading{{Time: now, Received: now.Add(9 * time.Second), Took: 3 * time.Second}}, false, true},
		"a Date of the same second":             {[]clock.Reading{date(0, 0)}, false, false},
		"a Date that may be a second off":       {[]clock.Reading{date(1900*time.Millisecond, 0)}, false, false},
		"a Date that is more than a second off": {[]clock.Reading{date(2001*time.Millisecond, 0)}, true, false},
		"a Date that may be the tolerance off":  {[]clock.Reading{date(clock.Tolerance, 0)}, true, false},
		"a Date beyond the tolerance":           {[]clock.Reading{date(clock.Tolerance+1001*time.Millisecond, 0)}, false, true},
		"a slow answer":                         {[]clock.Reading{date(8*time.Second, 8*time.Second)}, false, false},
		"right again":                           {[]clock.Reading{exact(time.Hour), exact(0)}, false, false},
		"still open after an uncertain reading": {[]clock.Reading{exact(6 * time.Second), date(5500*time.Millisecond, 2*time.Second)}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := observed(test.readings...)
			if refused := lsapi.ErrorCode(err) == lsapi.CodeUnavailable; refused != test.refused || (err != nil) != test.refused {
				t.Errorf("the check returns %v", err)
			}
			if warned := strings.Contains(log, "level=WARN"); warned != test.warned {
				t.Errorf("the log is %q", log)
			}
			if reported := strings.Contains(log, "level=ERROR"); reported && !test.refused && len(test.readings) == 1 {
				t.Errorf("the log is %q", log)
			}
		})
	}
}

func TestEachTransitionIsLoggedOnce(t *testing.T) {
	log, _ := observed(exact(2*time.Second), exact(2*time.Second), exact(time.Hour), exact(time.Hour), exact(0), exact(0))
	if lines := strings.Count(log, "\n"); lines != 3 {
		t.Errorf("there are %d lines, want a warning, an error and an end:\n%s", lines, log)
	}
}

func TestCertainIsTheSmallestOffsetInTheRange(t *testing.T) {
	for reading, want := range map[clock.Reading]time.Duration{
		exact(3 * time.Second):             3 * time.Second,
		exact(-3 * time.Second):            -3 * time.Second,
		date(0, 2*time.Second):             0,
		date(10*time.Second, time.Second):  8 * time.Second,
		date(-10*time.Second, time.Second): -10 * time.Second,
	} {
		m := clock.NewMonitor(slog.New(slog.DiscardHandler), source)
		m.Observe(source, reading)
		if offset, ok := m.Offset(source); !ok || offset.Certain() != want {
			t.Errorf("%+v is %v, want %v", reading, offset.Certain(), want)
		}
	}
}
