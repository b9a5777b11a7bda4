package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/joho/godotenv"

	"lsapi/internal/safefile"
)

// maxEnvFileSize is far more than a .env file needs.
const maxEnvFileSize = 64 << 10

// readEnvFile returns the variables of the .env file. Its errors name the file and the
// line but never quote the text.
func readEnvFile(s Sources) (map[string]string, error) {
	path, explicit := envFilePath(s)
	if path == "" {
		return nil, nil
	}
	text, err := safefile.Read(path, maxEnvFileSize)
	switch {
	case !explicit && (errors.Is(err, fs.ErrNotExist) || isInClosedFolder(path)):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: cannot read the file of variables %s: %w", name(keyEnvFile), path, err)
	}
	variables, ok := parseEnv(text)
	if !ok {
		return nil, fmt.Errorf("%s: %s, line %d: not a line of the form NAME=value", name(keyEnvFile), path, malformedLine(text))
	}
	return variables, nil
}

// isInClosedFolder reports whether this user may not search the folder of the file, as
// after `sudo -u lsapi` in the home of another user.
func isInClosedFolder(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrPermission)
}

// envFilePath returns the file to read, and whether the user named it.
func envFilePath(s Sources) (path string, explicit bool) {
	if s.Flags != nil && s.Flags.Changed(keyEnvFile) {
		path, _ := s.Flags.GetString(keyEnvFile)
		return path, true
	}
	if path := Variable(s.Environ, find(keyEnvFile).variable); path != "" {
		return path, true
	}
	return s.EnvFile, false
}

// dollar replaces $ while the library parses a file: it would expand $NAME, and so cut
// words out of passwords. Docker and systemd, which read the same files, do not expand.
const dollar = "\x00"

// parseEnv returns false for malformed text. It drops the library's error, which
// quotes the rest of the file, secrets included.
func parseEnv(text []byte) (map[string]string, bool) {
	if bytes.Contains(text, []byte(dollar)) {
		return nil, false
	}
	values, err := godotenv.UnmarshalBytes(bytes.ReplaceAll(text, []byte("$"), []byte(dollar)))
	if err != nil {
		return nil, false
	}
	for name, value := range values {
		values[name] = strings.ReplaceAll(value, dollar, "$")
	}
	_, nameless := values[""] // the library accepts a last line without "="
	return values, !nameless
}

// malformedLine returns the line number of the first malformed statement. A quoted
// value can span several lines.
func malformedLine(text []byte) int {
	lines := slices.Collect(bytes.Lines(text))
	begin := 0
	for end := range lines {
		if _, ok := parseEnv(bytes.Join(lines[begin:end+1], nil)); ok {
			begin = end + 1
		}
	}
	return begin + 1
}

// unset returns the variables of the .env file that the environment does not set.
func (p *parser) unset() map[string]Secret {
	values := make(map[string]Secret)
	for name, value := range p.file {
		if Variable(p.sources.Environ, name) == "" {
			values[name] = Secret(value)
		}
	}
	return values
}

// Variable returns the value of a variable in an environment in the form of
// os.Environ. The last entry wins.
func Variable(environ []string, variable string) (value string) {
	for _, entry := range environ {
		if v, found := strings.CutPrefix(entry, variable+"="); found {
			value = v
		}
	}
	return value
}
