package load

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// WrkResult is the output of wrk.
type WrkResult struct {
	Requests  int
	PerSecond float64
	P50, P99  time.Duration
	// Failed is the number of responses other than 2xx and 3xx, and of connections that
	// were refused, aborted or too slow.
	Failed int
}

// ParseWrk reads the output of `wrk --latency`. A missing figure is an error that names
// it.
func ParseWrk(text string) (WrkResult, error) {
	var r WrkResult
	var problems []error
	found := make(map[string]bool)
	for line := range strings.Lines(text) {
		what, err := r.take(strings.Fields(line))
		if err != nil {
			problems = append(problems, fmt.Errorf("wrk said %q: %w", strings.TrimSpace(line), err))
		}
		found[what] = true
	}
	for _, what := range []string{requestsLine, rateLine, medianLine, tailLine} {
		if !found[what] {
			problems = append(problems, fmt.Errorf("wrk did not print the %s", what))
		}
	}
	return r, errors.Join(problems...)
}

// The kinds of lines.
const (
	requestsLine = "number of requests"
	rateLine     = "requests per second"
	medianLine   = "median latency"
	tailLine     = "99th percentile"
	failedLine   = "failures"
)

// take reads a line's figure and returns its kind, if it is one of the above.
func (r *WrkResult) take(words []string) (what string, err error) {
	switch {
	case len(words) >= 4 && words[1] == "requests" && words[2] == "in":
		r.Requests, err = strconv.Atoi(words[0])
		return requestsLine, err
	case len(words) == 2 && words[0] == "Requests/sec:":
		r.PerSecond, err = strconv.ParseFloat(words[1], 64)
		return rateLine, err
	case len(words) == 2 && words[0] == "50%":
		r.P50, err = time.ParseDuration(words[1])
		return medianLine, err
	case len(words) == 2 && words[0] == "99%":
		r.P99, err = time.ParseDuration(words[1])
		return tailLine, err
	case len(words) == 5 && words[0] == "Non-2xx":
		return failedLine, r.fail(words[4])
	case len(words) == 10 && words[0] == "Socket" && words[1] == "errors:":
		return failedLine, errors.Join(r.fail(words[3]), r.fail(words[5]), r.fail(words[7]), r.fail(words[9]))
	}
	return "", nil
}

func (r *WrkResult) fail(number string) error {
	n, err := strconv.Atoi(strings.TrimSuffix(number, ","))
	r.Failed += n
	return err
}
