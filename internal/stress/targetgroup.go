package stress

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// TargetGroup is what CloudWatch has of a target group in the minutes of a load. It
// includes the requests of other clients.
type TargetGroup struct {
	Name         string   `json:"name"`
	LoadBalancer string   `json:"loadBalancer"`
	Minutes      []Minute `json:"minutes"` // oldest first; without minutes that have no data
}

// Minute is a minute of a target group.
type Minute struct {
	At time.Time `json:"at"` // its start
	// Requests are those that the load balancer sent to a target.
	Requests  int64 `json:"requests"`
	Target2XX int64 `json:"target2xx"`
	Target5XX int64 `json:"target5xx"`
	// ELB5XX are the errors of the load balancer itself, for all of its target groups.
	ELB5XX int64 `json:"elb5xx"`
	// The response time of targets in seconds; nil without a response.
	ResponseMean *float64 `json:"responseMeanSeconds,omitempty"`
	ResponseMax  *float64 `json:"responseMaxSeconds,omitempty"`
	// The fewest healthy and the most unhealthy targets; nil without data.
	Healthy   *float64 `json:"healthyMin,omitempty"`
	Unhealthy *float64 `json:"unhealthyMax,omitempty"`
}

// Counted returns the requests that CloudWatch has counted.
func (g TargetGroup) Counted() (requests int64) {
	for _, m := range g.Minutes {
		requests += m.Requests + m.ELB5XX
	}
	return requests
}

func (g TargetGroup) writeText(b *strings.Builder) {
	fmt.Fprintf(b, "Target group %s behind %s, by CloudWatch\n", g.Name, g.LoadBalancer)
	if len(g.Minutes) == 0 {
		b.WriteString("  no data\n")
		return
	}
	const row = "  %-8s %10s %11s %11s %9s %10s %10s %9s %10s\n"
	fmt.Fprintf(b, row, "UTC", "requests", "target 2XX", "target 5XX", "ELB 5XX", "mean", "max", "healthy", "unhealthy")
	for _, m := range g.Minutes {
		fmt.Fprintf(b, row, m.At.UTC().Format("15:04"), humanize.Comma(m.Requests), humanize.Comma(m.Target2XX), humanize.Comma(m.Target5XX), humanize.Comma(m.ELB5XX),
			orDash(m.ResponseMean, seconds), orDash(m.ResponseMax, seconds), orDash(m.Healthy, count), orDash(m.Unhealthy, count))
	}
}

func orDash(value *float64, format func(float64) string) string {
	if value == nil {
		return "-"
	}
	return format(*value)
}

func seconds(s float64) string { return millis(1000 * s) }

func count(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
