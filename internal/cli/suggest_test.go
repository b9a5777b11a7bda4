package cli

import (
	"slices"
	"testing"
)

func TestNearestNames(t *testing.T) {
	names := []string{"default-elb", "web-elb", "web-elb-2", "api", "Web-Canary"}
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
		if got := nearest(word, names); !slices.Equal(got, want) {
			t.Errorf("nearest to %q is %v, want %v", word, got, want)
		}
	}
}
