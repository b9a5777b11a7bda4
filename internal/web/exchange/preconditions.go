package exchange

import (
	"net/http"
	"strings"

	"lsapi"
)

// maxTags is the number of entity tags that an If-Match may have.
const maxTags = 100

// IfMatch returns the versions in the header If-Match, without their quotes: lsapi.AnyVersion, or
// those of which one must match. Nil: there is no such header. A weak tag never matches (RFC
// 9110, 13.1.1). It is left out, and if there is no other kept as it is, which no version is.
func (x *Exchange) IfMatch() ([]string, error) {
	fields := x.Request.Header["If-Match"]
	if len(fields) == 0 {
		return nil, nil
	}
	list := strings.Join(fields, ",")
	if strings.Trim(list, listSpace) == lsapi.AnyVersion {
		return []string{lsapi.AnyVersion}, nil
	}
	var strong, weak []string
	for list = strings.TrimLeft(list, listSpace+","); list != ""; list = strings.TrimLeft(list, listSpace+",") {
		tag, rest, ok := cutTag(list)
		rest = strings.TrimLeft(rest, listSpace)
		if !ok || rest != "" && rest[0] != ',' || strings.ContainsFunc(tag, notInTag) {
			return nil, Invalid("If-Match must be *, or entity tags in double quotes with commas between them, such as an ETag of the pool's members")
		}
		if strings.HasPrefix(list, "W/") {
			weak = append(weak, "W/"+tag)
		} else {
			strong = append(strong, strings.Trim(tag, `"`))
		}
		list = rest
	}
	switch all := len(strong) + len(weak); {
	case all == 0:
		return nil, Invalid("If-Match is empty")
	case all > maxTags:
		return nil, Invalid("If-Match has more than 100 entity tags")
	case len(strong) == 0:
		return weak[:1], nil
	}
	return strong, nil
}

// listSpace is the space between the entries of a list.
const listSpace = " \t"

// notInTag reports whether a character is neither visible nor ASCII.
func notInTag(c rune) bool { return c <= ' ' || c > '~' }

// PrefersAsync reports whether a Prefer has the preference respond-async (RFC 7240, 4.1).
func PrefersAsync(h http.Header) bool {
	for _, field := range h["Prefer"] {
		for preference := range strings.SplitSeq(field, ",") {
			name, _, _ := strings.Cut(preference, ";")
			if strings.EqualFold(strings.TrimSpace(name), respondAsync) {
				return true
			}
		}
	}
	return false
}

// respondAsync is the preference for an answer before the effect, and also the
// Preference-Applied of that.
const respondAsync = "respond-async"

// AppliedAsync sets the header that the answer precedes the effect.
func (x *Exchange) AppliedAsync() { x.Header().Set("Preference-Applied", respondAsync) }
