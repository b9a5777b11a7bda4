package config

import (
	"cmp"
	"os"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// DefaultEnvFile is the .env file of the working directory.
const DefaultEnvFile = ".env"

// Sources are where settings come from. A variable that is set to nothing counts
// as not set, in the environment and in the file, but for the store's: its default is
// a record of its own, and a deployment that fails to fill the variable in must not
// start with that beside the record of others.
type Sources struct {
	// Flags are those of AddFlags, parsed. Nil is none given.
	Flags *pflag.FlagSet
	// Environ is the environment, in the form of os.Environ.
	Environ []string
	// EnvFile is the .env file to read, if it exists, when neither the flag nor
	// ENV_FILE names another one, which then must exist. Empty is none.
	EnvFile string
	// CheckToken says what is wrong with an API token, without echoing it. Only
	// Load needs it.
	CheckToken func(token string) error
	// CheckUsersFile says what is wrong with a file of users beside a token that
	// may be empty, without echoing either. Only Load needs it, if there is a file.
	CheckUsersFile func(path, token string) error
}

// Load merges and validates the settings. An error is of type *Error and names
// everything that is wrong.
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
		Environment:     unset(p.file, s.Environ),
	}
	p.checkBounds(cfg)
	return cfg, p.err()
}

// Listen returns the address that Load would, for whoever wants to reach the
// service and need not know the rest. Its errors are Load's.
func Listen(s Sources) (string, error) {
	p := newParser(s)
	address := p.listen()
	return address, p.err()
}

// Store returns the URL of the record of changes that Load would, for whoever
// reads it and need not know the rest. Its errors are Load's.
func Store(s Sources) (Secret, error) {
	p := newParser(s)
	url := p.store()
	return url, p.err()
}

// AWS returns what Load would of the AWS that is asked, and the variables of the .env
// file, for checks that need not know the rest. Its errors are Load's.
func AWS(s Sources) (Config, error) {
	p := newParser(s)
	cfg := Config{Region: p.region(), AWSEndpoint: p.awsEndpoint(), Environment: unset(p.file, s.Environ)}
	return cfg, p.err()
}

// AddAWSFlags defines the flags that AWS needs.
func AddAWSFlags(flags *pflag.FlagSet) {
	for _, key := range []string{keyRegion, keyAWSEndpoint, keyEnvFile} {
		find(key).addTo(flags)
	}
}

// AddStoreFlags defines the flags that Store needs.
func AddStoreFlags(flags *pflag.FlagSet) {
	for _, key := range []string{keyStore, keyEnvFile} {
		find(key).addTo(flags)
	}
}

// merge lays the sources over one another, the strongest last, and returns the
// variables of the .env file besides.
func merge(s Sources) (merged *koanf.Koanf, file, found []string) {
	file, err := readEnvFile(s)
	if err != nil {
		found = append(found, err.Error())
	}
	merged = koanf.New(".")
	layers := []koanf.Provider{
		confmap.Provider(defaults(), ""),
		environment(file),
		environment(s.Environ),
	}
	if s.Flags != nil {
		layers = append(layers, posflag.Provider(s.Flags, ".", merged))
	}
	for _, layer := range layers {
		// They all read from memory, so that only a defect can fail here.
		if err := merged.Load(layer, nil); err != nil {
			found = append(found, err.Error())
		}
	}
	return merged, file, found
}

// origin returns where a setting is set, empty when only its default is there. The
// strongest source with a value counts; one without a value counts when none has any.
func origin(s Sources, file []string, key string) string {
	if s.Flags != nil && s.Flags.Changed(key) {
		return "set by the flag"
	}
	variable := find(key).variable
	path, _ := envFilePath(s)
	places := []struct {
		variables []string
		name      string
	}{{s.Environ, "in the environment"}, {file, "in " + path}}
	for _, place := range places {
		if strings.TrimSpace(Variable(place.variables, variable)) != "" {
			return "set " + place.name
		}
	}
	for _, place := range places {
		if slices.ContainsFunc(place.variables, func(entry string) bool { return strings.HasPrefix(entry, variable+"=") }) {
			return "set to nothing " + place.name
		}
	}
	return ""
}

// StoreOrigin names the setting of the record's URL and says where it is set, for
// errors of the record.
func StoreOrigin(s Sources) string {
	p := newParser(s)
	return name(keyStore) + ", " + cmp.Or(origin(s, p.file, keyStore), "the default")
}

func defaults() map[string]any {
	values := make(map[string]any)
	for _, s := range settings() {
		values[s.key] = s.fallback
	}
	return values
}

// environment provides the settings among variables, which have the form of
// os.Environ.
func environment(variables []string) koanf.Provider {
	keys := make(map[string]string)
	for _, s := range settings() {
		keys[s.variable] = s.key
	}
	return env.Provider(".", env.Opt{
		EnvironFunc: func() []string { return variables },
		TransformFunc: func(variable, value string) (string, any) {
			if value == "" {
				return "", nil
			}
			return keys[variable], value
		},
	})
}

// Export puts the .env file's variables into the environment of this process,
// where the AWS SDK and the clock look for theirs. It leaves out the secrets that
// nobody but lsapi needs. It is for the start of a process, before anything has
// looked.
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
