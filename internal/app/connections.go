package app

import (
	"fmt"
	"log/slog"
	"math"
	"net"
	"syscall"

	"lsapi/internal/connlimit"
	"lsapi/internal/telemetry"
)

const (
	// reservedFiles is how many files stay for other things than clients'
	// connections: those to AWS (their number is bounded by the budget), the log.
	reservedFiles = 100
	// fewFiles are so few that the log warns of it.
	fewFiles = 2 * reservedFiles
	// maxLasting is how many of them requests may hold that wait or watch, however many
	// connections are allowed: each takes some tens of KB.
	maxLasting = 30_000
)

// limited bounds the listener's connections, so that clients who hold as many as
// the process may have files cannot cut it off from AWS.
func limited(listener net.Listener, limit int, log *slog.Logger, metrics *telemetry.Metrics) net.Listener {
	l := connlimit.New(listener, limit, log)
	metrics.Gauge("lsapi_http_connections", "Connections of clients that are open now.",
		func() float64 { return float64(l.Stats().Open) })
	metrics.Gauge("lsapi_http_connections_limit", "Connections of clients that may be open at once, as the limit of open files has it; idle ones are closed for new ones.",
		func() float64 { return float64(l.Stats().Limit) })
	metrics.Counter("lsapi_http_connections_shed_total", "Connections of clients that were closed, while idle, to make room for new ones.",
		func() float64 { return float64(l.Stats().Shed) })
	return l
}

// maxConnections returns how many connections there may be.
func maxConnections(log *slog.Logger) (int, error) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return 0, fmt.Errorf("how many files may be open: %w", err)
	}
	connections := connectionsWithin(files.Cur)
	warnOfFew(files.Cur, connections, log)
	return connections, nil
}

// warnOfFew logs that hardly any files may be open.
func warnOfFew(files uint64, connections int, log *slog.Logger) {
	if files < fewFiles {
		log.Warn("few files may be open; clients have to wait for a connection, and AWS and the record may be out of reach: raise the limit (ulimit -n)",
			"files", files, "connections", connections)
	}
}

// connectionsWithin returns how many connections fit beside reservedFiles, or half of
// the files where there are hardly any.
func connectionsWithin(files uint64) int {
	files = min(files, math.MaxInt32)
	return int(max(1, files/2, files-min(files, reservedFiles)))
}
