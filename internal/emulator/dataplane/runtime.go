package dataplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// maxQueue is AWS's length of a surge queue.
	maxQueue = 1024
	// maxBuffered is the largest request body that is buffered before a member is
	// selected, so that a slow client does not occupy a member.
	maxBuffered = 64 << 10
	dialTimeout = 5 * time.Second // to connect to a member
	maxTries    = 3               // of members that refuse the connection
	// maxIdleConnections is the number of idle connections to each member, as many as it
	// serves under any load of one machine.
	maxIdleConnections = 1024
	bufferSize         = 32 << 10 // for copying answers
	// keptMinutes is how long metrics are kept. AWS keeps them for 15 days.
	keptMinutes = 180
	maxSleep    = time.Minute // that a request can ask of an emulated instance
)

// runtime holds what all parts of a Plane share: its options and its goroutines.
type runtime struct {
	Options

	base    context.Context //nolint:containedctx // not of a request: it ends with Close
	cancel  context.CancelFunc
	probes  sync.WaitGroup
	servers sync.WaitGroup
}

// serve runs a server until it is closed.
func (r *runtime) serve(run func() error, address string) {
	r.servers.Go(func() {
		if err := run(); err != nil && !errors.Is(err, http.ErrServerClosed) {
			r.Log.Warn("a port of the data plane does not listen any more", "port", address, "error", err)
		}
	})
}

// listen opens an address, or a free port of 127.0.0.1 if that fails.
func listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address) //nolint:noctx // it does not block
	if err == nil {
		return listener, nil
	}
	free, freeErr := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // likewise
	if freeErr != nil {
		return nil, fmt.Errorf("neither %s nor another port can be listened on: %w", address, err)
	}
	return free, nil
}

// discardLog drops the errors of clients that a server logs.
func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }
