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
	// maxLargeBody is that of a body for many members: a thousand with AWS's longest ids have
	// some 40 KB. largeBody is the same in words.
	maxLargeBody = 1 << 20
	largeBody    = "1 MiB"
	// maxReason is the maximal number of characters of a reason.
	maxReason = 256

	reasonHeader   = "X-Reason"
	overrideHeader = "X-Override-Guard"
)

// Body reads the body. CodeTooLarge: it has more than 64 KiB.
func (x *Exchange) Body() ([]byte, error) {
	const limit = "64 KiB"
	if x.Request.ContentLength > maxBody {
		return nil, tooLarge(limit)
	}
	return x.readBody(maxBody, limit)
}

// LargeBody reads a body of up to 1 MiB. If it has more than 64 KiB, admit is called before
// the rest is read, whose error is returned. CodeTooLarge: it is larger.
func (x *Exchange) LargeBody(admit func() error) ([]byte, error) {
	if x.Request.ContentLength > maxLargeBody {
		return nil, tooLarge(largeBody)
	}
	body, err := io.ReadAll(io.LimitReader(x.Request.Body, maxBody))
	if err != nil {
		return nil, incomplete(err)
	}
	if len(body) < maxBody {
		return body, nil
	}
	if err := admit(); err != nil {
		return nil, err
	}
	rest, err := x.readBody(maxLargeBody-maxBody, largeBody)
	return append(body, rest...), err
}

// readBody reads the body, of at most so many bytes, which are limit in words.
func (x *Exchange) readBody(most int64, limit string) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(x.ResponseWriter, x.Request.Body, most))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge(limit)
	}
	if err != nil {
		return nil, incomplete(err)
	}
	return body, nil
}

func tooLarge(limit string) error {
	return lsapi.Errorf(lsapi.CodeTooLarge, "the body is larger than %s", limit)
}

func incomplete(err error) error {
	return &lsapi.Error{Code: lsapi.CodeInvalid, Message: "the body could not be read to its end", Err: err}
}

// Reason returns the caller's reason for a change, from the header X-Reason.
func (x *Exchange) Reason() (string, error) {
	text, _, err := x.textHeader(reasonHeader)
	return text, err
}

// Override returns the caller's reason to override guards, from the header
// X-Override-Guard. Empty: there is none.
func (x *Exchange) Override() (string, error) {
	text, given, err := x.textHeader(overrideHeader)
	if err == nil && given && text == "" {
		return "", Invalid(overrideHeader + " is empty; it is the reason to override the guards")
	}
	return text, err
}

// textHeader returns a header that is a text for the record, and whether it is there.
func (x *Exchange) textHeader(name string) (text string, given bool, err error) {
	fields := x.Request.Header[name]
	switch {
	case len(fields) == 0:
		return "", false, nil
	case len(fields) > 1:
		return "", true, Invalid(name + " is there more than once")
	}
	if text, err = decodeText(name, fields[0]); err != nil {
		return "", true, err
	}
	text, wrong := CleanReason(text)
	if wrong != "" {
		return "", true, Invalid(name + " " + wrong)
	}
	return text, true, nil
}

// CleanReason returns a caller's text without space around it, or what is wrong with it.
func CleanReason(text string) (clean, wrong string) {
	text = strings.TrimSpace(text)
	switch {
	case utf8.RuneCountInString(text) > maxReason:
		return "", "has more than 256 characters"
	case strings.ContainsFunc(text, unicode.IsControl):
		return "", "has control characters in it"
	}
	return text, ""
}

// extValue matches the start of an ext-value of RFC 8187: the character set, a language,
// and then the percent-encoded text.
var extValue = regexp.MustCompile(`^(?i:utf-8)'[A-Za-z0-9-]*'`)

// decodeText returns the text of a header. Some clients send UTF-8, others, such as
// Python's requests and Node's fetch, Latin-1, and any can send an ext-value.
func decodeText(name, field string) (string, error) {
	if prefix := extValue.FindString(field); prefix != "" {
		text, err := url.PathUnescape(field[len(prefix):])
		if err != nil || !utf8.ValidString(text) {
			return "", Invalid(name + " begins with " + prefix + ", and the rest is not UTF-8 with percent signs")
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
