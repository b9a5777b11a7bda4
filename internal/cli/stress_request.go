package cli

import (
	"cmp"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/net/http/httpguts"

	"lsapi/internal/safefile"
	"lsapi/internal/stress"
)

const (
	// maxHeaders bounds a file of headers; few servers accept more.
	maxHeaders = 32 << 10
	// maxStressBody bounds the body of a request.
	maxStressBody = 16 << 20
)

// setRequest sets the options of the request. It moves credentials from the URL to a
// header.
func (f *stressFlags) setRequest() (err error) {
	if f.Header, err = f.header(); err != nil {
		return err
	}
	f.URL = f.url.String()
	if f.Body, err = f.readBody(); err != nil {
		return err
	}
	if len(f.Body) > 0 {
		f.Method = cmp.Or(f.Method, http.MethodPost)
		if f.Header.Get("Content-Type") == "" {
			f.Header.Set("Content-Type", "application/json")
		}
	}
	f.Method = cmp.Or(f.Method, http.MethodGet)
	if !httpguts.ValidHeaderFieldName(f.Method) { // a method is a token, too
		return usagef("--method: must be such as GET or POST")
	}
	return nil
}

func (f *stressFlags) header() (http.Header, error) {
	header := make(http.Header)
	given, err := withFiles(f.headers)
	if err != nil {
		return nil, err
	}
	for _, given := range given {
		name, value, found := strings.Cut(given, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !found || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, usagef("--header: must be such as 'Accept: text/plain'")
		}
		header.Add(textproto.CanonicalMIMEHeaderKey(name), value)
	}
	if f.contentType != "" {
		if !httpguts.ValidHeaderFieldValue(f.contentType) {
			return nil, usagef("--content-type: must be such as application/json")
		}
		header.Set("Content-Type", f.contentType)
	}
	if user := f.url.User; user != nil {
		password, _ := user.Password()
		request := http.Request{Header: header}
		request.SetBasicAuth(user.Username(), password)
		f.url.User = nil
	}
	return header, nil
}

// withFiles replaces each @FILE with the headers in the file.
func withFiles(headers []string) ([]string, error) {
	var all []string
	for _, given := range headers {
		path, isFile := strings.CutPrefix(given, "@")
		if !isFile {
			all = append(all, given)
			continue
		}
		text, err := safefile.Read(path, maxHeaders)
		if err != nil {
			return nil, usagef("--header: cannot read %s: %w", path, safefile.WithoutPath(err))
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" {
				all = append(all, line)
			}
		}
	}
	return all, nil
}

func (f *stressFlags) readBody() ([]byte, error) {
	path, isFile := strings.CutPrefix(f.body, "@")
	if !isFile {
		return []byte(f.body), nil
	}
	body, err := safefile.Read(path, maxStressBody)
	if err != nil {
		return nil, usagef("--body: cannot read %s: %w", path, safefile.WithoutPath(err))
	}
	return body, nil
}

// shownHeaders are the headers whose values are not secret.
var shownHeaders = []string{"Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Content-Type", "Host", "If-None-Match", "User-Agent"}

// commandLine returns the command for the report. It omits possible credentials: values of
// most headers, bodies, and parts of URLs.
func (f *stressFlags) commandLine(flags *pflag.FlagSet, target string) string {
	words := []string{"lsapi", "stress"}
	flags.Visit(func(flag *pflag.Flag) {
		values := []string{flag.Value.String()}
		switch flag.Name {
		case "header":
			values = f.headers
		case "fail-if":
			values = f.failIf
		}
		for _, value := range values {
			switch flag.Name {
			case "header":
				value = withoutValue(value)
			case "steps":
				value = strings.Trim(value, "[]")
			case "body":
				if !strings.HasPrefix(value, "@") {
					value = fmt.Sprintf("… (%d bytes)", len(value))
				}
			case "aws-endpoint":
				value = stress.RedactURL(value)
			}
			words = append(words, "--"+flag.Name)
			if flag.Value.Type() != "bool" {
				words = append(words, quoted(value))
			}
		}
	})
	return strings.Join(append(words, quoted(stress.RedactURL(target))), " ")
}

func withoutValue(header string) string {
	name, _, _ := strings.Cut(header, ":")
	name = strings.TrimSpace(name)
	if strings.HasPrefix(header, "@") || slices.Contains(shownHeaders, textproto.CanonicalMIMEHeaderKey(name)) {
		return header
	}
	return name + ": …"
}

// quoted quotes a word for a shell.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+,=…", r)
	}
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
