// Package access finds out where the service is and who asks it: from flags, the
// environment and a configuration file, in this order of precedence. It opens
// nothing but that file and the one of a password.
package access

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"lsapi/internal/config"
)

// DefaultURL is where lsapi demo listens, and lsapi serve on the same machine.
const DefaultURL = "http://127.0.0.1:8000"

// Access is how to reach a service.
type Access struct {
	// URL is where it is, with http or https.
	URL string
	// User is who asks. Empty is nobody: no credentials are sent.
	User     string
	Password config.Secret
	// From says for people where the credentials are from, or why there are none.
	From string
}

// Sources are where the settings come from. A variable that is set to nothing
// counts as not set.
type Sources struct {
	// Flags are those of AddFlags, parsed. Nil is none given.
	Flags *pflag.FlagSet
	// Environ is the environment, in the form of os.Environ.
	Environ []string
}

// The flags, which are also the names of the settings in the file.
const (
	flagURL          = "url"
	flagUser         = "user"
	flagPasswordFile = "password-file"
	flagConfig       = "config"
)

// AddFlags defines the flags. There is none for a password: arguments can be read
// by every user of the machine.
func AddFlags(flags *pflag.FlagSet) {
	flags.String(flagURL, "", "`URL` of the service [$LSAPI_URL] (default "+DefaultURL+")")
	flags.String(flagUser, "", "`name` of who asks [$LSAPI_USER]")
	flags.String(flagPasswordFile, "", "`file` with the password [$LSAPI_PASSWORD_FILE]")
	flags.String(flagConfig, "", "configuration `file` [$LSAPI_CONFIG] (default: lsapi/config.yaml in $XDG_CONFIG_HOME or ~/.config)")
}

// layer is what one source says.
type layer struct {
	source       string // for people
	url          string
	user         string
	password     string
	passwordFile string
	token        string // base64 of user:password, in place of the two
	oneService   bool   // its credentials are for its own URL only, if it has one
}

// Find merges and validates the settings. An error is of type *config.Error and
// names everything that is wrong, and shows no secret.
func Find(s Sources) (Access, error) {
	var p problems
	layers := []layer{ofFlags(s.Flags), ofEnvironment(s.Environ)}
	if file, ok := p.readFile(s); ok {
		layers = append(layers, file)
	}
	for i := range layers {
		p.complete(&layers[i])
	}
	found := Access{URL: DefaultURL}
	for _, l := range layers {
		if l.url != "" {
			found.URL = l.url
			p.checkURL(l)
			break
		}
	}
	p.addCredentials(&found, layers)
	return found, p.err()
}

func ofFlags(flags *pflag.FlagSet) layer {
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

func ofEnvironment(environ []string) layer {
	return layer{
		source:       "the environment",
		url:          config.Variable(environ, "LSAPI_URL"),
		user:         config.Variable(environ, "LSAPI_USER"),
		password:     config.Variable(environ, "LSAPI_PASSWORD"),
		passwordFile: config.Variable(environ, "LSAPI_PASSWORD_FILE"),
		token:        config.Variable(environ, "LSAPI_TOKEN"),
	}
}

// addCredentials finds the user and a password for it. A password counts for the
// user that its source names only, and those of a file for the file's service only:
// nobody's password is sent for somebody else, or to somewhere else.
func (p *problems) addCredentials(found *Access, layers []layer) {
	found.From = "none are set"
	for _, l := range layers {
		if l.user == "" && l.password == "" {
			continue
		}
		if l.isElsewhere(found.URL) {
			found.From = "none are set; those of " + l.source + " are for " + withoutUser(l.url)
			continue
		}
		if found.User == "" {
			found.User, found.From = l.user, l.source
		}
		if found.Password == "" && (l.user == "" || l.user == found.User) {
			found.Password = config.Secret(l.password)
		}
	}
	switch {
	case found.User != "" && found.Password == "":
		p.add("there is no password for the user %s: set LSAPI_PASSWORD, or name a file with --password-file", found.User)
	case found.User == "" && found.Password != "":
		p.add("there is a password and no user: name one with --user or LSAPI_USER")
	case strings.Contains(found.User, ":"):
		p.add("a user's name has no colon in it")
	}
}

// isElsewhere reports whether a layer's credentials are for another service than
// the one that is asked, which a stronger layer has named.
func (l *layer) isElsewhere(target string) bool {
	return l.oneService && l.url != "" && strings.TrimRight(l.url, "/") != strings.TrimRight(target, "/")
}

// withoutUser is a URL for people: one that no layer above has made way for is not
// checked, and may hold a password.
func withoutUser(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "another service"
	}
	u.User = nil
	return u.String()
}

// complete reads a layer's token or file of a password.
func (p *problems) complete(l *layer) {
	given := 0
	for _, secret := range []string{l.token, l.password, l.passwordFile} {
		if secret != "" {
			given++
		}
	}
	switch {
	case given > 1:
		p.add("%s: there are several of a token, a password and a file with one", l.source)
	case l.token != "" && l.user != "":
		p.add("%s: there are a token and a user; the token says who it is", l.source)
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
		p.add("%s: the URL has a user or a password in it; name them by --user and LSAPI_PASSWORD", l.source)
	case u.RawQuery != "" || u.Fragment != "":
		p.add("%s: the URL has a query or a fragment in it", l.source)
	}
}
