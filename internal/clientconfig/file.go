package clientconfig

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/goccy/go-yaml"

	"lsapi/internal/config"
	"lsapi/internal/safefile"
)

const (
	// maxFileSize is far more than five settings need.
	maxFileSize = 64 << 10
	// maxPasswordSize is far more than lsapi accepts as a password.
	maxPasswordSize = 4 << 10
)

// file is the format of the configuration file.
type file struct {
	URL          string `yaml:"url"`
	User         string `yaml:"user"`
	Password     string `yaml:"password"`
	PasswordFile string `yaml:"passwordFile"`
	Token        string `yaml:"token"`
}

// problems collects all problems for one error.
type problems []string

func (p *problems) add(format string, args ...any) {
	*p = append(*p, fmt.Sprintf(format, args...))
}

func (p *problems) err() error {
	if len(*p) == 0 {
		return nil
	}
	return &config.Error{Problems: *p}
}

// readFile reads the configuration file, if it exists. A file named by the user must
// exist.
func (p *problems) readFile(s Sources) (layer, bool) {
	path, explicit := filePath(s)
	if path == "" {
		return layer{}, false
	}
	text, err := safefile.Read(path, maxFileSize)
	if errors.Is(err, fs.ErrNotExist) && !explicit {
		return layer{}, false
	}
	if err != nil {
		p.add("cannot read the configuration file %s: %v", path, err)
		return layer{}, false
	}
	var f file
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil && !errors.Is(err, io.EOF) { // EOF: an empty file
		p.add("%s: not a file of url, user, and password, passwordFile or token, each a string", located(path, err))
		return layer{}, false
	}
	if f.Password+f.Token != "" && readableByOthers(path) {
		p.add("%s contains a secret that others can read; run chmod 600 on it", path)
		return layer{}, false
	}
	if f.PasswordFile != "" && !filepath.IsAbs(f.PasswordFile) {
		f.PasswordFile = filepath.Join(filepath.Dir(path), f.PasswordFile)
	}
	return layer{
		source: path, url: f.URL, user: f.User, password: f.Password, passwordFile: f.PasswordFile, token: f.Token,
		ownURLOnly: true,
	}, true
}

// filePath returns the file to read, and whether the user named it.
func filePath(s Sources) (path string, explicit bool) {
	if s.Flags != nil {
		if f := s.Flags.Lookup(flagConfig); f != nil && f.Value.String() != "" {
			return f.Value.String(), true
		}
	}
	if path := config.Variable(s.Environ, "LSAPI_CONFIG"); path != "" {
		return path, true
	}
	// The XDG base directory specification: a relative path is ignored.
	if folder := config.Variable(s.Environ, "XDG_CONFIG_HOME"); filepath.IsAbs(folder) {
		return filepath.Join(folder, "lsapi", "config.yaml"), false
	}
	if home := config.Variable(s.Environ, "HOME"); home != "" {
		return filepath.Join(home, ".config", "lsapi", "config.yaml"), false
	}
	return "", false
}

// located returns the path and, if the decoder reports one, the line. The rest of
// the decoder's message quotes the text, which may contain secrets.
func located(path string, err error) string {
	if coded, ok := errors.AsType[yaml.Error](err); ok && coded.GetToken() != nil {
		return fmt.Sprintf("%s, line %d", path, coded.GetToken().Position.Line)
	}
	return path
}

// readableByOthers reports whether the group or others can read a file.
func readableByOthers(path string) bool {
	info, err := os.Stat(path)
	return runtime.GOOS != "windows" && (err != nil || info.Mode()&0o044 != 0)
}

// readPassword reads a file of one line, the password.
func (p *problems) readPassword(l *layer) string {
	text, err := safefile.Read(l.passwordFile, maxPasswordSize)
	if err != nil {
		p.add("%s: cannot read the password file %s: %v", l.source, l.passwordFile, err)
		return ""
	}
	if readableByOthers(l.passwordFile) {
		p.add("%s: others can read the password file %s; run chmod 600 on it", l.source, l.passwordFile)
		return ""
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" || strings.ContainsAny(password, "\r\n\x00") {
		p.add("%s: the password file %s is not one line of text", l.source, l.passwordFile)
		return ""
	}
	return password
}
