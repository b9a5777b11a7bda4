package stress

import (
	"net/url"
	"regexp"
	"strings"
)

// hidden replaces possible credentials.
const hidden = "…"

// credential matches names of query parameters with secret values.
var credential = regexp.MustCompile(`(?i)auth|code|cred|jwt|key|pass|pwd|secret|session|sig|token`)

// RedactURL returns a URL for a report: without a user and a fragment, and without the
// values of query parameters that may be credentials.
func RedactURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return hidden // cannot be parsed, so cannot be redacted
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	parameters := strings.Split(u.RawQuery, "&")
	for i, parameter := range parameters {
		raw, _, hasValue := strings.Cut(parameter, "=")
		name, err := url.QueryUnescape(raw)
		if hasValue && (err != nil || credential.MatchString(name)) {
			parameters[i] = raw + "=" + hidden
		}
	}
	u.RawQuery = strings.Join(parameters, "&")
	return u.String()
}
