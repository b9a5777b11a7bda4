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
	// reservedFiles is the number of file descriptors kept for other uses than clients'
	// connections: connections to AWS, whose number the budget bounds, and the log.
	reservedFiles = 100
	// fewFiles is the limit below which the log warns.
	fewFiles = 2 * reservedFiles
	// maxLongRequests bounds the requests that wait or stream: each holds some tens of KB.
	maxLongRequests = 30_000
)

// limitConnections bounds the listener's connections, so that clients cannot use up the
// file descriptors that connections to AWS need.
func limitConnections(listener net.Listener, limit int, log *slog.Logger, metrics *telemetry.Metrics) net.Listener {
	l := connlimit.New(listener, limit, log)
	metrics.Gauge("lsapi_http_connections", "Open client connections.",
		func() float64 { return float64(l.Stats().Open) })
	metrics.Gauge("lsapi_http_connections_limit", "Limit of open client connections, from the limit of open files; idle connections are closed for new ones.",
		func() float64 { return float64(l.Stats().Limit) })
	metrics.Counter("lsapi_http_connections_shed_total", "Idle client connections that were closed to make room for new ones.",
		func() float64 { return float64(l.Stats().Shed) })
	return l
}

func maxConnections(log *slog.Logger) (int, error) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return 0, fmt.Errorf("read the limit of open files: %w", err)
	}
	connections := connectionsWithin(files.Cur)
	warnOfFew(files.Cur, connections, log)
	return connections, nil
}

func warnOfFew(files uint64, connections int, log *slog.Logger) {
	if files < fewFiles {
		log.Warn("the limit of open files is low; clients may wait for a connection, and AWS and the record may be unreachable: raise the limit (ulimit -n)",
			"files", files, "connections", connections)
	}
}

// connectionsWithin returns how many connections fit beside reservedFiles, or half of
// the files if that is more.
func connectionsWithin(files uint64) int {
	files = min(files, math.MaxInt32)
	return int(max(1, files/2, files-min(files, reservedFiles)))
}
