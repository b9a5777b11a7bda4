package load_test

import (
	"strings"
	"testing"
	"time"

	"lsapi/bench/internal/load"
)

const wrkText = `Running 5s test @ http://127.0.0.1:8000/elb/elb-0001
  2 threads and 12 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   293.56us    1.33ms  22.90ms   97.76%
    Req/Sec    45.25k     5.68k   55.91k    68.18%
  Latency Distribution
     50%   95.00us
     75%  172.00us
     90%  308.00us
     99%    5.06ms
  98954 requests in 1.10s, 17.36MB read
Requests/sec:  89997.21
Transfer/sec:     15.79MB
`

func TestParseWrk(t *testing.T) {
	got, err := load.ParseWrk(wrkText)
	if err != nil {
		t.Fatal(err)
	}
	want := load.WrkResult{Requests: 98954, PerSecond: 89997.21, P50: 95 * time.Microsecond, P99: 5060 * time.Microsecond}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseWrkCountsEveryFailure(t *testing.T) {
	text := wrkText + "  Socket errors: connect 1, read 20, write 300, timeout 4000\n  Non-2xx or 3xx responses: 50000\n"
	got, err := load.ParseWrk(text)
	if err != nil {
		t.Fatal(err)
	}
	if got.Failed != 54321 {
		t.Errorf("got %d failures", got.Failed)
	}
}

func TestParseWrkRejectsMissingFigure(t *testing.T) {
	for _, test := range []struct{ without, problem string }{
		{"50%", "median latency"},
		{"99%", "99th percentile"},
		{"Requests/sec:", "requests per second"},
		{" requests in ", "number of requests"},
	} {
		t.Run(test.problem, func(t *testing.T) {
			_, err := load.ParseWrk(strings.Replace(wrkText, test.without, "", 1))
			if err == nil || !strings.Contains(err.Error(), test.problem) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestParseWrkRejectsMalformedFigure(t *testing.T) {
	_, err := load.ParseWrk(strings.Replace(wrkText, "5.06ms", "soon", 1))
	if err == nil || !strings.Contains(err.Error(), "soon") {
		t.Errorf("got %v", err)
	}
}
