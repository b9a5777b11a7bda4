package access

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
	"lsapi/internal/guarded"
)

const (
	// maxFileSize is far above any file of five settings.
	maxFileSize = 64 << 10
	// maxPasswordSize is far above what lsapi takes for a password.
	maxPasswordSize = 4 << 10
)

// file is what the configuration file may say.
type file struct {
	URL          string `yaml:"url"`
	User         string `yaml:"user"`
	Password     string `yaml:"password"`
	PasswordFile string `yaml:"passwordFile"`
	Token        string `yaml:"token"`
}

// problems collects what is wrong, for one message.
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

// readFile reads the configuration file, if there is one. One that somebody has
// asked for must be there.
func (p *problems) readFile(s Sources) (layer, bool) {
	path, asked := filePath(s)
	if path == "" {
		return layer{}, false
	}
	text, err := guarded.Read(path, maxFileSize)
	if errors.Is(err, fs.ErrNotExist) && !asked {
		return layer{}, false
	}
	if err != nil {
		p.add("cannot read the configuration file %s: %v", path, err)
		return layer{}, false
	}
	var f file
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil && !errors.Is(err, io.EOF) { // EOF: an empty file
		p.add("%s: not a file of url, user, and password, passwordFile or token, each with a text", located(path, err))
		return layer{}, false
	}
	if f.Password+f.Token != "" && readableByOthers(path) {
		p.add("%s has a secret in it, and others can read it; take that from them with chmod 600", path)
		return layer{}, false
	}
	if f.PasswordFile != "" && !filepath.IsAbs(f.PasswordFile) {
		f.PasswordFile = filepath.Join(filepath.Dir(path), f.PasswordFile)
	}
	return layer{
		source: path, url: f.URL, user: f.User, password: f.Password, passwordFile: f.PasswordFile, token: f.Token,
		oneService: true,
	}, true
}

// filePath returns the file to read, and whether somebody asked for it.
func filePath(s Sources) (path string, asked bool) {
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

// located is the path, with the line if the decoder tells one. What else it says
// shows the text, secrets included.
func located(path string, err error) string {
	if coded, ok := errors.AsType[yaml.Error](err); ok && coded.GetToken() != nil {
		return fmt.Sprintf("%s, line %d", path, coded.GetToken().Position.Line)
	}
	return path
}

// readableByOthers reports whether anybody but the owner can read a file.
func readableByOthers(path string) bool {
	info, err := os.Stat(path)
	return runtime.GOOS != "windows" && (err != nil || info.Mode()&0o044 != 0)
}

// readPassword reads a file whose first line is a password.
func (p *problems) readPassword(l *layer) string {
	text, err := guarded.Read(l.passwordFile, maxPasswordSize)
	if err != nil {
		p.add("%s: cannot read the file with the password, %s: %v", l.source, l.passwordFile, err)
		return ""
	}
	if readableByOthers(l.passwordFile) {
		p.add("%s: others can read the file with the password, %s; take that from them with chmod 600", l.source, l.passwordFile)
		return ""
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" || strings.ContainsAny(password, "\r\n\x00") {
		p.add("%s: the file with the password, %s, is not one line of text", l.source, l.passwordFile)
		return ""
	}
	return password
}
