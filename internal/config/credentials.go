package config

import (
	"cmp"
	"path/filepath"
	"strings"

	"lsapi"
	"lsapi/internal/safefile"
)

// PackageTokenFile is the file that lsapi.service of the packages loads as its credential.
const PackageTokenFile = "/etc/lsapi/api-token" //nolint:gosec // a path

// maxTokenFile is more than the longest valid token.
const maxTokenFile = 4 << 10

// credentials returns the API token and the path of the users file.
func (p *parser) credentials(s Sources) (Secret, string) {
	token, key := p.token()
	if token != "" {
		if err := s.CheckToken(token); err != nil {
			p.problem(key, "%s%s", p.tokenFile(key), message(err))
		}
	}
	users := p.text(keyUsersFile)
	if users != "" {
		if err := s.CheckUsersFile(users, token); err != nil {
			p.problem(keyUsersFile, "%s: %s", users, message(err))
		}
	}
	return Secret(token), users
}

// token returns the API token and the setting that it comes from. An empty file counts as not
// set, as an empty variable does: a unit cannot load a credential only if its file exists. A
// missing token is a problem if there is no users file either.
func (p *parser) token() (token, key string) {
	token, path := p.text(keyAPIToken), p.text(keyTokenFile)
	if path == "" {
		if token == "" && p.text(keyUsersFile) == "" {
			p.problem(keyAPIToken, "not set; it is base64 of user:password, made by: printf '%%s' 'user:password' | base64; "+
				"or name a file that holds it with %s, or a file of users, made by htpasswd -B, with %s", name(keyTokenFile), name(keyUsersFile))
		}
		return token, keyAPIToken
	}
	text, err := safefile.Read(path, maxTokenFile)
	inFile := strings.TrimSpace(string(text))
	switch {
	case err != nil:
		p.problem(keyTokenFile, "%s: cannot read it: %v", path, err)
	case inFile != "" && token != "":
		p.problem(keyAPIToken, "set beside %s; use one of them", name(keyTokenFile))
	case inFile == "" && token == "" && p.text(keyUsersFile) == "":
		p.emptyTokenFile(path)
	case token != "":
		return token, keyAPIToken
	}
	return inFile, keyTokenFile
}

// emptyTokenFile adds a problem with the command that makes a token. A credential of systemd is a
// copy, which is empty if the file that it is loaded from does not exist.
func (p *parser) emptyTokenFile(path string) {
	const command = "printf '%s' 'user:password' | base64"
	if p.isCredential(path) {
		// Without the origin: the command is pasted as it is.
		p.problems = append(p.problems, name(keyTokenFile)+": no token; make one with: "+command+" | sudo install -m 600 /dev/stdin "+PackageTokenFile)
		return
	}
	p.problem(keyTokenFile, "%s: it is empty; it must hold base64 of user:password, made by: %s", path, command)
}

// tokenFile returns the file in which a person finds the token, and a colon; nothing for a token in a
// variable.
func (p *parser) tokenFile(key string) string {
	path := p.text(keyTokenFile)
	switch {
	case key != keyTokenFile:
		return ""
	case p.isCredential(path):
		path = PackageTokenFile
	}
	return path + ": "
}

// isCredential reports whether systemd passes the file on.
func (p *parser) isCredential(path string) bool {
	directory, _ := p.variable("CREDENTIALS_DIRECTORY")
	return directory != "" && filepath.Dir(path) == filepath.Clean(directory)
}

// message returns the text of an error without its code.
func message(err error) string { return cmp.Or(lsapi.AsError(err).Message, err.Error()) }
