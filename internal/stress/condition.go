package stress

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Condition compares a figure of a step with a limit, such as p99>50ms. A step that meets
// it has failed.
type Condition struct {
	text     string
	figure   string
	operator string
	limit    float64 // milliseconds, requests, a share in percent, or requests a second
	share    bool    // limit is a share of the requests
}

// Verdict is the result of a condition for a step.
type Verdict struct {
	Condition   string `json:"condition"`
	Connections int    `json:"connections"`
	// Actual is the formatted figure of the step.
	Actual string `json:"actual"`
	Met    bool   `json:"met"`
}

var conditionPattern = regexp.MustCompile(`^\s*([a-z0-9.]+)\s*(>=|<=|>|<)\s*(\S+)\s*$`)

// latencies are the figures of a latency by their names in conditions.
var latencies = map[string]func(Latency) float64{
	"p50":   func(l Latency) float64 { return l.P50 },
	"p90":   func(l Latency) float64 { return l.P90 },
	"p99":   func(l Latency) float64 { return l.P99 },
	"p99.9": func(l Latency) float64 { return l.P999 },
	"max":   func(l Latency) float64 { return l.Max },
	"mean":  func(l Latency) float64 { return l.Mean },
}

// ParseCondition parses FIGURE OPERATOR LIMIT. The figures are p50, p90, p99, p99.9, max
// and mean, of the corrected latency, with a duration as the limit; errors, with a number
// of requests or a percentage of them; and throughput, with requests a second. The
// operators are >, >=, < and <=.
func ParseCondition(text string) (Condition, error) {
	parts := conditionPattern.FindStringSubmatch(text)
	if parts == nil {
		return Condition{}, fmt.Errorf("%q is not such as p99>50ms, errors>1%% or throughput<1000", text)
	}
	c := Condition{text: strings.Join(parts[1:], ""), figure: parts[1], operator: parts[2]}
	limit := parts[3]
	if latencies[c.figure] != nil {
		d, err := time.ParseDuration(limit)
		if err != nil || d < 0 {
			return Condition{}, fmt.Errorf("%q: the limit of %s must be a duration, such as 50ms", text, c.figure)
		}
		c.limit = float64(d) / float64(time.Millisecond)
		return c, nil
	}
	switch c.figure {
	case "errors":
		limit, c.share = strings.CutSuffix(limit, "%")
	case "throughput":
	default:
		return Condition{}, fmt.Errorf("%q: %s is none of p50, p90, p99, p99.9, max, mean, errors and throughput", text, c.figure)
	}
	var err error
	if c.limit, err = strconv.ParseFloat(limit, 64); err != nil || !(c.limit >= 0) {
		return Condition{}, fmt.Errorf("%q: the limit of %s must be a number", text, c.figure)
	}
	return c, nil
}

// check evaluates the condition for a step. A step without requests meets all conditions,
// because it proves nothing.
func (c Condition) check(s *Step) Verdict {
	v := Verdict{Condition: c.text, Connections: s.Connections}
	if s.Requests == 0 {
		v.Actual, v.Met = "no requests", true
		return v
	}
	var figure float64
	switch figureOf := latencies[c.figure]; {
	case figureOf != nil:
		figure = figureOf(s.Corrected)
		v.Actual = millis(figure)
	case c.share:
		figure = 100 * float64(s.Failed) / float64(s.Requests)
		v.Actual = strconv.FormatFloat(figure, 'g', 4, 64) + "%"
	case c.figure == "errors":
		figure = float64(s.Failed)
		v.Actual = strconv.Itoa(s.Failed)
	default:
		figure = s.Throughput
		v.Actual = strconv.FormatFloat(figure, 'f', 1, 64)
	}
	switch c.operator {
	case ">":
		v.Met = figure > c.limit
	case ">=":
		v.Met = figure >= c.limit
	case "<":
		v.Met = figure < c.limit
	case "<=":
		v.Met = figure <= c.limit
	}
	return v
}

func (v Verdict) String() string {
	return fmt.Sprintf("%s: it is %s with %d connections", v.Condition, v.Actual, v.Connections)
}
