// Package config turns flags, the environment, a .env file and the defaults, in
// this order of precedence, into one validated Config. It opens nothing but the
// .env file.
package config

import (
	"log/slog"
	"net/netip"
	"strings"
	"time"
)

// Config is what the service is told from outside. Load is where one comes
// from; every field is valid.
type Config struct {
	// Listen is the address to serve on, host:port. An empty host is every
	// address of the machine, port 0 a free port.
	Listen string
	// APIToken is what one user authenticates with: base64 of user:password.
	APIToken Secret
	// UsersFile is the path of an htpasswd file of more users. One of the two may
	// be empty, and then there are none.
	UsersFile string

	// Region is the AWS region, such as "us-east-1".
	Region string
	// AWSEndpoint is the URL of an emulator or a gateway. Empty is AWS itself.
	AWSEndpoint string

	// MaxStaleness bounds the age of a list while AWS can be read,
	// MaxStaleOnError while it cannot.
	MaxStaleness, MaxStaleOnError time.Duration
	// IdleAfter is how long nobody has to read for AWS not to be asked any more.
	IdleAfter time.Duration
	// Budget is how many requests AWS may be sent, by category.
	Budget map[string]Bucket
	// Store is the URL of the record of changes, with a password in it, maybe.
	Store Secret
	// KeepChanges is for how long changes stay on record, in whole days. Zero is
	// for ever.
	KeepChanges time.Duration
	// MetricsPublic serves /metrics without credentials.
	MetricsPublic bool

	// Envelope is how a response's value is wrapped.
	Envelope Envelope
	// RequestTimeout bounds the work on one request.
	RequestTimeout time.Duration
	// ShutdownTimeout bounds how long a stop waits for requests and changes
	// that are under way.
	ShutdownTimeout time.Duration
	// TrustedProxies are the peers whose X-Forwarded-For counts.
	TrustedProxies []netip.Prefix

	LogFormat LogFormat
	LogLevel  slog.Level

	// Environment holds the variables of the .env file that the environment does
	// not set: credentials for the AWS SDK's default chain, TZ and the like.
	// They take effect once they are put into the process's environment.
	Environment map[string]Secret
}

// SharedStore reports whether several processes can have the record at a time.
func (c Config) SharedStore() bool { return !strings.HasPrefix(string(c.Store), "sqlite:") }

// Bucket is the size of a token bucket.
type Bucket struct {
	// Burst is how many requests may go out at once.
	Burst int
	// PerSecond is how many more may each second.
	PerSecond float64
}

// Envelope says how a response's value is wrapped.
type Envelope string

// The envelopes.
const (
	EnvelopeMessage Envelope = "message" // {"message": VALUE}
	EnvelopeNone    Envelope = "none"    // VALUE, and {"error": "..."} for an error
)

// LogFormat says how a log line looks.
type LogFormat string

// The log formats.
const (
	LogText LogFormat = "text" // a line that a person can read
	LogJSON LogFormat = "json" // a JSON object a line
)
