// Package clientconfig loads the URL and the credentials of the client commands from
// flags, the environment and a configuration file, in this order of precedence.
package clientconfig

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"lsapi/internal/config"
)

// DefaultURL is where lsapi demo listens, and lsapi serve on the same machine.
const DefaultURL = "http://127.0.0.1:8000"

// Config is how to reach a service.
type Config struct {
	URL string // http or https
	// User and Password are both empty when no credentials are sent.
	User     string
	Password config.Secret
	// Origin describes the source of the credentials, or why there are none.
	Origin string
}

// Sources are the flags and the environment. An empty variable counts as not set.
type Sources struct {
	// Flags are those of AddFlags, parsed. Nil means none.
	Flags *pflag.FlagSet
	// Environ has the form of os.Environ.
	Environ []string
}

// The names of the flags.
const (
	flagURL          = "url"
	flagUser         = "user"
	flagPasswordFile = "password-file"
	flagConfig       = "config"
)

// AddFlags defines the flags. There is no flag for the password: every user of the
// machine can read the arguments of a process.
func AddFlags(flags *pflag.FlagSet) {
	flags.String(flagURL, "", "`URL` of the service [$LSAPI_URL] (default "+DefaultURL+")")
	flags.String(flagUser, "", "user `name` [$LSAPI_USER]")
	flags.String(flagPasswordFile, "", "`file` with the password [$LSAPI_PASSWORD_FILE]")
	flags.String(flagConfig, "", "configuration `file` [$LSAPI_CONFIG] (default: lsapi/config.yaml in $XDG_CONFIG_HOME or ~/.config)")
}

// layer holds the settings of one source.
type layer struct {
	source       string // for messages
	url          string
	user         string
	password     string
	passwordFile string
	token        string // base64 of user:password, instead of the two
	ownURLOnly   bool   // the credentials are only for the layer's own URL, if it has one
}

// Load merges and validates the settings. Its error is a *config.Error that names
// every problem and shows no secret.
func Load(s Sources) (Config, error) {
	var p problems
	layers := []layer{flagLayer(s.Flags), environmentLayer(s.Environ)}
	if file, ok := p.readFile(s); ok {
		layers = append(layers, file)
	}
	for i := range layers {
		p.resolvePassword(&layers[i])
	}
	c := Config{URL: DefaultURL}
	for _, l := range layers {
		if l.url != "" {
			c.URL = l.url
			p.checkURL(l)
			break
		}
	}
	p.addCredentials(&c, layers)
	return c, p.err()
}

func flagLayer(flags *pflag.FlagSet) layer {
	l := layer{source: "the flags"}
	if flags == nil {
		return l
	}
	for name, value := range map[string]*string{flagURL: &l.url, flagUser: &l.user, flagPasswordFile: &l.passwordFile} {
		if f := flags.Lookup(name); f != nil {
			*value = f.Value.String()
		}
	}
	return l
}

func environmentLayer(environ []string) layer {
	return layer{
		source:       "the environment",
		url:          config.Variable(environ, "LSAPI_URL"),
		user:         config.Variable(environ, "LSAPI_USER"),
		password:     config.Variable(environ, "LSAPI_PASSWORD"),
		passwordFile: config.Variable(environ, "LSAPI_PASSWORD_FILE"),
		token:        config.Variable(environ, "LSAPI_TOKEN"),
	}
}

// addCredentials selects the user and a password. A layer's password is used only
// for the user that the layer names, and a file's only for the file's URL, so that a
// password never reaches another user's session or another service.
func (p *problems) addCredentials(c *Config, layers []layer) {
	c.Origin = "none are set"
	for _, l := range layers {
		if l.user == "" && l.password == "" {
			continue
		}
		if l.isForOtherURL(c.URL) {
			c.Origin = "none are set; those of " + l.source + " are for " + withoutUser(l.url)
			continue
		}
		if c.User == "" {
			c.User, c.Origin = l.user, l.source
		}
		if c.Password == "" && (l.user == "" || l.user == c.User) {
			c.Password = config.Secret(l.password)
		}
	}
	switch {
	case c.User != "" && c.Password == "":
		p.add("there is no password for the user %s: set LSAPI_PASSWORD, or name a file with --password-file", c.User)
	case c.User == "" && c.Password != "":
		p.add("there is a password but no user: name one with --user or LSAPI_USER")
	case strings.Contains(c.User, ":"):
		p.add("a user name cannot contain a colon")
	}
}

func (l *layer) isForOtherURL(target string) bool {
	return l.ownURLOnly && l.url != "" && strings.TrimRight(l.url, "/") != strings.TrimRight(target, "/")
}

// withoutUser removes the user and the password from a URL that is not validated.
func withoutUser(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "another service"
	}
	u.User = nil
	return u.String()
}

// resolvePassword reads the layer's token or password file into user and password.
func (p *problems) resolvePassword(l *layer) {
	given := 0
	for _, secret := range []string{l.token, l.password, l.passwordFile} {
		if secret != "" {
			given++
		}
	}
	switch {
	case given > 1:
		p.add("%s: set only one of token, password and password file", l.source)
	case l.token != "" && l.user != "":
		p.add("%s: set either a token or a user; the token contains the user", l.source)
	case l.token != "":
		text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(l.token))
		user, password, ok := strings.Cut(string(text), ":")
		if err != nil || !ok || user == "" || password == "" {
			p.add("%s: the token is not base64 of user:password, made by: printf '%%s' 'user:password' | base64", l.source)
			return
		}
		l.user, l.password = user, password
	case l.passwordFile != "":
		l.password = p.readPassword(l)
	}
}

func (p *problems) checkURL(l layer) {
	u, err := url.Parse(l.url)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		p.add("%s: the URL is not an http or https URL, such as %s", l.source, DefaultURL)
	case u.User != nil:
		p.add("%s: the URL contains a user or a password; use --user and LSAPI_PASSWORD instead", l.source)
	case u.RawQuery != "" || u.Fragment != "":
		p.add("%s: the URL contains a query or a fragment", l.source)
	}
}
