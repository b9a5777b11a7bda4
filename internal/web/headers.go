package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"lsapi"
)

const (
	// maxReason is how many characters a reason may have: a sentence or two, and a
	// link.
	maxReason = 256
	// maxIdempotencyKey is how long an idempotency key may be. A UUID has 36
	// characters.
	maxIdempotencyKey = 128
)

// reason returns why a change is asked for, in the words of who asks.
func reason(h http.Header) (string, error) {
	fields := h["X-Reason"]
	if len(fields) == 0 {
		return "", nil
	}
	if len(fields) > 1 {
		return "", invalidHeader("X-Reason is there more than once")
	}
	text, err := decodeText(fields[0])
	if err != nil {
		return "", err
	}
	text = strings.TrimSpace(text)
	switch {
	case utf8.RuneCountInString(text) > maxReason:
		return "", invalidHeader("X-Reason has more than 256 characters")
	case strings.ContainsFunc(text, unicode.IsControl):
		return "", invalidHeader("X-Reason has control characters in it")
	}
	return text, nil
}

// extValue is the form of RFC 8187 in which any text is ASCII: the character set, a
// language, and the text with percent signs.
var extValue = regexp.MustCompile(`^(?i:utf-8)'[A-Za-z0-9-]*'`)

// decodeText returns the text of a header field. HTTP has no encoding for one: some
// clients send UTF-8, others (Python's requests, Node's fetch) Latin-1, and any of
// them can send an ext-value. What is valid UTF-8 is taken for it.
func decodeText(field string) (string, error) {
	if prefix := extValue.FindString(field); prefix != "" {
		text, err := url.PathUnescape(field[len(prefix):])
		if err != nil || !utf8.ValidString(text) {
			return "", invalidHeader("X-Reason begins with " + prefix + ", and the rest is not UTF-8 with percent signs")
		}
		return text, nil
	}
	if utf8.ValidString(field) {
		return field, nil
	}
	characters := make([]rune, len(field))
	for i := range len(field) {
		characters[i] = rune(field[i]) // each byte of Latin-1 is the number of its character
	}
	return string(characters), nil
}

// idempotencyKey returns the key under which a request may be sent again, and
// whether it has one.
func idempotencyKey(h http.Header) (key string, given bool, err error) {
	fields := h["Idempotency-Key"]
	switch {
	case len(fields) == 0:
		return "", false, nil
	case len(fields) > 1:
		return "", true, invalidHeader("Idempotency-Key is there more than once")
	case len(fields[0]) < 1 || len(fields[0]) > maxIdempotencyKey || strings.ContainsFunc(fields[0], isNotVisible):
		return "", true, invalidHeader("Idempotency-Key must be 1 to 128 visible ASCII characters")
	}
	return fields[0], true, nil
}

// isNotVisible is true for everything but the visible characters of ASCII.
func isNotVisible(r rune) bool { return r < '!' || r > '~' }

func invalidHeader(why string) error { return &lsapi.Error{Code: lsapi.CodeInvalid, Message: why} }
