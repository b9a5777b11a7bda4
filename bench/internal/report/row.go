package report

import (
	"fmt"
	"strings"
)

// Row is one figure, with its yardsticks and its aim.
type Row struct {
	Name   string `json:"name"`
	Unit   string `json:"unit,omitempty"`
	Figure Figure `json:"figure"`
	// Aim is nil for a figure without one.
	Aim *Aim `json:"aim,omitempty"`
	// Beside are the same figures of the yardsticks.
	Beside []Yardstick `json:"beside,omitempty"`
	// Note helps to interpret the figure.
	Note string `json:"note,omitempty"`
	// NotMeasured is the reason for a missing figure; empty if there is one.
	NotMeasured string `json:"not_measured,omitempty"`
}

// Yardstick is a figure of another program, measured in the same run.
type Yardstick struct {
	Name   string `json:"name"`
	Figure Figure `json:"figure"`
}

// Aim is a bound of a figure. One of the two is set.
type Aim struct {
	AtMost  *float64 `json:"at_most,omitempty"`
	AtLeast *float64 `json:"at_least,omitempty"`
}

// AtMost returns an upper bound.
func AtMost(x float64) *Aim { return &Aim{AtMost: &x} }

// AtLeast returns a lower bound.
func AtLeast(x float64) *Aim { return &Aim{AtLeast: &x} }

// String is empty without an aim.
func (a *Aim) String() string {
	switch {
	case a == nil:
		return ""
	case a.AtMost != nil:
		return "<= " + number(*a.AtMost)
	}
	return ">= " + number(*a.AtLeast)
}

func (a *Aim) isMetBy(f Figure) bool {
	if a.AtMost != nil {
		return f.Median <= *a.AtMost
	}
	return f.Median >= *a.AtLeast
}

// Verdict reports whether the median meets the aim; empty without an aim.
func (r Row) Verdict() string {
	switch {
	case r.NotMeasured != "":
		return "NOT MEASURED"
	case r.Aim == nil:
		return ""
	case r.Aim.isMetBy(r.Figure):
		return "met"
	}
	return "MISSED"
}

func (r Row) measured() string {
	if r.NotMeasured != "" {
		return "-"
	}
	return r.Figure.String()
}

func (r Row) remark() string {
	if r.NotMeasured != "" {
		return r.NotMeasured
	}
	var remarks []string
	for _, y := range r.Beside {
		remarks = append(remarks, fmt.Sprintf("%s %s", y.Name, y.Figure))
	}
	if r.Note != "" {
		remarks = append(remarks, r.Note)
	}
	return strings.Join(remarks, "; ")
}
