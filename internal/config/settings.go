package config

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// The settings by the names of their flags, which are also their keys.
const (
	keyListen          = "listen"
	keyAPIToken        = "api-token"
	keyUsersFile       = "users-file"
	keyRegion          = "region"
	keyAWSEndpoint     = "aws-endpoint"
	keyEnvelope        = "response-envelope"
	keyMaxStaleness    = "max-staleness"
	keyMaxStaleOnError = "max-stale-on-error"
	keyIdleAfter       = "idle-after"
	keyMetricsPublic   = "metrics-public"
	keyStore           = "store"
	keyKeepChanges     = "keep-changes"
	keyStateDirectory  = "state-directory"
	keyRequestTimeout  = "request-timeout"
	keyShutdownTimeout = "shutdown-timeout"
	keyTrustedProxies  = "trusted-proxies"
	keyLogFormat       = "log-format"
	keyLogLevel        = "log-level"
	keyEnvFile         = "env-file"

	// budgetPrefix is followed by the category.
	budgetPrefix = "budget-"
)

// setting is one thing that can be configured. Its values are text until they
// are parsed, whatever they come from, so that all that is wrong with them can
// be told at once.
type setting struct {
	key      string
	variable string // the environment variable
	fallback string // the default
	usage    string
	hidden   bool // no flag: arguments can be read by every user of the machine
}

// settings lists all of them, in the order in which problems are told.
func settings() []setting {
	all := []setting{
		{key: keyListen, variable: "LISTEN", fallback: ":8000",
			usage: "`address` to serve on, host:port; no host is every address of the machine"},
		{key: keyAPIToken, variable: "API_TOKEN", hidden: true},
		{key: keyUsersFile, variable: "USERS_FILE",
			usage: "htpasswd `file` of users, bcrypt only (htpasswd -B); changes count without a restart"},
		{key: keyRegion, variable: "AWS_REGION", fallback: "us-east-1",
			usage: "AWS `region` of the load balancers"},
		{key: keyAWSEndpoint, variable: "AWS_ENDPOINT_URL",
			usage: "`URL` to ask instead of AWS, such as that of lsapi emulator"},
		{key: keyEnvelope, variable: "RESPONSE_ENVELOPE", fallback: string(EnvelopeMessage),
			usage: "`envelope` of responses: message wraps each as {\"message\": ...}, none does not"},
		{key: keyMaxStaleness, variable: "MAX_STALENESS", fallback: "2s",
			usage: "`duration` that bounds the age of a list while AWS can be read"},
		{key: keyMaxStaleOnError, variable: "MAX_STALE_ON_ERROR", fallback: "5m",
			usage: "`duration` that bounds it while AWS throttles or fails; then 503"},
		{key: keyIdleAfter, variable: "IDLE_AFTER", fallback: "5m",
			usage: "`duration` without a reader after which AWS is not asked any more"},
		{key: keyStore, variable: "STORE_URL",
			usage: "`URL` of the record of changes: sqlite:FILE, or postgres://... for several replicas (default: sqlite:lsapi.db, in $STATE_DIRECTORY if it is set)"},
		{key: keyStateDirectory, variable: "STATE_DIRECTORY", hidden: true},
		{key: keyKeepChanges, variable: "KEEP_CHANGES", fallback: "forever",
			usage: "for how many `days` changes stay on record, such as 400d; forever removes none"},
		{key: keyMetricsPublic, variable: "METRICS_PUBLIC", fallback: "false",
			usage: "`true` serves /metrics without credentials"},
		{key: keyRequestTimeout, variable: "REQUEST_TIMEOUT", fallback: "30s",
			usage: "`duration` after which a request is answered with 504"},
		{key: keyShutdownTimeout, variable: "SHUTDOWN_TIMEOUT", fallback: "35s",
			usage: "`duration` for which a stop waits for requests and changes under way"},
		{key: keyTrustedProxies, variable: "TRUSTED_PROXIES",
			usage: "proxies whose X-Forwarded-For counts: `addresses` or CIDR ranges, comma separated"},
		{key: keyLogFormat, variable: "LOG_FORMAT", fallback: string(LogText),
			usage: "log `format`: text or json"},
		{key: keyLogLevel, variable: "LOG_LEVEL", fallback: "info",
			usage: "least `level` to log: debug, info, warn or error"},
		{key: keyEnvFile, variable: "ENV_FILE",
			usage: "`file` with variables that the environment does not set (default: .env, if there is one)"},
	}
	return append(all, budgetSettings()...)
}

// budgetSettings are the sizes of the buckets of AWS requests, AWS's own by
// default.
func budgetSettings() []setting {
	var all []setting
	for _, b := range []struct{ category, fallback, what string }{
		{"elb-read", "40+10", "Classic ELB's describe calls"},
		{"elb-write", "20+4", "Classic ELB's register and deregister calls"},
		{"ec2-filtered", "100+20", "EC2's filtered describe calls"},
		{"ec2-plain", "50+10", "EC2's other calls"},
	} {
		all = append(all, setting{
			key:      budgetPrefix + b.category,
			variable: "BUDGET_" + strings.ToUpper(strings.ReplaceAll(b.category, "-", "_")),
			fallback: b.fallback,
			usage:    "`size` of the bucket of requests for " + b.what + ": burst+refill a second",
		})
	}
	return all
}

// AddFlags defines a flag for each setting that has one.
func AddFlags(flags *pflag.FlagSet) {
	for _, s := range settings() {
		if !s.hidden {
			s.addTo(flags)
		}
	}
}

func (s setting) addTo(flags *pflag.FlagSet) {
	flags.String(s.key, s.fallback, s.usage+" [$"+s.variable+"]")
}

// name is how a problem with a setting calls it.
func name(key string) string {
	s := find(key)
	if s.hidden {
		return s.variable
	}
	return "--" + s.key + " (" + s.variable + ")"
}

// find returns the setting of a key of this package.
func find(key string) setting {
	all := settings()
	return all[slices.IndexFunc(all, func(s setting) bool { return s.key == key })]
}
