package report

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Figure sums up the runs of one measurement.
type Figure struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Runs   int     `json:"runs"`
}

// FigureOf sums up runs. The median of an even number is the mean of the middle two;
// without runs the figure is zero.
func FigureOf(runs ...float64) Figure {
	if len(runs) == 0 {
		return Figure{}
	}
	sorted := slices.Sorted(slices.Values(runs))
	middle := len(sorted) / 2
	return Figure{
		Median: (sorted[(len(sorted)-1)/2] + sorted[middle]) / 2,
		Min:    sorted[0],
		Max:    sorted[len(sorted)-1],
		Runs:   len(sorted),
	}
}

// Milliseconds returns a duration as a figure.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Mebibytes returns a number of bytes as a figure.
func Mebibytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// number formats three significant digits, or all before the point, in groups.
func number(x float64) string {
	magnitude := math.Abs(x)
	switch {
	case magnitude >= 100:
		return grouped(strconv.FormatFloat(x, 'f', 0, 64))
	case x == math.Trunc(x):
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// grouped separates groups of three digits by spaces.
func grouped(digits string) string {
	var b strings.Builder
	for i, digit := range digits {
		if left := len(digits) - i; i > 0 && left%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(' ')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// String returns the median, with the range of several runs.
func (f Figure) String() string {
	if f.Runs < 2 {
		return number(f.Median)
	}
	return number(f.Median) + " (" + number(f.Min) + " to " + number(f.Max) + ")"
}
