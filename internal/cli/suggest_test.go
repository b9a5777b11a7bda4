package cli

import (
	"slices"
	"testing"
)

func TestNamesThatMayHaveBeenMeantAreNearest(t *testing.T) {
	known := []string{"default-elb", "web-elb", "web-elb-2", "api", "Web-Canary"}
	for word, want := range map[string][]string{
		"web-lb":      {"web-elb"},
		"web-elb-3":   {"web-elb-2"},
		"dfeault-elb": {"default-elb"},
		"web":         {"web-elb", "web-elb-2", "Web-Canary"},
		"apj":         {"api"},
		"database":    nil,
		"x":           nil,
		"":            nil,
	} {
		if got := nearest(word, known); !slices.Equal(got, want) {
			t.Errorf("%q may mean %v, want %v", word, got, want)
		}
	}
}
