package exchange

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// EntityTag returns the strong entity tag of a body. It is the same in every process.
func EntityTag(body []byte) string {
	digest := sha256.Sum256(body)
	return `"` + hex.EncodeToString(digest[:16]) + `"`
}

// NotModified sets ETag to a strong tag, and answers 304 if the client has that version.
func (x *Exchange) NotModified(tag string) bool {
	x.SetHeader("Etag", tag)
	if !slices.ContainsFunc(x.Request.Header["If-None-Match"], func(field string) bool { return matches(field, tag) }) {
		return false
	}
	x.WriteHeader(http.StatusNotModified)
	return true
}

// SetAge sets Age to the time since asOf in whole seconds, rounded up.
func (x *Exchange) SetAge(asOf time.Time) {
	x.SetHeader("Age", strconv.FormatInt(wholeSeconds(time.Since(asOf)), 10))
}

// RequiresFresh reports whether the request's Cache-Control has the directive no-cache.
func (x *Exchange) RequiresFresh() bool {
	for _, field := range x.Request.Header["Cache-Control"] {
		for directive := range strings.SplitSeq(field, ",") {
			if strings.EqualFold(strings.TrimSpace(directive), "no-cache") {
				return true
			}
		}
	}
	return false
}

// matches reports whether an If-None-Match matches the strong tag by weak comparison
// (RFC 9110, 8.8.3.2 and 13.1.2). The rest of a field after a malformed entry is ignored.
func matches(field, tag string) bool {
	const space = " \t"
	if strings.Trim(field, space) == "*" {
		return true
	}
	for {
		field = strings.TrimLeft(field, space+",")
		candidate, rest, ok := cutTag(field)
		rest = strings.TrimLeft(rest, space)
		if !ok || rest != "" && rest[0] != ',' {
			return false
		}
		if candidate == tag {
			return true
		}
		field = rest
	}
}

// cutTag cuts the first entity tag off a list, without the mark of a weak one.
func cutTag(list string) (tag, rest string, ok bool) {
	list = strings.TrimPrefix(list, "W/")
	if list == "" || list[0] != '"' {
		return "", "", false
	}
	end := strings.IndexByte(list[1:], '"') + 2
	if end < 2 {
		return "", "", false
	}
	return list[:end], list[end:], true
}
