package load_test

import (
	"testing"
	"time"

	"lsapi/bench/internal/load"
)

func TestPercentileOfLatencies(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i) // 100 down to 1
	}
	for _, test := range []struct {
		name     string
		measured []time.Duration
		share    float64
		want     time.Duration
	}{
		{"none at all", nil, 0.99, 0},
		{"the only one", []time.Duration{7}, 0.5, 7},
		{"median of an odd number", []time.Duration{9, 1, 5}, 0.5, 5},
		{"median of an even number", []time.Duration{9, 1, 5, 7}, 0.5, 5},
		{"p99 of a hundred", hundred, 0.99, 99},
		{"p99.9 of a hundred", hundred, 0.999, 100},
		{"least", hundred, 0, 1},
		{"greatest", hundred, 1, 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := load.NewLatencies(test.measured).Percentile(test.share); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func TestLatenciesMergesClients(t *testing.T) {
	all := load.NewLatencies([]time.Duration{4, 1}, []time.Duration{3, 2})
	if got := all.Percentile(0.75); len(all) != 4 || got != 3 {
		t.Errorf("got %v, p75 %d", all, got)
	}
}
