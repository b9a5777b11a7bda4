package stress_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lsapi/internal/stress"
)

func conditions(t *testing.T, texts ...string) (parsed []stress.Condition) {
	t.Helper()
	for _, text := range texts {
		c, err := stress.ParseCondition(text)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, c)
	}
	return parsed
}

func TestConditionsApplyToEveryStep(t *testing.T) {
	var count atomic.Int64
	handler := func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(10 * time.Millisecond)
		if count.Add(1)%25 == 0 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}
	want := map[string]bool{
		"p50>10ms":    true, // the histogram has three digits: it is 10.007 ms
		"p50>11ms":    false,
		"p50<11ms":    true,
		"p50 >= 11ms": false,
		"p90<=11ms":   true,
		"p99>11ms":    false,
		"p99.9>11ms":  false,
		"p99.9<11ms":  true,
		"max>1s":      false,
		"max>1ms":     true,
		"mean<9ms":    false,
		"mean<11ms":   true,

		"errors>0":     true,
		"errors>20":    false,
		"errors>=20":   true,
		"errors>3.9%":  true,
		"errors>4%":    false,
		"errors>=4%":   true,
		"errors<=4%":   true,
		"errors < 4%":  false,
		"errors<20":    false,
		"errors<=20":   true,
		"errors>100%":  false,
		"errors>=100%": false,

		"throughput<95":   false,
		"throughput<97":   true,
		"throughput>97":   false,
		"throughput>=95":  true,
		"throughput<=9.6": false,
	}
	virtually(t, handler, func(t *testing.T, o stress.Options) {
		texts := slices.Collect(maps.Keys(want))
		o.Rate, o.Duration, o.FailIf = 100, 5*time.Second, conditions(t, texts...)
		report := run(t, o)
		met := 0
		for i, text := range texts {
			v := report.Conditions[i]
			if v.Met != want[text] || v.Connections != 4 {
				t.Errorf("%s: the verdict is %+v", text, v)
			}
			if want[text] {
				met++
			}
		}
		if len(report.Met()) != met {
			t.Errorf("%d conditions are met, want %d", len(report.Met()), met)
		}
	})
}

func TestConditionsUseCorrectedLatency(t *testing.T) {
	virtually(t, takes(20*time.Millisecond), func(t *testing.T, o stress.Options) {
		o.Rate, o.Steps, o.Duration = 100, []int{1, 4}, 2*time.Second
		o.FailIf = conditions(t, "p50>200ms", "errors>1%")
		report := run(t, o)
		met := report.Met()
		if len(report.Conditions) != 4 || len(met) != 2 || met[0].Connections != 1 || met[1].Connections != 1 || met[1].Actual != "50%" {
			t.Fatalf("the verdicts are %+v", report.Conditions)
		}
		var text strings.Builder
		if err := report.WriteText(&text); err != nil || !strings.Contains(text.String(), "\nFailed: errors>1%: it is 50% with 1 connections\n") {
			t.Errorf("the summary is %s, %v", text.String(), err)
		}
	})
}

func TestStepWithoutRequestsMeetsAllConditions(t *testing.T) {
	virtually(t, takes(time.Millisecond), func(t *testing.T, o stress.Options) {
		o.Duration, o.FailIf = 0, conditions(t, "p99>1h", "errors>100%")
		if met := run(t, o).Met(); len(met) != 2 || met[0].Actual != "no requests" {
			t.Errorf("the conditions met are %+v", met)
		}
	})
}

func TestParseConditionRejectsInvalidText(t *testing.T) {
	for text, word := range map[string]string{
		"":                 "p99>50ms",
		"p99":              "p99>50ms",
		"p99=50ms":         "p99>50ms",
		"p99>50ms,p50>1ms": "duration",
		"p99>50":           "duration",
		"p99>-1ms":         "duration",
		"p98>50ms":         "p98 is none of",
		"errors>few":       "number",
		"errors>-1":        "number",
		"errors>NaN":       "number",
		"throughput<9%":    "number",
	} {
		if _, err := stress.ParseCondition(text); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: the error is %v", text, err)
		}
	}
}
