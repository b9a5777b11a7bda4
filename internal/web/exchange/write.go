package exchange

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"lsapi"
)

const (
	// maxBody is the maximal size of a body. A usual one has 40 bytes.
	maxBody = 64 << 10
	// maxReason is the maximal number of characters of a reason.
	maxReason = 256
)

// Body reads the body. CodeTooLarge: it has more than 64 KiB.
func (x *Exchange) Body() ([]byte, error) {
	tooLarge := lsapi.Errorf(lsapi.CodeTooLarge, "the body is larger than 64 KiB")
	if x.Request.ContentLength > maxBody {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(x.ResponseWriter, x.Request.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	if err != nil {
		return nil, &lsapi.Error{Code: lsapi.CodeInvalid, Message: "the body could not be read to its end", Err: err}
	}
	return body, nil
}

// Reason returns the caller's reason for a change, from the header X-Reason.
func (x *Exchange) Reason() (string, error) {
	fields := x.Request.Header["X-Reason"]
	if len(fields) == 0 {
		return "", nil
	}
	if len(fields) > 1 {
		return "", Invalid("X-Reason is there more than once")
	}
	text, err := decodeText(fields[0])
	if err != nil {
		return "", err
	}
	text = strings.TrimSpace(text)
	switch {
	case utf8.RuneCountInString(text) > maxReason:
		return "", Invalid("X-Reason has more than 256 characters")
	case strings.ContainsFunc(text, unicode.IsControl):
		return "", Invalid("X-Reason has control characters in it")
	}
	return text, nil
}

// extValue matches the start of an ext-value of RFC 8187: the character set, a language,
// and then the percent-encoded text.
var extValue = regexp.MustCompile(`^(?i:utf-8)'[A-Za-z0-9-]*'`)

// decodeText returns the text of a header. Some clients send UTF-8, others, such as
// Python's requests and Node's fetch, Latin-1, and any can send an ext-value.
func decodeText(field string) (string, error) {
	if prefix := extValue.FindString(field); prefix != "" {
		text, err := url.PathUnescape(field[len(prefix):])
		if err != nil || !utf8.ValidString(text) {
			return "", Invalid("X-Reason begins with " + prefix + ", and the rest is not UTF-8 with percent signs")
		}
		return text, nil
	}
	if utf8.ValidString(field) {
		return field, nil
	}
	characters := make([]rune, len(field))
	for i := range len(field) {
		characters[i] = rune(field[i]) // a byte of Latin-1 is the number of its character
	}
	return string(characters), nil
}

// saneKey matches idempotency keys: visible ASCII. A UUID has 36 characters.
var saneKey = regexp.MustCompile(`^[\x21-\x7e]{1,128}$`)

// IdempotencyKey returns the request's idempotency key, and whether it has one.
func (x *Exchange) IdempotencyKey() (key string, given bool, err error) {
	fields := x.Request.Header["Idempotency-Key"]
	switch {
	case len(fields) == 0:
		return "", false, nil
	case len(fields) > 1:
		return "", true, Invalid("Idempotency-Key is there more than once")
	case !saneKey.MatchString(fields[0]):
		return "", true, Invalid("Idempotency-Key must be 1 to 128 visible ASCII characters")
	}
	return fields[0], true, nil
}

// Invalid returns a CodeInvalid with a message.
func Invalid(message string) error { return &lsapi.Error{Code: lsapi.CodeInvalid, Message: message} }
