package stress

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// WriteText writes a summary similar to that of wrk.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for i := range r.Steps {
		r.Steps[i].writeText(&b, r.Rate)
	}
	if len(r.Steps) > 1 {
		r.writeSteps(&b)
	}
	if r.TargetGroup != nil {
		r.TargetGroup.writeText(&b)
	}
	for _, v := range r.Met() {
		fmt.Fprintf(&b, "Failed: %v\n", v)
	}
	if r.Interrupted {
		b.WriteString("Interrupted: this is what there was until then.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err //nolint:wrapcheck // the writer's error
}

func (s *Step) writeText(b *strings.Builder, rate int) {
	load := fmt.Sprintf("%d connections", s.Connections)
	if rate > 0 {
		load += fmt.Sprintf(", %s requests/s", humanize.Comma(int64(rate)))
	}
	fmt.Fprintf(b, "%s\n", load)
	fmt.Fprintf(b, "  %-10s %10s %10s %10s %10s %10s\n", "Latency", "p50", "p90", "p99", "p99.9", "max")
	s.Latency.writeText(b, "measured")
	s.Corrected.writeText(b, "corrected")
	fmt.Fprintf(b, "  %s requests in %.2fs, %s read\n", humanize.Comma(int64(s.Requests)), s.Took, humanize.IBytes(uint64(s.Bytes))) //nolint:gosec // not negative
	if s.Opened > s.Connections {
		fmt.Fprintf(b, "  %s connections opened: the server closes them\n", humanize.Comma(int64(s.Opened)))
	}
	if s.Resent > 0 {
		fmt.Fprintf(b, "  %s requests sent again: the server closed their connection instead of answering\n", humanize.Comma(int64(s.Resent)))
	}
	for _, text := range slices.Sorted(maps.Keys(s.Errors)) {
		fmt.Fprintf(b, "  failed: %s × %s\n", humanize.Comma(int64(s.Errors[text])), text)
	}
	if longest, spillover, ok := s.surge(); ok {
		fmt.Fprintf(b, "  surge queue: %s at most, %s turned away\n", humanize.Comma(int64(longest)), humanize.Comma(spillover))
	}
	fmt.Fprintf(b, "Requests/sec: %10.2f\n", s.Throughput)
	if s.Took > 0 {
		fmt.Fprintf(b, "Transfer/sec: %10s\n", humanize.IBytes(uint64(float64(s.Bytes)/s.Took)))
	}
}

func (l Latency) writeText(b *strings.Builder, name string) {
	fmt.Fprintf(b, "  %-10s %10s %10s %10s %10s %10s\n", name, millis(l.P50), millis(l.P90), millis(l.P99), millis(l.P999), millis(l.Max))
}

// millis formats milliseconds with three digits in a suitable unit.
func millis(ms float64) string {
	switch d := time.Duration(ms * float64(time.Millisecond)); {
	case d < time.Millisecond:
		return fmt.Sprintf("%dµs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%.2fms", ms)
	default:
		return fmt.Sprintf("%.2fs", d.Seconds())
	}
}

// surge returns the longest surge queue and the spillover.
func (s *Step) surge() (longest int, spillover int64, ok bool) {
	for _, second := range s.Seconds {
		if second.Waiting != nil {
			longest, spillover, ok = max(longest, *second.Waiting), *second.Spillover, true
		}
	}
	return longest, spillover, ok
}

func (r Report) writeSteps(b *strings.Builder) {
	fmt.Fprintf(b, "\n%12s %12s %10s %10s %10s %10s %8s\n", "connections", "requests/s", "p50", "p90", "p99", "p99.9", "failed")
	for _, s := range r.Steps {
		mark := ""
		if s.Connections == r.Knee {
			mark = "  <- knee: more connections hardly give more"
		}
		fmt.Fprintf(b, "%12d %12.1f %10s %10s %10s %10s %8d%s\n", s.Connections, s.Throughput,
			millis(s.Corrected.P50), millis(s.Corrected.P90), millis(s.Corrected.P99), millis(s.Corrected.P999), s.Failed, mark)
	}
}

// ProgressLine describes a second in one line.
func ProgressLine(s Step, now Second) string {
	line := fmt.Sprintf("%d connections  %3.0fs  %s requests/s", s.Connections, now.At, humanize.Comma(int64(now.Requests)))
	if now.Latency != nil {
		line += fmt.Sprintf("  p50 %s  p99 %s", millis(now.Latency.P50), millis(now.Latency.P99))
	}
	line += "  failed " + humanize.Comma(int64(s.Failed))
	if now.Waiting != nil {
		line += fmt.Sprintf("  surge queue %s", humanize.Comma(int64(*now.Waiting)))
	}
	return line
}
