package app

import (
	"fmt"
	"log/slog"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

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
	// fullEvery is how often the log is told that there are as many as allowed.
	fullEvery = time.Minute
)

// limited bounds the listener's connections, so that clients who hold as many as
// the process may have files cannot cut it off from AWS. The next one waits, and
// log and metrics tell.
func limited(listener net.Listener, limit int, log *slog.Logger, metrics *telemetry.Metrics) net.Listener {
	c := &connections{Listener: listener, limit: limit, log: log}
	metrics.Gauge("lsapi_http_connections", "Connections of clients that are open now.",
		func() float64 { return float64(c.open.Load()) })
	metrics.Gauge("lsapi_http_connections_limit", "Connections of clients that may be open at once, as the limit of open files has it; the next one waits.",
		func() float64 { return float64(c.limit) })
	return netutil.LimitListener(c, c.limit)
}

// maxConnections returns how many connections there may be.
func maxConnections(log *slog.Logger) (int, error) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return 0, fmt.Errorf("how many files may be open: %w", err)
	}
	connections := connectionsWithin(files.Cur)
	if files.Cur < fewFiles {
		log.Warn("few files may be open; clients have to wait for a connection, and AWS and the record may be out of reach: raise the limit (ulimit -n)",
			"files", files.Cur, "connections", connections)
	}
	return connections, nil
}

// connectionsWithin returns how many connections fit beside reservedFiles, or half of
// the files where there are hardly any.
func connectionsWithin(files uint64) int {
	files = min(files, math.MaxInt32)
	return int(max(1, files/2, files-min(files, reservedFiles)))
}

// connections is a listener that counts the connections that are open. Only one
// goroutine accepts.
type connections struct {
	net.Listener
	limit  int
	log    *slog.Logger
	open   atomic.Int64
	toldAt time.Time // when the log was told that there are no more
}

func (c *connections) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if open := c.open.Add(1); open >= int64(c.limit) && time.Since(c.toldAt) >= fullEvery {
		c.toldAt = time.Now()
		c.log.Warn("as many connections are open as may be; the next client waits until one is closed: look who holds them, or raise the limit of open files (ulimit -n)",
			"connections", open)
	}
	return &countedConn{Conn: conn, closed: sync.OnceFunc(func() { c.open.Add(-1) })}, nil
}

// countedConn is a connection that counts until it is closed.
type countedConn struct {
	net.Conn
	closed func()
}

func (c *countedConn) Close() error {
	defer c.closed()
	return c.Conn.Close()
}
