package config

import (
	"cmp"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// DefaultEnvFile is the .env file of the working directory.
const DefaultEnvFile = ".env"

// Sources are the inputs of Load. An empty variable counts as not set, except
// STORE_URL: its default is a new local record, and a deployment that fails to fill in
// the variable must not silently use that instead of the shared one.
type Sources struct {
	// Flags are those of AddFlags, parsed. Nil means none.
	Flags *pflag.FlagSet
	// Environ has the form of os.Environ.
	Environ []string
	// EnvFile is the default .env file, which need not exist. A file named by the flag
	// or by ENV_FILE replaces it and must exist.
	EnvFile string
	// CheckToken validates an API token. Its error does not contain the token. Only
	// Load calls it.
	CheckToken func(token string) error
	// CheckUsersFile validates a users file, given the token, which may be empty. Its
	// error contains neither. Only Load calls it.
	CheckUsersFile func(path, token string) error
	// CheckAWS reports the variables of the AWS SDK that are invalid. No problem contains a
	// secret. Only Load and AWS call it. Nil means no check.
	CheckAWS func(value func(variable string) string, report func(variable, problem string))
}

// Load merges and validates the settings. Its error is an *Error that lists every
// problem.
func Load(s Sources) (Config, error) {
	p := newParser(s)
	cfg := Config{
		Listen:          p.listen(),
		APIToken:        p.apiToken(s.CheckToken),
		UsersFile:       p.usersFile(s.CheckUsersFile),
		Region:          p.region(),
		AWSEndpoint:     p.awsEndpoint(),
		MaxStaleness:    p.duration(keyMaxStaleness),
		MaxStaleOnError: p.duration(keyMaxStaleOnError),
		IdleAfter:       p.duration(keyIdleAfter),
		Budget:          p.budget(),
		Store:           p.store(),
		KeepChanges:     p.keepChanges(),
		MetricsPublic:   oneOf(p, keyMetricsPublic, "false", "true") == "true",
		Envelope:        oneOf(p, keyEnvelope, EnvelopeMessage, EnvelopeNone),
		RequestTimeout:  p.duration(keyRequestTimeout),
		ShutdownTimeout: p.duration(keyShutdownTimeout),
		TrustedProxies:  p.trustedProxies(),
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

// AWS loads Region, AWSEndpoint and Environment only.
func AWS(s Sources) (Config, error) {
	p := newParser(s)
	cfg := Config{Region: p.region(), AWSEndpoint: p.awsEndpoint(), Environment: p.unset()}
	p.checkAWS(s.CheckAWS)
	return cfg, p.err()
}

// AddAWSFlags defines the flags that AWS reads.
func AddAWSFlags(flags *pflag.FlagSet) {
	for _, key := range []string{keyRegion, keyAWSEndpoint, keyEnvFile} {
		find(key).addTo(flags)
	}
}

// AddStoreFlags defines the flags that Store reads.
func AddStoreFlags(flags *pflag.FlagSet) {
	for _, key := range []string{keyStore, keyEnvFile} {
		find(key).addTo(flags)
	}
}

// lookup returns the text of a setting and where it is set; an empty origin means the
// default. A source that sets the variable to an empty value counts only if no source
// has a value, and then leaves the default.
func (p *parser) lookup(key string) (text, origin string) {
	if flags := p.sources.Flags; flags != nil && flags.Changed(key) {
		return strings.TrimSpace(flags.Lookup(key).Value.String()), "set by the flag"
	}
	s := find(key)
	text, origin = p.variable(s.variable)
	return cmp.Or(text, s.fallback), origin
}

// variable returns the value of a variable, and where it is set, if it is.
func (p *parser) variable(name string) (text, origin string) {
	path, _ := envFilePath(p.sources)
	inFile, isInFile := p.file[name]
	inFile = strings.TrimSpace(inFile)
	isSet := func(entry string) bool { return strings.HasPrefix(entry, name+"=") }
	switch text := strings.TrimSpace(Variable(p.sources.Environ, name)); {
	case text != "":
		return text, "set in the environment"
	case inFile != "":
		return inFile, "set in " + path
	case slices.ContainsFunc(p.sources.Environ, isSet):
		return "", "set to nothing in the environment"
	case isInFile:
		return "", "set to nothing in " + path
	}
	return "", ""
}

func (p *parser) text(key string) string {
	text, _ := p.lookup(key)
	return text
}

func (p *parser) origin(key string) string {
	_, origin := p.lookup(key)
	return origin
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
	for name, value := range c.Environment {
		if name == find(keyAPIToken).variable || name == find(keyStore).variable {
			continue
		}
		if err := os.Setenv(name, string(value)); err != nil {
			return err
		}
	}
	return nil
}
