package config

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"lsapi/internal/notify"
)

// The names of the flags, which are also the keys of the settings.
const (
	keyListen          = "listen"
	keyAPIToken        = "api-token"
	keyTokenFile       = "token-file"
	keyUsersFile       = "users-file"
	keyPolicy          = "policy"
	keyRegion          = "region"
	keyAWSEndpoint     = "aws-endpoint"
	keyKinds           = "kinds"
	keyEnvelope        = "response-envelope"
	keyMaxStaleness    = "max-staleness"
	keyMaxStaleOnError = "max-stale-on-error"
	keyIdleAfter       = "idle-after"
	keySweep           = "sweep"
	keyMetricsPublic   = "metrics-public"
	keyStore           = "store"
	keyKeepChanges     = "keep-changes"
	keyStateDirectory  = "state-directory"
	keyTimeZone        = "time-zone"
	keyRequestTimeout  = "request-timeout"
	keyShutdownTimeout = "shutdown-timeout"
	keyTrustedProxies  = "trusted-proxies"
	keyNotify          = "notify"
	keyNotifyFormat    = "notify-format"
	keyNotifySecret    = "notify-secret"
	keyNotifyFile      = "notify-secret-file"
	keyNotifyOutFor    = "notify-out-for"
	keyNotifyAllow     = "notify-allow"
	keyLogFormat       = "log-format"
	keyLogLevel        = "log-level"
	keyEnvFile         = "env-file"

	// budgetPrefix is followed by the category.
	budgetPrefix = "budget-"
)

// setting describes one setting. Values stay text until they are parsed, whatever
// their source, so that one error can list all problems.
type setting struct {
	key      string
	variable string // the environment variable
	fallback string // the default
	usage    string
	hidden   bool // no flag: every user of the machine can read arguments
}

func settings() []setting {
	all := []setting{
		{key: keyListen, variable: "LISTEN", fallback: ":8000",
			usage: "`address` to serve on, host:port; an empty host means all addresses"},
		{key: keyAPIToken, variable: "API_TOKEN", hidden: true},
		{key: keyTokenFile, variable: "API_TOKEN_FILE",
			usage: "`file` with base64 of user:password, in place of $API_TOKEN; read at the start"},
		{key: keyUsersFile, variable: "USERS_FILE",
			usage: "htpasswd `file` of users, bcrypt only (htpasswd -B); reloaded when it changes"},
		{key: keyPolicy, variable: "POLICY",
			usage: "YAML `file` of guards, which refuse changes that leave a pool too weak; reloaded when it changes"},
		{key: keyRegion, variable: "AWS_REGION", fallback: "us-east-1",
			usage: "AWS `region` of the load balancers"},
		{key: keyAWSEndpoint, variable: "AWS_ENDPOINT_URL",
			usage: "`URL` to use instead of AWS, such as that of lsapi emulator"},
		{key: keyKinds, variable: "KINDS", fallback: "elb,tg",
			usage: "`kinds` of pools to serve: elb (Classic load balancers), tg (target groups), or elb,tg for both"},
		{key: keyEnvelope, variable: "RESPONSE_ENVELOPE", fallback: string(EnvelopeMessage),
			usage: "`envelope` of responses: message wraps each as {\"message\": ...}, none does not"},
		{key: keyMaxStaleness, variable: "MAX_STALENESS", fallback: "2s",
			usage: "maximum age of a list while AWS answers, a `duration`"},
		{key: keyMaxStaleOnError, variable: "MAX_STALE_ON_ERROR", fallback: "5m",
			usage: "maximum age of a list while AWS throttles or fails, a `duration`; then 503"},
		{key: keyIdleAfter, variable: "IDLE_AFTER", fallback: "5m",
			usage: "`duration` without reads after which refreshes from AWS pause"},
		{key: keyStore, variable: "STORE_URL",
			usage: "`URL` of the record of changes: sqlite:FILE, or postgres://... for several replicas (default: sqlite:lsapi.db, in $STATE_DIRECTORY if it is set)"},
		{key: keyStateDirectory, variable: "STATE_DIRECTORY", hidden: true},
		{key: keyTimeZone, variable: "TZ", hidden: true},
		{key: keyKeepChanges, variable: "KEEP_CHANGES", fallback: "forever",
			usage: "retention of changes in `days`, such as 400d, or forever"},
		{key: keySweep, variable: "SWEEP", fallback: "5m",
			usage: "`duration` within which target groups that are not read are polled, or longer if the budget requires it"},
		{key: keyMetricsPublic, variable: "METRICS_PUBLIC", fallback: "false",
			usage: "`true` serves /metrics without credentials"},
		{key: keyRequestTimeout, variable: "REQUEST_TIMEOUT", fallback: "30s",
			usage: "`duration` after which a request fails with 504"},
		{key: keyShutdownTimeout, variable: "SHUTDOWN_TIMEOUT", fallback: "35s",
			usage: "maximum `duration` of a shutdown, which waits for requests and changes in flight"},
		{key: keyTrustedProxies, variable: "TRUSTED_PROXIES",
			usage: "proxies whose X-Forwarded-For is used: `addresses` or CIDR ranges, comma separated"},
		{key: keyNotify, variable: "NOTIFY",
			usage: "`URLs` that receive notifications of all pools, comma separated; use the variable if they are secrets"},
		{key: keyNotifyFormat, variable: "NOTIFY_FORMAT", fallback: string(notify.CloudEvents),
			usage: "`format` of notifications: cloudevents or slack"},
		{key: keyNotifySecret, variable: "NOTIFY_SECRET", hidden: true},
		{key: keyNotifyFile, variable: "NOTIFY_SECRET_FILE",
			usage: "`file` with the secrets that sign notifications, one a line"},
		{key: keyNotifyOutFor, variable: "NOTIFY_OUT_FOR", fallback: "30m",
			usage: "`duration` that a member must be out to be reported, or never"},
		{key: keyNotifyAllow, variable: "NOTIFY_ALLOW",
			usage: "loopback, link-local and metadata `addresses` that may be notified, or CIDR ranges, comma separated"},
		{key: keyLogFormat, variable: "LOG_FORMAT", fallback: string(LogText),
			usage: "log `format`: text or json"},
		{key: keyLogLevel, variable: "LOG_LEVEL", fallback: "info",
			usage: "minimum `level` to log: debug, info, warn or error"},
		{key: keyEnvFile, variable: "ENV_FILE",
			usage: "`file` with variables that the environment does not set (default: .env, if it exists)"},
	}
	return append(all, budgetSettings()...)
}

// budgetSettings are the sizes of the token buckets. The defaults are AWS's own limits for
// an account and region.
//
// Sources: "Request throttling for the Elastic Load Balancing API" in the ELB user guide,
// elb-api-throttling (Describe* of API versions 1 and 2, which have separate buckets);
// "Request throttling for the Amazon EC2 API" in the EC2 developer guide,
// ec2-api-throttling (non-mutating actions; unfiltered and unpaginated ones). The buckets
// for registrations are not documented: the size is that of the AWS Load Balancer
// Controller.
func budgetSettings() []setting {
	var all []setting
	for _, b := range []struct{ category, fallback, what string }{
		{"elb-read", "40+10", "Classic ELB's describe calls"},
		{"elb-write", "20+4", "Classic ELB's register and deregister calls"},
		{"elbv2-read", "40+10", "the describe calls of target groups"},
		{"elbv2-write", "20+4", "the register and deregister calls of target groups"},
		{"ec2-filtered", "100+20", "EC2's filtered describe calls"},
		{"ec2-plain", "50+10", "EC2's other calls"},
	} {
		all = append(all, setting{
			key:      budgetPrefix + b.category,
			variable: "BUDGET_" + strings.ToUpper(strings.ReplaceAll(b.category, "-", "_")),
			fallback: b.fallback,
			usage:    "token bucket `size` for " + b.what + ": burst+refill per second",
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

// name returns the name of a setting in problems.
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
