package notify

import (
	"context"
	"net"
)

// CheckAddress is checkAddress.
var CheckAddress = checkAddress

// DialBy makes the notifier connect by a function, in place of the network.
func (n *Notifier) DialBy(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	n.poster.transport.DialContext = dial
}
