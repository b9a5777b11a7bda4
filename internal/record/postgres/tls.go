package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"

	"github.com/jackc/pgx/v5/pgconn"
)

// handshakeError is a TLS handshake that failed for another reason than the network.
type handshakeError struct{ error }

func (e handshakeError) Unwrap() error { return e.error }

// handshake implements pgconn.AfterNetConnectFunc. The driver would leave the handshake to
// the first write, whose error has no type.
func handshake(ctx context.Context, _ *pgconn.Config, conn net.Conn) (net.Conn, error) {
	secured, ok := conn.(*tls.Conn)
	if !ok {
		return conn, nil
	}
	err := secured.HandshakeContext(ctx)
	if err == nil || isNetwork(err) {
		return conn, err
	}
	return conn, handshakeError{err}
}

// isNetwork reports whether a connection was lost, or did not answer in time.
func isNetwork(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, context.Canceled) {
		return true
	}
	if _, ok := errors.AsType[*os.SyscallError](err); ok {
		return true
	}
	network, ok := errors.AsType[net.Error](err)
	return ok && network.Timeout()
}

// isTLS reports whether the last attempt to connect failed because the two sides did not
// agree on TLS, which waiting does not mend.
func isTLS(cause error) bool {
	for err := range chain(cause) {
		switch err := err.(type) { //nolint:errorlint // this is the walk along the chain
		case handshakeError:
			return true
		case *net.OpError:
			// An alert of the server, such as of a client without certificate, which TLS 1.3
			// reports after the handshake.
			if err.Op == "remote error" {
				return true
			}
		default:
			// The driver has no type for this one.
			if err.Error() == "server refused TLS connection" {
				return true
			}
		}
	}
	return false
}
