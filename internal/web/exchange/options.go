package exchange

import (
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"lsapi"
)

// Options configure a handler. All but TrustedProxies must be given.
type Options struct {
	// Log receives one record for each request, and one for each failure of the service.
	Log *slog.Logger
	// Observe is called after each request.
	Observe func(route, method string, status int, took time.Duration)
	// TrustedProxies are the peers whose X-Forwarded-For holds the client's address.
	TrustedProxies []netip.Prefix
	// Timeout is the request timeout, see Exchange.Deadline.
	Timeout time.Duration
	// FormatError returns the content type and the JSON value of an error. The cause may
	// be nil.
	FormatError func(path string, code lsapi.Code, text string, cause error) (contentType string, body any)
}

// settings are shared by all exchanges of a handler.
type settings struct {
	Options
	reportedProxy atomic.Bool
}
