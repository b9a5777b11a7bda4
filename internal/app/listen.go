package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// ListenError reports an address that cannot be bound, in one line.
type ListenError struct {
	Address string // host:port
	Err     error  // the cause
}

func (e *ListenError) Error() string {
	if e.InUse() {
		return fmt.Sprintf("cannot listen on %s: the port is in use", e.Address)
	}
	return fmt.Sprintf("cannot listen on %s: %v", e.Address, e.cause())
}

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Err }

// InUse reports whether another process listens on the address.
func (e *ListenError) InUse() bool { return errors.Is(e.Err, syscall.EADDRINUSE) }

// cause returns the error without the address and the name of the system call.
func (e *ListenError) cause() error {
	if call, ok := errors.AsType[*os.SyscallError](e.Err); ok {
		return call.Err
	}
	if operation, ok := errors.AsType[*net.OpError](e.Err); ok {
		return operation.Err
	}
	return e.Err
}

// Listen opens a TCP address, host:port. Its error is a *ListenError.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, &ListenError{Address: address, Err: err}
	}
	return listener, nil
}
