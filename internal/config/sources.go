package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

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
	// CheckPolicy validates a policy file. If its error has the method Lines() []string, each
	// is a problem. Only Load and Notifications call it.
	CheckPolicy func(path string) error
	// CheckAWS reports the variables of the AWS SDK that are invalid. No problem contains a
	// secret. Only Load and AWS call it. Nil means no check.
	CheckAWS func(value func(variable string) string, report func(variable, problem string))
}

// parser converts settings into values and collects problems.
type parser struct {
	sources  Sources
	file     map[string]string // the variables of the .env file
	problems []string
}

func newParser(s Sources) *parser {
	p := &parser{sources: s}
	file, err := readEnvFile(s)
	if err != nil {
		p.problems = append(p.problems, err.Error())
	}
	p.file = file
	return p
}

// problem adds a problem of a setting and where the setting comes from. The message
// must not contain the value.
func (p *parser) problem(key, format string, args ...any) {
	text := name(key) + ": " + fmt.Sprintf(format, args...)
	if where := p.origin(key); where != "" {
		text += "; it is " + where
	}
	p.problems = append(p.problems, text)
}

func (p *parser) err() error {
	if len(p.problems) == 0 {
		return nil
	}
	return &Error{Problems: p.problems}
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
