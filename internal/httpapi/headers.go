package httpapi

import (
	"net/http"
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

// reason returns why a change is asked for, in the words of who asks. Header
// fields are bytes, which are taken for UTF-8.
func reason(h http.Header) (string, error) {
	fields := h["X-Reason"]
	if len(fields) == 0 {
		return "", nil
	}
	if len(fields) > 1 {
		return "", invalidHeader("X-Reason is there more than once")
	}
	text := strings.TrimSpace(fields[0])
	switch {
	case !utf8.ValidString(text):
		return "", invalidHeader("X-Reason is not UTF-8")
	case utf8.RuneCountInString(text) > maxReason:
		return "", invalidHeader("X-Reason has more than 256 characters")
	case strings.ContainsFunc(text, unicode.IsControl):
		return "", invalidHeader("X-Reason has control characters in it")
	}
	return text, nil
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
