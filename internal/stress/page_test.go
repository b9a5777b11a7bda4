package stress_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lsapi/internal/stress"
)

// probe states what a browser has made of the page.
const probe = `<script>
document.body.append("PROBE " + [
  "plots " + document.querySelectorAll(".uplot canvas").length,
  "overflow " + (document.documentElement.scrollWidth > innerWidth),
  "background " + getComputedStyle(document.body).backgroundColor,
  "axes " + plots.map((p) => p.drawn.axes.length).join(" "),
  "labels " + [...document.querySelectorAll(".u-legend .u-label")].map((l) => l.textContent).join(" "),
  "text " + document.querySelector("main").innerText,
].join("; ") + " END");
</script></body>`

// shown returns what Chromium shows of a report.
func shown(t *testing.T, report stress.Report, flags ...string) string {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v: install it with: apt-get install chromium", err)
	}
	var page bytes.Buffer
	if err := report.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(strings.Replace(page.String(), "</body>", probe, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	flags = append(flags, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--virtual-time-budget=5000", "--dump-dom", "file://"+file)
	dom, err := exec.CommandContext(t.Context(), browser, flags...).Output()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?s)PROBE (plots.*) END`).FindStringSubmatch(string(dom))
	if found == nil {
		t.Fatalf("the page's script has failed: %s", dom)
	}
	return found[1]
}

func TestPageShowsTheReportInABrowser(t *testing.T) {
	waiting, spilled := 3, int64(4)
	step := stress.Step{
		Connections: 1, Took: 2, Requests: 10, Failed: 1, Throughput: 4.5, Errors: map[string]int{"timeout": 1},
		Corrected: stress.Latency{P50: 1.5, P90: 2.5, P99: 3.5, P999: 4.5, Max: 5.5, Mean: 6.5},
		Seconds:   []stress.Second{{At: 1, Requests: 10, Failed: 1, Latency: &stress.Latency{P50: 1, Max: 900}}, {At: 2}},
	}
	one := stress.Report{Method: "PUT", URL: "http://server.test/", Steps: []stress.Step{step}}
	three := one
	second, third := step, step
	second.Connections, third.Connections, three.Knee = 20, 300, 20
	third.Seconds = []stress.Second{{At: 1, Waiting: &waiting, Spillover: &spilled}}
	three.Steps = []stress.Step{step, second, third}
	for name, test := range map[string]struct {
		report  stress.Report
		flags   []string
		present []string
		absent  []string
	}{
		"one step": {one, nil,
			[]string{"plots 2;", "axes 3 2;", "overflow false", "background rgb(255, 255, 255)", "seconds p50 p90 p99 p99.9 max seconds answered failed", "Corrected p99.9\t4.50", "Corrected max\t5.50", "1 × timeout"},
			[]string{"Surge queue", "Target group", "Throughput over connections", "knee", "undefined", "NaN"}},
		"steps and a queue, dark and narrow": {three, []string{"--blink-settings=preferredColorScheme=0", "--window-size=400,800"},
			[]string{"plots 5;", "axes 3 2 2 2 2;", "overflow false", "background rgb(13, 17, 23)", "Surge queue", "20 (knee)", "Throughput over connections"},
			[]string{"undefined", "NaN"}},
		"a target group": {groupReport(), nil,
			[]string{"Target group web\n", "behind web-alb", "14:59\t12,345\t12,000\t45\t6\t12.50\t1,500.00\t3\t0", "15:00\t0\t0\t0\t7\t–\t–\t–\t–", "overflow false"},
			[]string{"Surge queue", "undefined", "NaN"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := shown(t, test.report, test.flags...)
			for _, word := range test.present {
				if !strings.Contains(text, word) {
					t.Errorf("%q is missing in %s", word, text)
				}
			}
			for _, word := range test.absent {
				if strings.Contains(text, word) {
					t.Errorf("%q is in %s", word, text)
				}
			}
		})
	}
}
