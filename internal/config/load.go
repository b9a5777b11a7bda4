package config

import (
	"cmp"
	"os"
	"slices"

	"github.com/spf13/pflag"
)

// DefaultEnvFile is the .env file of the working directory.
const DefaultEnvFile = ".env"

// Load merges and validates the settings. Its error is an *Error that lists every
// problem.
func Load(s Sources) (Config, error) {
	p := newParser(s)
	token, users := p.credentials(s)
	cfg := Config{
		APIToken:        token,
		UsersFile:       users,
		Listen:          p.listen(),
		Policy:          p.policy(s.CheckPolicy),
		Region:          p.region(),
		AWSEndpoint:     p.awsEndpoint(),
		Kinds:           p.kinds(),
		MaxStaleness:    p.duration(keyMaxStaleness),
		MaxStaleOnError: p.duration(keyMaxStaleOnError),
		IdleAfter:       p.duration(keyIdleAfter),
		Sweep:           p.duration(keySweep),
		Budget:          p.budget(),
		Store:           p.store(),
		KeepChanges:     p.keepChanges(),
		MetricsPublic:   oneOf(p, keyMetricsPublic, "false", "true") == "true",
		Envelope:        oneOf(p, keyEnvelope, EnvelopeMessage, EnvelopeNone),
		RequestTimeout:  p.duration(keyRequestTimeout),
		ShutdownTimeout: p.duration(keyShutdownTimeout),
		TrustedProxies:  p.prefixes(keyTrustedProxies),
		Notify:          p.notify(),
		LogFormat:       oneOf(p, keyLogFormat, LogText, LogJSON),
		LogLevel:        p.logLevel(),
		Environment:     p.unset(),
	}
	p.checkBounds(cfg)
	p.checkTimeZone()
	p.checkAWS(s.CheckAWS)
	return cfg, p.err()
}

// Listen loads the listen address only.
func Listen(s Sources) (string, error) {
	p := newParser(s)
	address := p.listen()
	return address, p.err()
}

// Store loads the URL of the record only.
func Store(s Sources) (Secret, error) {
	p := newParser(s)
	url := p.store()
	return url, p.err()
}

// AWS loads Region, AWSEndpoint, Kinds and Environment only.
func AWS(s Sources) (Config, error) {
	p := newParser(s)
	cfg := Config{Region: p.region(), AWSEndpoint: p.awsEndpoint(), Kinds: p.kinds(), Environment: p.unset()}
	p.checkAWS(s.CheckAWS)
	return cfg, p.err()
}

// Notifications loads Region, Notify and Policy only.
func Notifications(s Sources) (Config, error) {
	p := newParser(s)
	cfg := Config{Region: p.region(), Notify: p.notify(), Policy: p.policy(s.CheckPolicy)}
	return cfg, p.err()
}

// AddAWSFlags defines the flags that AWS reads.
func AddAWSFlags(flags *pflag.FlagSet) {
	for _, key := range []string{keyRegion, keyAWSEndpoint, keyKinds, keyEnvFile} {
		find(key).addTo(flags)
	}
}

// AddStoreFlags defines the flags that Store reads.
func AddStoreFlags(flags *pflag.FlagSet) {
	for _, key := range []string{keyStore, keyEnvFile} {
		find(key).addTo(flags)
	}
}

// StoreOrigin describes where the URL of the record is set, for error messages.
func StoreOrigin(s Sources) string {
	p := newParser(s)
	return name(keyStore) + ", " + cmp.Or(p.origin(keyStore), "the default")
}

// Export sets the .env file's variables in the environment of this process, where the
// AWS SDK and package time read theirs. It omits the secrets that only lsapi uses. Call
// it at the start of a process.
func (c Config) Export() error {
	var own []string
	for _, key := range []string{keyAPIToken, keyStore, keyNotify, keyNotifySecret} {
		own = append(own, find(key).variable)
	}
	for name, value := range c.Environment {
		if slices.Contains(own, name) {
			continue
		}
		if err := os.Setenv(name, string(value)); err != nil {
			return err
		}
	}
	return nil
}
