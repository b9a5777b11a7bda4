package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// maxEnvFileSize is far above any file of variables and keeps a wrong path, such
// as that of a device, from filling the memory.
const maxEnvFileSize = 64 << 10

// readEnvFile returns the variables of the .env file that the sources name, in
// the form of os.Environ. Its errors name the file and the line, never what is
// written there.
func readEnvFile(s Sources) ([]string, error) {
	path, asked := envFilePath(s)
	if path == "" {
		return nil, nil
	}
	text, err := readBounded(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !asked:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: cannot read the file of variables %s: %w", name(keyEnvFile), path, withoutPath(err))
	}
	variables, ok := parseEnv(text)
	if !ok {
		return nil, fmt.Errorf("%s: %s, line %d: not a line of the form NAME=value", name(keyEnvFile), path, malformedLine(text))
	}
	return variables, nil
}

// envFilePath returns the file to read, and whether somebody asked for it.
func envFilePath(s Sources) (path string, asked bool) {
	if s.Flags != nil && s.Flags.Changed(keyEnvFile) {
		path, _ := s.Flags.GetString(keyEnvFile)
		return path, true
	}
	if path := lookup(s.Environ, find(keyEnvFile).variable); path != "" {
		return path, true
	}
	return s.EnvFile, false
}

func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() && info.Mode()&0o002 != 0 && runtime.GOOS != "windows" {
		return nil, errors.New("everybody on this machine can write to it; take that from them with chmod o-w")
	}
	text, err := io.ReadAll(io.LimitReader(file, maxEnvFileSize+1))
	if err == nil && len(text) > maxEnvFileSize {
		err = fmt.Errorf("it is larger than %d bytes", maxEnvFileSize)
	}
	return bytes.TrimPrefix(text, []byte("\ufeff")), err // some editors begin with a byte order mark
}

// parseEnv reports false for a malformed text. The library's own error is no use
// to anyone: it holds the rest of the file, secrets included.
func parseEnv(text []byte) ([]string, bool) {
	values, err := godotenv.UnmarshalBytes(text)
	if err != nil {
		return nil, false
	}
	var variables []string
	for name, value := range values {
		// The library lets a last line without "=" pass, as a value without a name.
		if name == "" || strings.ContainsRune(value, 0) {
			return nil, false
		}
		variables = append(variables, name+"="+value)
	}
	return variables, true
}

// malformedLine returns the number of the line at which the first statement that
// does not parse begins. A statement can go on for several lines, in quotes.
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

// unset returns the variables that environ does not set.
func unset(variables, environ []string) map[string]Secret {
	values := make(map[string]Secret)
	for _, entry := range variables {
		name, value, _ := strings.Cut(entry, "=")
		if lookup(environ, name) == "" {
			values[name] = Secret(value)
		}
	}
	return values
}

// lookup returns the value of a variable in environ; the last one counts.
func lookup(environ []string, variable string) (value string) {
	for _, entry := range environ {
		if v, found := strings.CutPrefix(entry, variable+"="); found {
			value = v
		}
	}
	return value
}

// withoutPath drops from a file's error the path that the message names already.
func withoutPath(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return pathError.Err
	}
	return err
}
