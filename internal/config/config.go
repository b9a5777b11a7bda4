// Package config merges flags, the environment, a .env file and the defaults, in this
// order of precedence, into one validated Config.
package config

import (
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"lsapi"
	"lsapi/internal/notify"
)

// Config is the configuration of the service. Load returns it with every field valid.
type Config struct {
	// Listen is the address to serve on, host:port. An empty host means all
	// addresses, port 0 any free port.
	Listen string
	// APIToken holds the credentials of one user: base64 of user:password, from its
	// variable or its file.
	APIToken Secret
	// UsersFile is the path of an htpasswd file of further users. At most one of
	// APIToken and UsersFile is empty.
	UsersFile string

	// Policy is the path of a file of guards. Empty means none.
	Policy string

	// Region is the AWS region, such as "us-east-1".
	Region string
	// AWSEndpoint is the URL of an emulator or a gateway. Empty means AWS itself.
	AWSEndpoint string

	// MaxStaleness bounds the age of a list while AWS answers, MaxStaleOnError while
	// it does not.
	MaxStaleness, MaxStaleOnError time.Duration
	// Kinds are the kinds of pools that are served, at least one.
	Kinds []lsapi.Kind
	// IdleAfter is the time without reads after which refreshes from AWS pause.
	IdleAfter time.Duration
	// Sweep is the interval at which target groups that are not read are polled.
	Sweep time.Duration
	// Budget limits the requests to AWS, by category.
	Budget map[string]Bucket
	// Store is the URL of the record of changes. It may contain a password.
	Store Secret
	// KeepChanges is the retention of changes, in whole days. Zero means forever.
	KeepChanges time.Duration
	// MetricsPublic serves /metrics without credentials.
	MetricsPublic bool

	// Envelope is the wrapping of response values.
	Envelope Envelope
	// RequestTimeout bounds the work on one request.
	RequestTimeout time.Duration
	// ShutdownTimeout bounds how long a shutdown waits for requests and changes in
	// flight.
	ShutdownTimeout time.Duration
	// TrustedProxies are the peers whose X-Forwarded-For is used.
	TrustedProxies []netip.Prefix

	// Notify are the receivers of notifications of all pools.
	Notify Notify

	LogFormat LogFormat
	LogLevel  slog.Level

	// Environment holds the variables of the .env file that the environment does not
	// set, such as AWS credentials and TZ. Export applies them.
	Environment map[string]Secret
}

// SharedStore reports whether several processes can use the record at once.
func (c Config) SharedStore() bool { return !strings.HasPrefix(string(c.Store), "sqlite:") }

// Notify are receivers of notifications.
type Notify struct {
	// URLs may be secrets.
	URLs []Secret
	// Format is the form of what they receive.
	Format notify.Format
	// Secrets sign it. Nil: nothing is signed.
	Secrets []notify.Secret
	// OutFor is how long a member must be out to be reported. 0: none is.
	OutFor time.Duration
	// Allow are addresses of receivers that are otherwise refused, of the policy's too.
	Allow []netip.Prefix
}

// Bucket is the size of a token bucket.
type Bucket struct {
	// Burst is the maximum number of requests at once.
	Burst int
	// PerSecond is the refill rate.
	PerSecond float64
}

// Envelope is the wrapping of a response's value.
type Envelope string

// The envelopes.
const (
	EnvelopeMessage Envelope = "message" // {"message": VALUE}
	EnvelopeNone    Envelope = "none"    // VALUE, and {"error": "..."} for an error
)

// LogFormat is the format of log lines.
type LogFormat string

// The log formats.
const (
	LogText LogFormat = "text" // one readable line per record
	LogJSON LogFormat = "json" // one JSON object per line
)
