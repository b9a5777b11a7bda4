package stress_test

import (
	"strings"
	"testing"
	"time"

	"lsapi/internal/stress"
)

// groupReport is a report with two minutes of a target group.
func groupReport() stress.Report {
	mean, most, healthy, unhealthy := 0.0125, 1.5, 3.0, 0.0
	at := time.Date(2026, 3, 1, 14, 59, 0, 0, time.UTC)
	return stress.Report{
		Method: "GET", URL: "http://server.test/", Steps: []stress.Step{{Connections: 12, Requests: 4, Seconds: []stress.Second{{At: 1, Requests: 4}}}},
		TargetGroup: &stress.TargetGroup{Name: "web", LoadBalancer: "web-alb", Minutes: []stress.Minute{
			{At: at, Requests: 12345, Target2XX: 12000, Target5XX: 45, ELB5XX: 6, ResponseMean: &mean, ResponseMax: &most, Healthy: &healthy, Unhealthy: &unhealthy},
			{At: at.Add(time.Minute), ELB5XX: 7},
		}},
	}
}

func TestTextHasMinutesOfTargetGroup(t *testing.T) {
	report := groupReport()
	if got := report.TargetGroup.Counted(); got != 12358 {
		t.Errorf("%d requests are counted", got)
	}
	var text strings.Builder
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nTarget group web behind web-alb, by CloudWatch\n", "14:59 12,345 12,000 45 6 12.50ms 1.50s 3 0", "15:00 0 0 0 7 - - - -"} {
		if squeezed := strings.Join(strings.Fields(text.String()), " "); !strings.Contains(text.String(), want) && !strings.Contains(squeezed, want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
	report.TargetGroup.Minutes = nil
	text.Reset()
	if err := report.WriteText(&text); err != nil || !strings.Contains(text.String(), "by CloudWatch\n  no data\n") {
		t.Errorf("without data it is %v\n%s", err, text.String())
	}
}
